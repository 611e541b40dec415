# SPDX-License-Identifier: Apache-2.0
"""Who may use the tasks API, and see single tasks through it."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

_TASKS = '/v2/tasks'
_TASK = '/v2/tasks/{task_id}'
_ALWAYS = 'rule:default'


def _rule(name: str, description: str, method: str, path: str) -> policy.DocumentedRuleDefault:
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=_ALWAYS,
        scope_types=base.PROJECT_SCOPE,
        description=f'{description} Whoever may not use the tasks API at all (tasks_api_access) may not do this either.',
        operations=[{'method': method, 'path': path}],
        deprecated_rule=policy.DeprecatedRule(
            name, _ALWAYS, deprecated_reason='Rules name roles and projects.', deprecated_since='X'
        ),
    )


_RULES = [
    _rule('get_task', 'See a task.', 'GET', _TASK),
    _rule('get_tasks', 'List tasks.', 'GET', _TASKS),
    _rule('add_task', 'Ask for a task.', 'POST', _TASKS),
    policy.DocumentedRuleDefault(
        name='modify_task',
        check_str=_ALWAYS,
        scope_types=base.PROJECT_SCOPE,
        description='Not asked: tasks are not changed through the API.',
        operations=[{'method': 'DELETE', 'path': _TASK}],
        deprecated_for_removal=True,
        deprecated_reason='Tasks are not changed through the API.',
        deprecated_since='W',
    ),
    base.project_rule(
        'tasks_api_access',
        base.ADMIN,
        'Use the tasks API.',
        [('GET', _TASK), ('GET', _TASKS), ('POST', _TASKS), ('DELETE', _TASK)],
        legacy=False,
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
