# SPDX-License-Identifier: Apache-2.0
"""What happens to the record while its data is on the way: queued, saving, active; or back to queued (D-5).

A lease is taken with ``saving`` and dropped with ``active``, each in the transaction that changes the status. If the
worker dies in between, the reaper removes what was written and returns the image to ``queued``.
"""

from __future__ import annotations

import dataclasses
import logging

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import patience
from glance_clone.domain.image import Image
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.lease import Lease
from glance_clone.layers import accounts
from glance_clone.layers.base import ImageDataLayer
from glance_clone.layers.leasing import left_to_reaper
from glance_clone.layers.returning import gone
from glance_clone.layers.returning import return_to_queued

LOG = logging.getLogger(__name__)


class Upload(ImageDataLayer):
    """Moves the image through its states around the transfer."""

    def write(self, image: Image, incoming: Incoming) -> None:
        """Take the data and make the image active, or leave no trace of it.

        :raises IllegalTransition: the image is not queued; HasData if it is active
        :raises StoreUnavailable: the store keeps data in the accounts of users, and the caller has none
        :raises StateChanged: another upload began first
        :raises ImageGone: the image was deleted meanwhile
        """
        lease = self._begin(image, incoming.store_id)
        try:
            self._inner.write(image, dataclasses.replace(incoming, attempt=lease.attempt))
        except BaseException as error:
            return_to_queued(self._parts, image, images.SAVING, lease, error)
            raise
        self._finish(image, lease)

    def _begin(self, image: Image, store_id: str | None) -> Lease:
        if image.status == images.ACTIVE:
            raise errors.HasData(image.id, image.size, image.os_hash_algo, image.os_hash_value)
        noted = accounts.noted(self._parts.stores, [store_id])
        lease = self._parts.worker.lease(image.id, leases.UPLOAD, store=store_id, **noted)
        image.move_to(images.SAVING)
        for name in (images.UPLOAD_ERROR, importing.ERROR):
            image.properties.pop(name, None)
        with left_to_reaper(self._parts, lease):
            self._parts.images.save(image, from_state=images.QUEUED, take=lease)
        return lease

    def _finish(self, image: Image, lease: Lease) -> None:
        image.move_to(images.ACTIVE)
        try:
            with patience.patient():
                self._parts.images.save(image, from_state=images.SAVING, drop=lease)
        except errors.DatabaseUnavailable:
            # The commit may or may not have reached the database. Only the lease tells, so its reaper decides later.
            self._parts.abandon(lease)
            raise
        except BaseException as error:
            self._take_back(image, lease, error)
            raise

    def _take_back(self, image: Image, lease: Lease, error: BaseException) -> None:
        """Remove what was written, and let the image wait for data again unless it has become something else meanwhile.

        :raises ImageGone: the image was deleted meanwhile
        """
        try:
            self._parts.data.remove(image)
        except errors.ImageServiceError as failure:
            LOG.warning('What was written for image %s could not be removed yet: %s', image.id, failure)
            self._parts.abandon(lease)
            if isinstance(error, errors.NotFound):
                raise gone(image) from error
        else:
            return_to_queued(self._parts, image, images.SAVING, lease, error)
