# SPDX-License-Identifier: Apache-2.0
"""The contracts of quotas; see :mod:`glance_clone.domain.ports`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from glance_clone.domain.image import Image
from glance_clone.domain.quota import RESOURCES
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota import Usage
from glance_clone.domain.quota import Work


class UsageRepository(Protocol):
    """Knows how much projects have, and keeps what unfinished work reserves."""

    def of(self, project: str, resources: Collection[str] = RESOURCES) -> Usage:
        """Return how much a project has of each resource, counted now; what is reserved counts."""

    def projects(self) -> list[str]:
        """Return every project that has an image or a reservation, in order."""

    def reserve(self, work: Work, project: str, limits: Limits, stored: int, staged: int, least: int | None = None) -> int:
        """Reserve bytes for the work of a lease, in place of what was reserved for it; one at a time for each project.

        What is reserved ends with the lease.

        :param work: tells the lease
        :param limits: what the project may have with this; nothing is reserved if it would have more
        :param stored: bytes for stores
        :param staged: bytes for the staging area
        :param least: so many bytes for stores will do, if there is no room for all
        :returns: the bytes for stores that are reserved now
        :raises LimitExceeded: the project would have too much
        :raises LeaseLost: the lease is no longer held
        """


class Reservation(Protocol):
    """What one piece of work takes of the quota of a project. It ends with the lease of the work, whoever ends that.

    ``is_limited`` tells whether bytes in stores are limited, so that they must be taken before they are written.
    """

    is_limited: bool

    def take(self, stored: int | None = None, staged: int | None = None, least: int | None = None) -> int:
        """Say anew how much the work takes, all in all; what was said before counts no more. None leaves it as it is.

        Bytes that a record tells, such as a copy that the image names by now, need not be held any longer.

        :param stored: bytes that the work may still put into stores, copies counted one by one
        :param staged: bytes that the work may have in the staging area, as long as the image does not tell them
        :param least: so many bytes in stores will do, if the project has no room for all
        :returns: the bytes in stores that are held now
        :raises LimitExceeded: the project has no room; what was held before is held still
        :raises LeaseLost: the lease is no longer held
        """


class Quota(Protocol):
    """What projects may have. Where nothing is limited, none of this costs a statement or asks anybody.

    ``admits_imports`` tells whether an import is refused as a whole before it begins if there is no room for its data;
    otherwise it is each store that cannot be written to.
    """

    admits_imports: bool

    def limits(self, project: str | None, *resources: str) -> Limits:
        """Return the limits of a project on these resources; those without limit are left out.

        :raises Unavailable: whoever knows the limits cannot be asked
        """

    def begin(self, image: Image, attempt: str, stored: int | None = None, staged: int | None = None) -> Reservation:
        """Admit work that moves the data of an image, and charge the owner of the image for it.

        Call it when the lease of the work is taken and the image has its transient status, and end both if it is refused.

        :param attempt: names the lease
        :param stored: bytes that the work will put into stores, 0 if that is not known yet; None if it stores nothing
        :param staged: bytes that the work will put into the staging area, in the same way
        :raises LimitExceeded: the project has no room, or too many images with data on the way
        :raises Unavailable: whoever knows the limits cannot be asked
        """

    def require_room(self, project: str | None) -> None:
        """Refuse work that would store more for a project which has too much in stores already.

        :raises LimitExceeded: it has
        """

    def report(self, project: str | None) -> dict[str, tuple[int, int]]:
        """Return usage and limit by the names of the limits that users are shown, in the units of these limits."""
