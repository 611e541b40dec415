# SPDX-License-Identifier: Apache-2.0
"""What the reaper does about interrupted uploads and deletes, of images and of single copies."""

from __future__ import annotations

import logging

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain import location as locations
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.jobs.reaper import Finishers
from glance_clone.layers import Parts
from glance_clone.layers import accounts

LOG = logging.getLogger(__name__)

_INTERRUPTED = 'The upload was interrupted by a failure of the service; send the data again.'


class DataFinishers:
    """Ends uploads and deletes.

    :param parts: the bare repositories and stores
    """

    def __init__(self, parts: Parts):
        self._parts = parts

    def table(self) -> Finishers:
        """Return the finishers by operation."""
        return {
            leases.UPLOAD: self.undo_upload,
            leases.DELETE: self.finish_delete,
            leases.REMOVE_COPY: self.finish_removal,
            leases.SCRUB: self.release_scrub,
        }

    def undo_upload(self, lease: Lease, image: Image | None) -> None:
        """Remove what was written and return the image to queued."""
        if image is not None and image.locations:
            # The upload was committed, by whichever attempt: its object is referred to and stays.
            self._parts.leases.release(lease)
            return
        accounts.discard(self._parts.stores, lease.detail.get('store'), lease)
        if image is None or image.status != images.SAVING:
            self._parts.leases.release(lease)
            return
        image.move_to(images.QUEUED)
        image.properties[images.UPLOAD_ERROR] = _INTERRUPTED
        self._parts.images.save(image, from_state=images.SAVING, drop=lease)
        LOG.info('Image %s is queued again: its upload was interrupted.', image.id)

    def release_scrub(self, lease: Lease, image: Image | None) -> None:
        """Let the next scrubber go on where one died: each of its steps can be done again."""
        self._parts.leases.release(lease)

    def finish_removal(self, lease: Lease, image: Image | None) -> None:
        """Remove the bytes of one copy, then its row."""
        number = lease.detail['location']
        location = self._parts.locations.get(number)
        if location is None or location.status == locations.ACTIVE:
            self._parts.leases.release(lease)
            return
        holder = image or Image(lease.image_id)
        # Since the interruption the image may have got a new copy of the same name; its bytes stay.
        if all(other.url != location.url for other in holder.locations):
            holder.locations.append(location)
            try:
                self._parts.data.remove_copy(holder, location)
            except errors.BlobInUse:
                self._parts.locations.revive(number, lease)
                return
        self._parts.locations.bury(number, lease)
        LOG.info('One copy of image %s is removed: its interrupted removal was finished.', lease.image_id)

    def finish_delete(self, lease: Lease, image: Image | None) -> None:
        """Remove the bytes, then the row."""
        if image is None or image.status != images.PENDING_DELETE:
            self._parts.leases.release(lease)
            return
        try:
            self._parts.data.remove(image)
        except errors.BlobInUse:
            image.status = lease.detail['status']
            self._parts.images.save(image, from_state=images.PENDING_DELETE, drop=lease)
            LOG.info('Image %s stays: its data is in use.', image.id)
            return
        if lease.detail['status'] in (images.UPLOADING, images.IMPORTING):
            self._parts.staging.clear(image.id)
            self._parts.staged.forget(image.id)
        self._parts.images.remove(image, drop=lease)
        LOG.info('Image %s is deleted: its interrupted delete was finished.', image.id)
