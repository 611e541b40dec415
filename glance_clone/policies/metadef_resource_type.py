# SPDX-License-Identifier: Apache-2.0
"""Who may see and change resource types, and which namespaces apply to them."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import metadef

_ASSOCIATIONS = f'{metadef.NAMESPACE}/resource_types'
_ASSOCIATION = f'{metadef.NAMESPACE}/resource_types/{{name}}'

_RULES = [
    metadef.reading_rule(
        'list_metadef_resource_types',
        'List resource types, and those to which a namespace applies.',
        '/v2/metadefs/resource_types',
    ),
    metadef.reading_rule('get_metadef_resource_type', 'See a resource type in a list.', _ASSOCIATIONS),
    metadef.writing_rule(
        'add_metadef_resource_type_association', 'Make a namespace apply to a resource type.', 'POST', _ASSOCIATIONS
    ),
    metadef.writing_rule(
        'remove_metadef_resource_type_association',
        'Make a namespace apply to a resource type no longer.',
        'DELETE',
        _ASSOCIATION,
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
