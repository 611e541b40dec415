# SPDX-License-Identifier: Apache-2.0
"""Who may see, add and remove the locations of images."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

_RULES = [
    base.project_rule(
        'get_image_location',
        base.ADMIN_OR_PROJECT_READER,
        'See the locations of an image.',
        [('GET', '/v2/images/{image_id}')],
    ),
    base.project_rule(
        'add_image_location',
        base.SERVICE_OR_PROJECT_MEMBER,
        'Give a queued image the location of data that is somewhere already.',
        [('POST', '/v2/images/{image_id}/locations')],
        legacy=False,
    ),
    base.project_rule(
        'fetch_image_location',
        'rule:service_api',
        'See where the data of an image lies.',
        [('GET', '/v2/images/{image_id}/locations')],
        legacy=False,
    ),
    base.project_rule(
        'set_image_location',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Add locations to an image, and describe them, by PATCH.',
        [('PATCH', '/v2/images/{image_id}')],
    ),
    base.project_rule(
        'delete_image_location',
        base.ADMIN,
        'Remove a copy of the data of an image.',
        [('PATCH', '/v2/images/{image_id}'), ('DELETE', '/v2/stores/{store_id}/{image_id}')],
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return list(_RULES)
