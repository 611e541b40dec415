# SPDX-License-Identifier: Apache-2.0
"""The owner of an image is charged before anything is taken (D-8, P7, R10).

What an upload may put into a store is reserved on its lease, which the layer around this one took: so it is given back
with the lease, whether the upload succeeds, fails, or loses its worker.
"""

from __future__ import annotations

from collections.abc import Mapping

from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota_ports import Reservation
from glance_clone.domain.store_ports import ByteSource
from glance_clone.layers.base import ImageDataLayer
from glance_clone.layers.base import ImageRepositoryLayer

#: Data of unknown size is charged as it comes, some more of it at a time the longer it is.
_AHEAD = 8
_MOST_AHEAD = 64 << 20


class RecordQuota(ImageRepositoryLayer):
    """Charges for new images, and for locations that somebody adds to an image."""

    def add(self, image: Image, id_is_new: bool = False, limits: Limits = NO_LIMITS) -> None:
        """Store a new image if its owner may have one more."""
        super().add(image, id_is_new, limits or self._parts.quota.limits(image.owner, quota.IMAGES))

    def save(
        self,
        image: Image,
        from_state: str | None = None,
        take: Lease | None = None,
        drop: Lease | None = None,
        hold: Lease | None = None,
        if_unchanged: bool = False,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Store what changed; with new locations only if the owner may have as much in stores."""
        if not limits and from_state is not None and any(location.id is None for location in image.locations):
            limits = self._parts.quota.limits(image.owner, quota.STORED)
        super().save(image, from_state, take, drop, hold, if_unchanged, limits)


class DataQuota(ImageDataLayer):
    """Charges for the data of uploads."""

    def write(
        self,
        image: Image,
        source: ByteSource,
        size: int | None,
        store_id: str | None,
        attempt: str | None = None,
        expected: Mapping[str, str] | None = None,
        submitter: Submitter | None = None,
    ) -> None:
        """Take the data if the owner of the image has room for it.

        :raises LimitExceeded: the owner has not
        """
        if attempt is not None:
            reservation = self._parts.quota.begin(image, attempt, stored=max(size or 0, 0))
            if size is None and reservation.is_limited:
                source = Metered(source, reservation)
        super().write(image, source, size, store_id, attempt, expected, submitter)

    def stage(
        self, image: Image, source: ByteSource, size: int | None, expected: Mapping[str, str], attempt: str | None = None
    ) -> Staged:
        """Take the data into the staging directory if the owner of the image may have as much there.

        :raises LimitExceeded: the owner may not
        """
        if attempt is not None:
            reservation = self._parts.quota.begin(image, attempt, staged=max(size or 0, 0))
            if size is None:
                source = MeteredStaging(source, reservation)
        return super().stage(image, source, size, expected, attempt)


class MeteredStaging:
    """A source of unknown size that is staged: what it yields is charged first, some at a time."""

    def __init__(self, source: ByteSource, reservation: Reservation):
        self._source = source
        self._reservation = reservation
        self._came = self._held = 0

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises LimitExceeded: there is no room for them
        """
        data = self._source.read(size)
        self._came += len(data)
        if self._came > self._held:
            self._hold(self._came + min(self._came // _AHEAD, _MOST_AHEAD))
        return data

    def _hold(self, size: int) -> None:
        try:
            self._reservation.take(staged=size)
        except errors.LimitExceeded:
            size = self._came
            self._reservation.take(staged=size)
        self._held = size


class Metered:
    """A source of unknown size: what it yields is charged first.

    :param taken: bytes in stores that are held for other parts of the same work
    """

    def __init__(self, source: ByteSource, reservation: Reservation, taken: int = 0):
        self._source = source
        self._reservation = reservation
        self._came = self._held = taken

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises LimitExceeded: there is no room for them
        """
        data = self._source.read(size)
        self._came += len(data)
        if self._came > self._held:
            ahead = min(self._came // _AHEAD, _MOST_AHEAD)
            self._held = self._reservation.take(stored=self._came + ahead, least=self._came)
        return data
