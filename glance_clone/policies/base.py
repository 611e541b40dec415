# SPDX-License-Identifier: Apache-2.0
"""Check strings that several resources share, and the rules that others refer to.

The target of a check has ``project_id`` (the owner), ``owner``, ``visibility``, and ``member_id``: the caller's project
where the image is shared with it.
"""

from __future__ import annotations

from oslo_policy import policy

ADMIN = 'rule:context_is_admin'
_MEMBER = 'role:member and project_id:%(project_id)s'
_READER = 'role:reader and project_id:%(project_id)s'
_ANY_VIEWER = (
    'project_id:%(project_id)s or project_id:%(member_id)s or '
    "'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s"
)

ADMIN_OR_PROJECT_MEMBER = f'{ADMIN} or ({_MEMBER})'
ADMIN_OR_PROJECT_READER = f'{ADMIN} or ({_READER})'
ADMIN_OR_PROJECT_MEMBER_CREATE_IMAGE = f'{ADMIN} or ({_MEMBER} and project_id:%(owner)s)'
ADMIN_OR_PROJECT_READER_GET_IMAGE = f'{ADMIN} or (role:reader and ({_ANY_VIEWER}))'
ADMIN_OR_PROJECT_MEMBER_DOWNLOAD_IMAGE = f'{ADMIN} or (role:member and ({_ANY_VIEWER}))'
ADMIN_OR_PROJECT_READER_OR_SHARED_MEMBER = f'{ADMIN} or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)'
SERVICE_OR_PROJECT_MEMBER = f'rule:service_api or ({_MEMBER} and project_id:%(owner)s)'
ADMIN_OR_SHARED_MEMBER = f'{ADMIN} or (role:member and project_id:%(member_id)s)'

PROJECT_SCOPE = ['project']

_RULES = [
    policy.RuleDefault(
        'default',
        '',
        description='Applies where a policy refers to a rule that does not exist.',
        deprecated_rule=policy.DeprecatedRule(
            'default',
            ADMIN,
            deprecated_reason='Every rule names who may do what.',
            deprecated_since='Ussuri',
        ),
    ),
    policy.RuleDefault('context_is_admin', 'role:admin', description='Who sees and may do everything.'),
    policy.RuleDefault(
        'service_api',
        'role:service or role:admin',
        description='Other services of the cloud.',
    ),
]


def project_rule(
    name: str,
    check_str: str,
    description: str,
    operations: list[tuple[str, str]],
    legacy: bool = True,
) -> policy.DocumentedRuleDefault:
    """Return a rule for project-scoped tokens.

    :param operations: (method, path) pairs that it guards
    :param legacy: whether ``[oslo_policy] enforce_new_defaults = false`` falls back to ``rule:default``
    """
    deprecated = None
    if legacy:
        deprecated = policy.DeprecatedRule(
            name, 'rule:default', deprecated_reason='Rules name roles and projects.', deprecated_since='W'
        )
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check_str,
        scope_types=PROJECT_SCOPE,
        description=description,
        operations=[{'method': method, 'path': path} for method, path in operations],
        deprecated_rule=deprecated,
    )


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
