# SPDX-License-Identifier: Apache-2.0
"""The sign of life of a worker: keeps its leases from running out."""

from __future__ import annotations

import logging

from glance_clone.domain import errors
from glance_clone.domain.lease import Worker
from glance_clone.domain.ports import LeaseRepository

LOG = logging.getLogger(__name__)


class Heartbeat:
    """Prolongs the leases of one worker.

    :param ttl: seconds for which they hold
    """

    def __init__(self, leases: LeaseRepository, worker: Worker, ttl: int):
        self._leases = leases
        self._worker = worker
        self._ttl = ttl

    def beat(self) -> None:
        """Prolong all leases once; a database that is away is tried again at the next beat."""
        try:
            self._leases.renew(self._worker.id, self._ttl)
        except errors.ImageServiceError as error:
            LOG.warning('The leases of this worker could not be prolonged: %s', error)
