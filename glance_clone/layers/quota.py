# SPDX-License-Identifier: Apache-2.0
"""The owner of an image is charged before anything is taken (D-8, P7, R10).

What an upload may put into a store is reserved on its lease, which the layer around this one took: so it is given back
with the lease, whether the upload succeeds, fails, or loses its worker.
"""

from __future__ import annotations

import dataclasses
from typing import Unpack

from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Staged
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.ports import SaveTerms
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

    def save(self, image: Image, **terms: Unpack[SaveTerms]) -> None:
        """Store what changed; with new locations only if the owner may have as much in stores."""
        writes_locations = terms.get('from_state') is not None
        if writes_locations and not terms.get('limits') and any(location.id is None for location in image.locations):
            terms['limits'] = self._parts.quota.limits(image.owner, quota.STORED)
        super().save(image, **terms)


class DataQuota(ImageDataLayer):
    """Charges for the data of uploads."""

    def write(self, image: Image, incoming: Incoming) -> None:
        """Take the data if the owner of the image has room for it.

        :raises LimitExceeded: the owner has not
        """
        if incoming.attempt is not None:
            reservation = self._parts.quota.begin(image, incoming.attempt, stored=max(incoming.size or 0, 0))
            if incoming.size is None and reservation.is_limited:
                incoming = dataclasses.replace(incoming, source=Metered(incoming.source, reservation))
        super().write(image, incoming)

    def stage(self, image: Image, incoming: Incoming) -> Staged:
        """Take the data into the staging directory if the owner of the image may have as much there.

        :raises LimitExceeded: the owner may not
        """
        if incoming.attempt is not None:
            reservation = self._parts.quota.begin(image, incoming.attempt, staged=max(incoming.size or 0, 0))
            if incoming.size is None:
                incoming = dataclasses.replace(incoming, source=MeteredStaging(incoming.source, reservation))
        return super().stage(image, incoming)


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
