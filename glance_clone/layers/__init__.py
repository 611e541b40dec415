# SPDX-License-Identifier: Apache-2.0
"""The onion around image records, image data and metadata definitions.

Every layer has one concern, wraps a port and is the same port. The lists below tell their order, innermost first.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from glance_clone.domain.cache import ImageCache
from glance_clone.domain.import_ports import StagedRepository
from glance_clone.domain.import_ports import Staging
from glance_clone.domain.lease import Lease
from glance_clone.domain.lease import Worker
from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.notification import Notifier
from glance_clone.domain.notification import Silence
from glance_clone.domain.ports import DelayedDeletes
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.ports import LeaseRepository
from glance_clone.domain.ports import LocationRepository
from glance_clone.domain.quota_ports import Quota
from glance_clone.domain.store_ports import StoreRegistry
from glance_clone.layers.attribution import Attribution
from glance_clone.layers.caching import CachedData
from glance_clone.layers.caching import Eviction
from glance_clone.layers.copies import Copies
from glance_clone.layers.delayed_removal import DelayedCopyRemoval
from glance_clone.layers.delayed_removal import DelayedRemoval
from glance_clone.layers.metering import Metering
from glance_clone.layers.protection import Protection
from glance_clone.layers.quota import DataQuota
from glance_clone.layers.quota import RecordQuota
from glance_clone.layers.removal import Removal
from glance_clone.layers.stage import Stage
from glance_clone.layers.upload import Upload


@dataclasses.dataclass(frozen=True)
class Parts:
    """What layers may use beside the port that they wrap: the bare repositories and stores.

    :ivar abandon: hands a lease to the reaper of this worker, which finishes or undoes the work as soon as it can
    :ivar cache: the image cache of this node, None where there is none
    :ivar delays_deletes: whether the data of deleted images stays until the scrubber takes it
    :ivar meter: counts what happens
    :ivar self_url: under which other nodes reach this one, None where they need not
    """

    images: ImageRepository
    locations: LocationRepository
    data: ImageData
    stores: StoreRegistry
    leases: LeaseRepository
    worker: Worker
    abandon: Callable[[Lease], None]
    quota: Quota
    staging: Staging
    staged: StagedRepository
    deletes: DelayedDeletes
    delays_deletes: bool = False
    cache: ImageCache | None = None
    self_url: str | None = None
    meter: Meter = dataclasses.field(default_factory=NoMeter)


IMAGE_LAYERS = (
    Attribution,
    Removal,
    DelayedRemoval,
    Eviction,
    Protection,
    RecordQuota,
)

DATA_LAYERS = (
    DataQuota,
    Upload,
    Copies,
    DelayedCopyRemoval,
    CachedData,
    Stage,
    Metering,
)


def wrap_images(parts: Parts) -> ImageRepository:
    """Return the repository of image records as the API uses it."""
    images = parts.images
    for layer in IMAGE_LAYERS:
        images = layer(images, parts)
    return images


def wrap_data(parts: Parts) -> ImageData:
    """Return the byte path as the API uses it."""
    data = parts.data
    for layer in DATA_LAYERS:
        data = layer(data, parts)
    return data


def telling(notifier: Notifier) -> Callable[[Callable[[Any, Notifier], Any], Any], Any]:
    """Return what puts a layer of notifications around something; it leaves it as it is where nobody is told."""
    return lambda layer, inner: inner if isinstance(notifier, Silence) else layer(inner, notifier)
