# SPDX-License-Identifier: Apache-2.0
"""Who may share images, and answer when one is shared with them."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

_MEMBERS = '/v2/images/{image_id}/members'
_MEMBER = '/v2/images/{image_id}/members/{member_id}'

_RULES = [
    base.project_rule(
        'add_member',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Share an image with a project.',
        [('POST', _MEMBERS)],
    ),
    base.project_rule(
        'delete_member',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Share an image with a project no longer.',
        [('DELETE', _MEMBER)],
    ),
    base.project_rule(
        'get_member',
        base.ADMIN_OR_PROJECT_READER_OR_SHARED_MEMBER,
        'See a member of an image.',
        [('GET', _MEMBER)],
    ),
    base.project_rule(
        'get_members',
        base.ADMIN_OR_PROJECT_READER_OR_SHARED_MEMBER,
        'List the members of an image.',
        [('GET', _MEMBERS)],
    ),
    base.project_rule(
        'modify_member',
        base.ADMIN_OR_SHARED_MEMBER,
        'Accept or reject an image that is shared with the own project.',
        [('PUT', _MEMBER)],
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
