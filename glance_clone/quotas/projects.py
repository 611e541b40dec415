# SPDX-License-Identifier: Apache-2.0
"""The quota of projects: limits of some source, held against what the rows say that a project has."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from glance_clone.domain import quota
from glance_clone.domain.image import Image
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota import Usage
from glance_clone.domain.quota import Work
from glance_clone.domain.quota_ports import Reservation
from glance_clone.domain.quota_ports import UsageRepository
from glance_clone.quotas.unlimited import Nothing


class LimitSource(Protocol):
    """Knows the limits of projects.

    ``resources`` are those that it may limit at all.
    """

    resources: frozenset[str]

    def of(self, project: str, resources: Collection[str]) -> Limits:
        """Return the limits of a project on these resources.

        :raises Unavailable: they cannot be found out now
        """

    def shown(self, project: str, usage: Usage) -> dict[str, tuple[int, int]]:
        """Return usage and limit as users are shown them, by name."""


class ProjectQuota:
    """See :class:`glance_clone.domain.quota_ports.Quota`."""

    def __init__(self, source: LimitSource, usage: UsageRepository):
        self.admits_imports = quota.UPLOADING in source.resources
        self._source = source
        self._usage = usage

    def limits(self, project: str | None, *resources: str) -> Limits:
        """Return the limits of a project; an image without owner is charged to nobody."""
        wanted = self._source.resources.intersection(resources)
        return self._source.of(project, wanted) if project is not None and wanted else quota.NO_LIMITS

    def begin(self, image: Image, attempt: str, stored: int | None = None, staged: int | None = None) -> Reservation:
        """Admit work, and hold what it says that it will take."""
        takes = {quota.STORED: stored, quota.STAGED: staged}
        resources = [resource for resource, size in takes.items() if size is not None]
        limits = self.limits(image.owner, quota.UPLOADING, *resources)
        if not limits or image.owner is None:
            return Nothing()
        return ProjectReservation(self._usage, Work(image.id, attempt), image.owner, limits, stored or 0, staged or 0)

    def require_room(self, project: str | None) -> None:
        """Refuse if the project has too much in stores already."""
        limits = self.limits(project, quota.STORED)
        if limits and project is not None:
            quota.require_within(limits, self._usage.of(project, tuple(limits)))

    def report(self, project: str | None) -> dict[str, tuple[int, int]]:
        """Return what users are shown."""
        if project is None or not self._source.resources - {quota.STORED}:
            return {}
        return self._source.shown(project, self._usage.of(project))


class ProjectReservation:
    """What one piece of work takes; see :class:`glance_clone.domain.quota_ports.Reservation`.

    The limits are those of its beginning, also if they are changed meanwhile.
    """

    def __init__(self, usage: UsageRepository, work: Work, project: str, limits: Limits, stored: int, staged: int):
        self.is_limited = quota.STORED in limits
        self._usage = usage
        self._work = work
        self._project = project
        usage.reserve(work, project, limits, stored, staged)
        self._stored, self._staged = stored, staged
        # It is admitted by now; how many images have data on the way does not matter any more.
        self._limits = {resource: limit for resource, limit in limits.items() if resource != quota.UPLOADING}

    def take(self, stored: int | None = None, staged: int | None = None, least: int | None = None) -> int:
        """Hold another amount; giving back is never refused."""
        stored = self._stored if stored is None else stored
        staged = self._staged if staged is None else staged
        more = {quota.STORED: stored > self._stored, quota.STAGED: staged > self._staged}
        limits = {resource: limit for resource, limit in self._limits.items() if more[resource]}
        self._stored = self._usage.reserve(self._work, self._project, limits, stored, staged, least)
        self._staged = staged
        return self._stored
