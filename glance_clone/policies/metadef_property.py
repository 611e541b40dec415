# SPDX-License-Identifier: Apache-2.0
"""Who may see and change properties of metadata definitions."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import metadef

_PROPERTIES = f'{metadef.NAMESPACE}/properties'
_PROPERTY = f'{metadef.NAMESPACE}/properties/{{property_name}}'

_RULES = [
    metadef.reading_rule('get_metadef_property', 'See a property of a namespace.', _PROPERTY),
    metadef.reading_rule('get_metadef_properties', 'List the properties of a namespace.', _PROPERTIES),
    metadef.writing_rule('add_metadef_property', 'Add a property to a namespace.', 'POST', _PROPERTIES),
    metadef.writing_rule('modify_metadef_property', 'Change a property of a namespace.', 'PUT', _PROPERTY),
    metadef.writing_rule('remove_metadef_property', 'Delete a property of a namespace.', 'DELETE', _PROPERTY),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
