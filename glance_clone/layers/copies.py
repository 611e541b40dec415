# SPDX-License-Identifier: Apache-2.0
"""Removing one of several copies: mark its row, remove the bytes, then the row.

A lease guards the time between the first step and the last, so that copies of one image go one after the other; if the
worker dies, the reaper goes on from the marked row. The last copy is safe: the transaction that marks counts the others.
"""

from __future__ import annotations

import logging

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain import location as locations
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.layers.base import ImageDataLayer
from glance_clone.layers.leasing import left_to_reaper

LOG = logging.getLogger(__name__)


class Copies(ImageDataLayer):
    """Keeps the record in step while one copy is removed."""

    def remove_copy(self, image: Image, location: Location) -> None:
        """Remove the copy; see :meth:`ImageData.remove_copy`."""
        lease = self._parts.worker.lease(image.id, leases.REMOVE_COPY, location=location.id)
        location.status = locations.PENDING_DELETE
        try:
            with left_to_reaper(self._parts, lease):
                self._parts.images.save(image, from_state=images.ACTIVE, take=lease)
        except errors.ImageServiceError:
            location.status = locations.ACTIVE
            raise
        faults.point('copy-marked')
        try:
            self._inner.remove_copy(image, location)
        except errors.ImageServiceError:
            self._give_back(location, lease)
            raise
        self._finish(lease)

    def _give_back(self, location: Location, lease: Lease) -> None:
        location.status = locations.ACTIVE
        try:
            self._parts.locations.revive(lease.detail['location'], lease)
        except errors.ImageServiceError as failure:
            LOG.warning('A copy of image %s that could not be removed was not given back yet: %s', lease.image_id, failure)
            self._parts.abandon(lease)

    def _finish(self, lease: Lease) -> None:
        try:
            self._parts.locations.bury(lease.detail['location'], lease)
        except errors.LeaseLost:
            LOG.info('The removal of a copy of image %s was finished by somebody else.', lease.image_id)
        except errors.ImageServiceError:
            self._parts.abandon(lease)
            raise
