# SPDX-License-Identifier: Apache-2.0
"""Finishes or undoes the work of workers that died, and of this one where it was interrupted (R3, R4, R5)."""

from __future__ import annotations

import collections
import logging

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.lease import Worker
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.ports import LeaseRepository
from glance_clone.domain.ports import StoreRegistry

LOG = logging.getLogger(__name__)

_INTERRUPTED = 'The upload was interrupted by a failure of the service; send the data again.'


class Reaper:
    """Takes over leases that ran out.

    :param ttl: seconds for which a taken lease holds
    """

    def __init__(
        self,
        repository: LeaseRepository,
        records: ImageRepository,
        data: ImageData,
        stores: StoreRegistry,
        worker: Worker,
        ttl: int,
    ):
        self._leases = repository
        self._images = records
        self._data = data
        self._stores = stores
        self._worker = worker
        self._ttl = ttl
        self._abandoned: collections.deque[Lease] = collections.deque()

    def abandon(self, lease: Lease) -> None:
        """Leave a lease of this worker to the next sweep."""
        self._abandoned.append(lease)

    def sweep(self) -> None:
        """Finish everything that waits; what cannot be finished now waits for the next sweep."""
        for _ in range(len(self._abandoned)):
            self._try(self._abandoned.popleft())
        try:
            claimed = self._leases.claim_expired(self._worker.id, self._ttl)
        except errors.ImageServiceError as error:
            LOG.warning('Expired leases could not be looked up: %s', error)
            return
        for lease in claimed:
            LOG.info('Taking over the %s of image %s from a worker that died.', lease.operation, lease.image_id)
            self._try(lease)

    def _try(self, lease: Lease) -> None:
        try:
            self._finish(lease)
        except (errors.LeaseLost, errors.StateChanged, errors.ImageNotFound):
            LOG.debug('The %s of image %s was finished by somebody else.', lease.operation, lease.image_id)
            self._release(lease)
        except errors.ImageServiceError as error:
            LOG.warning(
                'The %s of image %s cannot be finished yet, trying again later: %s',
                lease.operation,
                lease.image_id,
                error,
            )
            self.abandon(lease)
        except Exception:
            LOG.exception('The %s of image %s cannot be finished', lease.operation, lease.image_id)
            self.abandon(lease)

    def _release(self, lease: Lease) -> None:
        try:
            self._leases.release(lease)
        except errors.ImageServiceError:
            self.abandon(lease)

    def _finish(self, lease: Lease) -> None:
        image = self._leases.image_of(lease)
        if lease.operation == leases.UPLOAD:
            self._undo_upload(lease, image)
        elif lease.operation == leases.DELETE:
            self._finish_delete(lease, image)

    def _undo_upload(self, lease: Lease, image: Image | None) -> None:
        if image is not None and image.locations:
            # The upload was committed, by whichever attempt: its object is referred to and stays.
            self._leases.release(lease)
            return
        self._stores.get(lease.detail.get('store')).discard(lease.image_id, lease.attempt)
        if image is None or image.status != images.SAVING:
            self._leases.release(lease)
            return
        image.move_to(images.QUEUED)
        image.properties[images.UPLOAD_ERROR] = _INTERRUPTED
        self._images.save(image, from_state=images.SAVING, drop=lease)
        LOG.info('Image %s is queued again: its upload was interrupted.', image.id)

    def _finish_delete(self, lease: Lease, image: Image | None) -> None:
        if image is None or image.status != images.PENDING_DELETE:
            self._leases.release(lease)
            return
        try:
            self._data.remove(image)
        except errors.BlobInUse:
            image.status = lease.detail['status']
            self._images.save(image, from_state=images.PENDING_DELETE, drop=lease)
            LOG.info('Image %s stays: its data is in use.', image.id)
            return
        self._images.remove(image, drop=lease)
        LOG.info('Image %s is deleted: its interrupted delete was finished.', image.id)
