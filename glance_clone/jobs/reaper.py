# SPDX-License-Identifier: Apache-2.0
"""Finishes or undoes the work of workers that died, and of this one where it was interrupted (R3, R4, R5).

What that means differs by operation: each has a finisher of its own, see :data:`Finishers`.
"""

from __future__ import annotations

import collections
import logging
from collections.abc import Callable
from collections.abc import Mapping

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.lease import Worker
from glance_clone.domain.ports import LeaseRepository

LOG = logging.getLogger(__name__)

#: Operation of a lease to what ends it. A finisher gets the lease, which this worker holds now, and the image, None if that
#: is deleted; it drops the lease with its last write, and may be called again after any failure.
Finishers = Mapping[str, Callable[[Lease, Image | None], None]]


class Reaper:
    """Takes over leases that ran out.

    :param ttl: seconds for which a taken lease holds
    """

    def __init__(self, repository: LeaseRepository, worker: Worker, ttl: int):
        self._leases = repository
        self._worker = worker
        self._ttl = ttl
        self._finishers: dict[str, Callable[[Lease, Image | None], None]] = {}
        self._abandoned: collections.deque[Lease] = collections.deque()

    def register(self, finishers: Finishers) -> None:
        """Add finishers."""
        self._finishers.update(finishers)

    def abandon(self, lease: Lease) -> None:
        """Leave a lease of this worker to the next sweep."""
        self._abandoned.append(lease)

    def sweep(self) -> None:
        """Finish everything that waits; what cannot be finished now waits for the next sweep."""
        for _ in range(len(self._abandoned)):
            self._try(self._abandoned.popleft())
        try:
            # Others, of a newer version perhaps, know what to do about other operations.
            claimed = self._leases.claim_expired(self._worker.id, self._ttl, operations=list(self._finishers))
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
        # An abandoned one may never have been taken, or have run out and been given to somebody who has ended the work;
        # what is there now may then be of a later try.
        if self._leases.is_held(lease):
            self._finishers[lease.operation](lease, self._leases.image_of(lease))
