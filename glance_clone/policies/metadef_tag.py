# SPDX-License-Identifier: Apache-2.0
"""Who may see and change tags of metadata definitions."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import metadef

_TAGS = f'{metadef.NAMESPACE}/tags'
_TAG = f'{metadef.NAMESPACE}/tags/{{tag_name}}'

_RULES = [
    metadef.reading_rule('get_metadef_tag', 'See a tag of a namespace.', _TAG),
    metadef.reading_rule('get_metadef_tags', 'List the tags of a namespace.', _TAGS),
    metadef.writing_rule('add_metadef_tag', 'Add a tag to a namespace.', 'POST', _TAG),
    metadef.writing_rule('add_metadef_tags', 'Set or add several tags of a namespace.', 'POST', _TAGS),
    metadef.writing_rule('modify_metadef_tag', 'Change a tag of a namespace.', 'PUT', _TAG),
    metadef.writing_rule('delete_metadef_tag', 'Delete a tag of a namespace.', 'DELETE', _TAG),
    metadef.writing_rule('delete_metadef_tags', 'Delete all tags of a namespace.', 'DELETE', _TAGS),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
