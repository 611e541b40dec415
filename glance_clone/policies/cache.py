# SPDX-License-Identifier: Apache-2.0
"""Who may look after the image cache."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

_CACHE = '/v2/cache'


def _rule(name: str, description: str, operations: list[tuple[str, str]], since: str | None = None) -> policy.RuleDefault:
    """Return a rule for administrators.

    :param since: the release before which ``manage_image_cache`` was asked instead
    """
    deprecated = None
    if since:
        reason = 'The image cache has rules of its own for each operation.'
        deprecated = policy.DeprecatedRule(name, 'rule:manage_image_cache', deprecated_reason=reason, deprecated_since=since)
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=base.ADMIN,
        scope_types=base.PROJECT_SCOPE,
        description=description,
        operations=[{'method': method, 'path': path} for method, path in operations],
        deprecated_rule=deprecated,
    )


_RULES = [
    policy.RuleDefault(
        'manage_image_cache',
        base.ADMIN,
        scope_types=base.PROJECT_SCOPE,
        description='Look after the image cache by the routes of the filter cachemanage.',
    ),
    _rule('cache_image', 'Queue an image to be cached.', [('PUT', f'{_CACHE}/{{image_id}}')], since='X'),
    _rule('cache_list', 'See what is cached and queued.', [('GET', _CACHE)], since='X'),
    _rule(
        'cache_delete',
        'Remove images from the cache and its queue.',
        [('DELETE', _CACHE), ('DELETE', f'{_CACHE}/{{image_id}}')],
        since='X',
    ),
    _rule('cache_clean', 'Remove what failed fills of the cache left.', [('POST', f'{_CACHE}/clean')]),
    _rule('cache_prune', 'Shrink the cache to its configured size.', [('POST', f'{_CACHE}/prune')]),
    _rule('list_cached_nodes', 'See which nodes have an image in their cache.', [('GET', f'{_CACHE}/nodes/{{image_id}}')]),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
