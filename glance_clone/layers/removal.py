# SPDX-License-Identifier: Apache-2.0
"""Removing an image removes its data: mark the row, remove the bytes, then the row (D-6).

A lease guards the time between the first step and the last. If the worker dies there, the reaper goes on from the marked
row, so that neither bytes without an image nor an image without bytes stay behind.
"""

from __future__ import annotations

import logging

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.layers.base import ImageRepositoryLayer
from glance_clone.layers.leasing import left_to_reaper

LOG = logging.getLogger(__name__)

#: States in which an image may have staged data.
_STAGED = (images.UPLOADING, images.IMPORTING)
#: How often an image may change between being read and being marked before the delete gives up.
_TRIES = 5


class Removal(ImageRepositoryLayer):
    """Removes data together with records."""

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Remove the image with all copies of its data.

        :raises BlobInUse: a store will not part with a copy; the image stays as it was
        :raises Unavailable: a store or the database cannot be reached
        """
        lease = self._mark(image)
        with left_to_reaper(self._parts, lease):
            self._remove_marked(image, lease)

    def _remove_marked(self, image: Image, lease: Lease) -> None:
        marked = self._parts.leases.image_of(lease) or image
        try:
            self._parts.data.remove(marked)
            if lease.detail['status'] in _STAGED:
                self._parts.staging.clear(image.id)
                self._parts.staged.forget(image.id)
        except errors.ImageServiceError:
            self._unmark(marked, lease)
            raise
        self._inner.remove(marked, drop=lease)

    def _unmark(self, image: Image, lease: Lease) -> None:
        """Give the image back with the copies that are still there."""
        image.status = lease.detail['status']
        try:
            self._inner.save(image, from_state=images.PENDING_DELETE, drop=lease)
        except errors.ImageServiceError as failure:
            LOG.warning('Image %s, which could not be deleted, could not be given back yet: %s', image.id, failure)
            self._parts.abandon(lease)

    def _mark(self, image: Image) -> Lease:
        """Mark the row as being deleted, whatever happened to it since it was read."""
        current = image
        for _ in range(_TRIES):
            seen = current.status
            lease = self._parts.worker.lease(image.id, leases.DELETE, status=seen)
            current.move_to(images.PENDING_DELETE)
            try:
                with left_to_reaper(self._parts, lease):
                    self._inner.save(current, from_state=seen, take=lease)
            except errors.StateChanged:
                current = self._inner.get(image.id, SERVICE)
            else:
                return lease
        raise errors.StateChanged(f'Image {image.id} is changing too fast to be deleted; try again.')
