# SPDX-License-Identifier: Apache-2.0
"""Who may see and change namespaces of metadata definitions."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base
from glance_clone.policies import metadef

_RULES = [
    metadef.reading_rule('get_metadef_namespace', 'See a namespace, and know that it exists.', metadef.NAMESPACE),
    metadef.reading_rule('get_metadef_namespaces', 'List namespaces.', metadef.NAMESPACES, base.ADMIN_OR_PROJECT_READER),
    metadef.writing_rule('add_metadef_namespace', 'Create a namespace.', 'POST', metadef.NAMESPACES),
    metadef.writing_rule('modify_metadef_namespace', 'Change a namespace.', 'PUT', metadef.NAMESPACE),
    metadef.writing_rule(
        'delete_metadef_namespace',
        'Delete a namespace, or all objects, properties or tags of one.',
        'DELETE',
        metadef.NAMESPACE,
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
