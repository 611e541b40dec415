# SPDX-License-Identifier: Apache-2.0
"""Who may see and change objects of metadata definitions."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import metadef

_OBJECTS = f'{metadef.NAMESPACE}/objects'
_OBJECT = f'{metadef.NAMESPACE}/objects/{{object_name}}'

_RULES = [
    metadef.reading_rule('get_metadef_object', 'See an object of a namespace.', _OBJECT),
    metadef.reading_rule('get_metadef_objects', 'List the objects of a namespace.', _OBJECTS),
    metadef.writing_rule('add_metadef_object', 'Add an object to a namespace.', 'POST', _OBJECTS),
    metadef.writing_rule('modify_metadef_object', 'Change an object of a namespace.', 'PUT', _OBJECT),
    metadef.writing_rule('delete_metadef_object', 'Delete an object of a namespace.', 'DELETE', _OBJECT),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
