# SPDX-License-Identifier: Apache-2.0
"""Leases whose fate is open because the database failed: left to the reaper, which finds out and ends what they guard.

Without that, the sign of life of this worker would prolong such a lease for as long as it lives (R3).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from glance_clone.domain import errors
from glance_clone.domain.lease import Lease

if TYPE_CHECKING:
    from glance_clone.layers import Parts

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def left_to_reaper(parts: Parts, lease: Lease) -> Iterator[None]:
    """Leave a lease to the reaper if the database fails in the block: what it knows of the lease and of its work is open."""
    try:
        yield
    except errors.DatabaseUnavailable:
        parts.abandon(lease)
        raise


def give_back(parts: Parts, lease: Lease) -> None:
    """End a lease, now or as soon as the database is back; its work is done or undone."""
    try:
        parts.leases.release(lease)
    except errors.ImageServiceError as error:
        LOG.warning('The lease on the %s of image %s is not given back yet: %s', lease.operation, lease.image_id, error)
        parts.abandon(lease)
