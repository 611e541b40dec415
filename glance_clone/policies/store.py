# SPDX-License-Identifier: Apache-2.0
"""Who may know and choose the stores in which data lies."""

from __future__ import annotations

from oslo_policy import policy

from glance_clone.policies import base

_RULES = [
    base.project_rule(
        'stores_info_detail',
        f'{base.ADMIN} or rule:service_api',
        'See types, weights and settings of the stores.',
        [('GET', '/v2/info/stores/detail')],
        legacy=False,
    ),
    base.project_rule(
        'download_from_store',
        base.ADMIN_OR_PROJECT_MEMBER_DOWNLOAD_IMAGE,
        'Choose the stores from which the data of an image is read first, by ``prefer``.',
        [('GET', '/v2/images/{image_id}/file')],
        legacy=False,
    ),
]


def list_rules() -> list[policy.RuleDefault]:
    """Return the rules of this module."""
    return list(_RULES)
