# SPDX-License-Identifier: Apache-2.0
"""The one limit of the configuration, ``user_storage_quota``: the same for every project."""

from __future__ import annotations

from collections.abc import Collection

from glance_clone.domain import quota
from glance_clone.domain.quota import Limit
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota import Usage


class ConfiguredLimit:
    """A source of limits; see :class:`glance_clone.quotas.projects.LimitSource`.

    :param size: bytes that each project may keep in stores
    """

    resources = frozenset((quota.STORED,))

    def __init__(self, size: int):
        self._limits: Limits = {quota.STORED: Limit('user_storage_quota', size)}

    def of(self, project: str, resources: Collection[str]) -> Limits:
        """Return the limit if it is asked for."""
        return self._limits if quota.STORED in resources else quota.NO_LIMITS

    def shown(self, project: str, usage: Usage) -> dict[str, tuple[int, int]]:
        """Return nothing: users are shown unified limits only."""
        return {}
