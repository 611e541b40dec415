# SPDX-License-Identifier: Apache-2.0
"""What happens to the record while data is staged: queued, uploading; or back to queued (D-5).

The status is the same while the data comes in and while it waits for its import. What tells these apart are the lease, which
ends with the last byte, and the size, which is set in the same transaction. A row of its own keeps the hashes; it counts only
together with the size.
"""

from __future__ import annotations

import dataclasses
import logging

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import patience
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Staged
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.lease import Lease
from glance_clone.layers.base import ImageDataLayer
from glance_clone.layers.leasing import left_to_reaper
from glance_clone.layers.returning import gone
from glance_clone.layers.returning import return_to_queued

LOG = logging.getLogger(__name__)


class Stage(ImageDataLayer):
    """Moves the image through its states around staging."""

    def stage(self, image: Image, incoming: Incoming) -> Staged:
        """Take the data and make it wait for its import, or leave no trace of it.

        :raises IllegalTransition: the image is not queued
        :raises StateChanged: somebody else began first
        :raises ImageGone: the image was deleted meanwhile
        """
        lease = self._begin(image)
        try:
            faults.point('stage-begun')
            staged = self._inner.stage(image, dataclasses.replace(incoming, attempt=lease.attempt))
            faults.point('stage-written')
        except BaseException as error:
            return_to_queued(self._parts, image, images.UPLOADING, lease, error)
            raise
        self._finish(image, staged, lease)
        faults.point('stage-finished')
        return staged

    def _begin(self, image: Image) -> Lease:
        lease = self._parts.worker.lease(image.id, leases.STAGE)
        image.move_to(images.UPLOADING)
        for name in (images.UPLOAD_ERROR, importing.ERROR):
            image.properties.pop(name, None)
        with left_to_reaper(self._parts, lease):
            self._parts.images.save(image, from_state=images.QUEUED, take=lease)
        return lease

    def _finish(self, image: Image, staged: Staged, lease: Lease) -> None:
        image.size = staged.size
        if self._parts.self_url:
            image.properties[importing.STAGE_HOST] = self._parts.self_url
        try:
            with patience.patient():
                self._parts.staged.keep(staged, lease)
                faults.point('stage-kept')
                self._parts.images.save(image, from_state=images.UPLOADING, drop=lease)
        except errors.DatabaseUnavailable:
            # The commit may or may not have reached the database. Only the lease tells, so its reaper decides later.
            self._parts.abandon(lease)
            raise
        except errors.LeaseLost:
            # Whoever took the lease has removed all of this; what is there now belongs to somebody else.
            raise
        except BaseException as error:
            self._take_back(image, staged, lease, error)
            raise

    def _take_back(self, image: Image, staged: Staged, lease: Lease, error: BaseException) -> None:
        """Remove what was staged, and let the image wait for data again unless it has become something else meanwhile.

        :raises ImageGone: the image was deleted meanwhile
        """
        try:
            self._parts.staging.remove(staged)
            self._parts.staged.forget(staged.image_id, staged.attempt)
        except errors.ImageServiceError as failure:
            LOG.warning('What was staged for image %s could not be removed yet: %s', staged.image_id, failure)
            self._parts.abandon(lease)
            if isinstance(error, errors.NotFound):
                raise gone(image) from error
        else:
            return_to_queued(self._parts, image, images.UPLOADING, lease, error)
