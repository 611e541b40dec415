# SPDX-License-Identifier: Apache-2.0
"""Where delayed_delete is on, the data of deleted images stays until the scrubber takes it."""

from __future__ import annotations

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain import location as locations
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.layers.base import ImageDataLayer
from glance_clone.layers.base import ImageRepositoryLayer
from glance_clone.layers.leasing import left_to_reaper

#: States in which all data of an image is in its locations.
_SETTLED = (images.ACTIVE, images.DEACTIVATED)
#: How often an image may change between being read and being deleted before the delete gives up.
_TRIES = 5


class DelayedRemoval(ImageRepositoryLayer):
    """Deletes records at once, and leaves data."""

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Remove the image; what has no data yet, or has it on the way, goes with all that there is of it.

        :raises ImageNotFound: somebody else deleted it first
        """
        current = image
        for _ in range(_TRIES):
            if not self._parts.delays_deletes or current.status not in _SETTLED or not current.locations:
                super().remove(current, drop)
                return
            try:
                self._parts.deletes.schedule(current)
            except errors.StateChanged:
                current = self._parts.images.get(image.id, SERVICE)
            else:
                return
        raise errors.StateChanged(f'Image {image.id} is changing too fast to be deleted; try again.')


class DelayedCopyRemoval(ImageDataLayer):
    """Removes a copy from the record at once, and leaves its bytes."""

    def remove_copy(self, image: Image, location: Location) -> None:
        """Remove the copy; see :meth:`ImageData.remove_copy`."""
        if not self._parts.delays_deletes:
            super().remove_copy(image, location)
            return
        lease = self._parts.worker.lease(image.id, leases.REMOVE_COPY, location=location.id)
        location.status = locations.PENDING_DELETE
        try:
            with left_to_reaper(self._parts, lease):
                self._parts.images.save(image, from_state=images.ACTIVE, take=lease)
        except errors.ImageServiceError:
            location.status = locations.ACTIVE
            raise
        image.locations.remove(location)
        with left_to_reaper(self._parts, lease):
            self._parts.deletes.schedule_copy(lease)
