# SPDX-License-Identifier: Apache-2.0
"""Who may do what with images and their data."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

_IMAGES = '/v2/images'
_IMAGE = '/v2/images/{image_id}'
_ACTION = '/v2/images/{image_id}/actions/'
_FILE = '/v2/images/{image_id}/file'

_RULES = [
    base.project_rule(
        'add_image',
        base.ADMIN_OR_PROJECT_MEMBER_CREATE_IMAGE,
        'Create an image.',
        [('POST', _IMAGES)],
    ),
    base.project_rule(
        'delete_image',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Delete an image and its data.',
        [('DELETE', _IMAGE)],
    ),
    base.project_rule(
        'get_image',
        base.ADMIN_OR_PROJECT_READER_GET_IMAGE,
        'See an image. Whoever may not, is told that it does not exist.',
        [('GET', _IMAGE)],
    ),
    base.project_rule(
        'get_images',
        base.ADMIN_OR_PROJECT_READER,
        'List images.',
        [('GET', _IMAGES)],
    ),
    base.project_rule(
        'modify_image',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Change an image.',
        [('PATCH', _IMAGE)],
    ),
    base.project_rule(
        'publicize_image',
        base.ADMIN,
        'Make an image public, at its creation or later.',
        [('PATCH', _IMAGE)],
        legacy=False,
    ),
    base.project_rule(
        'communitize_image',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Make an image a community image, at its creation or later.',
        [('PATCH', _IMAGE)],
    ),
    base.project_rule(
        'download_image',
        base.ADMIN_OR_PROJECT_MEMBER_DOWNLOAD_IMAGE,
        'Download the data of an image.',
        [('GET', _FILE)],
    ),
    base.project_rule(
        'upload_image',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Upload the data of an image.',
        [('PUT', _FILE)],
    ),
    base.project_rule(
        'copy_image',
        base.ADMIN,
        'Copy the data of an active image into further stores.',
        [('POST', '/v2/images/{image_id}/import')],
        legacy=False,
    ),
    base.project_rule(
        'deactivate',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Let only administrators download an image.',
        [('POST', f'{_ACTION}deactivate')],
    ),
    base.project_rule(
        'reactivate',
        base.ADMIN_OR_PROJECT_MEMBER,
        'Let everybody who may see an image download it again.',
        [('POST', f'{_ACTION}reactivate')],
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return _RULES
