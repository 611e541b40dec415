# SPDX-License-Identifier: Apache-2.0
"""What the rules of metadata definitions have in common.

The target of a check has ``project_id`` (the owner) and ``visibility`` of the namespace; where none is concerned, only
``project_id``, the caller's own.
"""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

NAMESPACES = '/v2/metadefs/namespaces'
NAMESPACE = '/v2/metadefs/namespaces/{namespace_name}'

VIEWER = f"{base.ADMIN} or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))"

_RULES = [
    policy.RuleDefault('metadef_default', '', description='Reading, where [oslo_policy] enforce_new_defaults is false.'),
    policy.RuleDefault('metadef_admin', base.ADMIN, description='Who changes metadata definitions.'),
]


def reading_rule(name: str, description: str, path: str, check_str: str = VIEWER) -> policy.DocumentedRuleDefault:
    """Return a rule about GET of a path."""
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check_str,
        scope_types=base.PROJECT_SCOPE,
        description=description,
        operations=[{'method': 'GET', 'path': path}],
        deprecated_rule=policy.DeprecatedRule(
            name, 'rule:metadef_default', deprecated_reason='Rules name roles and projects.', deprecated_since='X'
        ),
    )


def writing_rule(name: str, description: str, method: str, path: str) -> policy.DocumentedRuleDefault:
    """Return a rule about a change."""
    return policy.DocumentedRuleDefault(
        name=name,
        check_str='rule:metadef_admin',
        scope_types=base.PROJECT_SCOPE,
        description=description,
        operations=[{'method': method, 'path': path}],
    )


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
