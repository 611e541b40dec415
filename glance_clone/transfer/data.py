# SPDX-License-Identifier: Apache-2.0
"""The innermost byte path: what an image's data goes through between a caller and the stores."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain import metering
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import Staging
from glance_clone.domain.importing import Material
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.key_ports import Unsigned
from glance_clone.domain.key_ports import Verifier
from glance_clone.domain.key_ports import Verifiers
from glance_clone.domain.location import Location
from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import BlobStore
from glance_clone.domain.store_ports import BlobWriter
from glance_clone.domain.store_ports import StoreRegistry
from glance_clone.transfer import pipeline
from glance_clone.transfer.copies import Copier
from glance_clone.transfer.copies import abort
from glance_clone.transfer.digest import Digest
from glance_clone.transfer.expected import further
from glance_clone.transfer.expected import require
from glance_clone.transfer.inspect import Inspection
from glance_clone.transfer.inspect import Rules
from glance_clone.transfer.limit import Limit
from glance_clone.transfer.reading import Copies
from glance_clone.transfer.sink import Sink
from glance_clone.transfer.verify import Verified
from glance_clone.transfer.verify import algorithm_of

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class NewLocation(Location):
    """A copy that was written just now and that no record names yet.

    :ivar writer: takes it back without harm to an object that got the same name since
    """

    writer: BlobWriter | None = dataclasses.field(default=None, compare=False, repr=False)


class StoreData:
    """Moves data into stores and out of them; see :class:`glance_clone.domain.ports.ImageData`."""

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        stores: StoreRegistry,
        concurrency: Concurrency,
        staging: Staging,
        meter: Meter | None = None,
        verifiers: Verifiers | None = None,
    ):
        self._conf = conf
        self._rules = Rules.of(conf)
        self._stores = stores
        self._concurrency = concurrency
        self._staging = staging
        self._meter = meter or NoMeter()
        self._verifiers = verifiers or Unsigned()
        self._copier = Copier(self._rules, conf.image_size_cap, concurrency)

    def write(self, image: Image, incoming: Incoming) -> None:
        """Write the data to a store and describe it in the image; see :meth:`ImageData.write`."""
        store = self._stores.get(incoming.store_id)
        limit = Limit(self._conf.image_size_cap, incoming.size)
        inspection = Inspection(image, self._rules)
        checksum = Digest('md5')
        secure = Digest(self._conf.hashing_algorithm)
        digests = [secure, checksum, *further(incoming.expected, (secure, checksum))]
        verifiers = self._verifiers_of(image, incoming.submitter)
        writer = self._beside(store.writer, image.id, incoming.attempt or uuid.uuid4().hex, incoming.size)
        try:
            pipeline.run(incoming.source, (limit, inspection), (*digests, *verifiers, Sink(writer)), self._concurrency)
            require(incoming.expected, digests)
            location = self._beside(writer.commit)
        except BaseException:
            self._beside(abort, writer)
            raise
        self._meter.moved(metering.RECEIVED, store.id, limit.count)
        image.size = limit.count
        image.virtual_size = inspection.virtual_size
        image.checksum = checksum.value
        image.os_hash_algo = secure.algorithm
        image.os_hash_value = secure.value
        image.locations = [self._described(store, location, writer)]

    def _verifiers_of(self, image: Image, submitter: Submitter | None) -> list[Verifier]:
        """Return what verifies the data of a signed image; nothing for others."""
        verifier = self._verifiers.of(image, submitter or Submitter())
        return [] if verifier is None else [verifier]

    def _described(self, store: BlobStore, location: Location, writer: BlobWriter) -> NewLocation:
        metadata = dict(location.metadata)
        if self._stores.multiple:
            metadata['store'] = store.id
        return NewLocation(location.url, metadata, writer=writer)

    def stage(self, image: Image, incoming: Incoming) -> Staged:
        """Take the data into the staging directory; see :meth:`ImageData.stage`."""
        attempt = incoming.attempt or uuid.uuid4().hex
        return self._staging.write(image.id, attempt, incoming.source, incoming.size, incoming.expected)

    def inspect(self, image: Image, material: Material, submitter: Submitter | None = None) -> int | None:
        """Look at what the data is; see :meth:`ImageData.inspect`."""
        return self._copier.inspect(image, material, self._verifiers_of(image, submitter))

    def add_copy(
        self, image: Image, material: Material, store_id: str | None, attempt: str, submitter: Submitter | None = None
    ) -> NewLocation:
        """Put the data into one more store; see :meth:`ImageData.add_copy`."""
        store = self._stores.get(store_id)
        verifiers = self._verifiers_of(image, submitter) if submitter is not None else ()
        location, writer = self._copier.copy(image, material, store, attempt, verifiers)
        self._meter.moved(metering.RECEIVED, store.id, material.size)
        return self._described(store, location, writer)

    def take_back(self, image: Image, location: Location) -> None:
        """Remove a copy that no record refers to; see :meth:`ImageData.take_back`."""
        self._beside(self._remove, image, location)

    def read(self, image: Image, offset: int = 0, length: int | None = None, prefer: Sequence[str] = ()) -> BlobReader:
        """Open the best copy of the data; see :meth:`ImageData.read`."""
        locations = self._stores.by_weight(image.locations, prefer)
        copies = Copies(image, locations, self._stores, self._concurrency, self._conf.downloads.open_timeout, self._meter)
        reader = copies.resumable(copies.open(offset, length), offset, length)
        if self._conf.downloads.verify and not offset and length is None and algorithm_of(image):
            return Verified(image, reader, copies, self._concurrency)
        return reader

    def remove(self, image: Image) -> None:
        """Remove the copies one after the other; those that are left after a failure stay in ``image.locations``."""
        for location in list(image.locations):
            self._beside(self._remove, image, location)
            image.locations.remove(location)

    def remove_copy(self, image: Image, location: Location) -> None:
        """Remove one copy."""
        self._beside(self._remove, image, location)
        image.locations.remove(location)

    def _remove(self, image: Image, location: Location) -> None:
        writer = getattr(location, 'writer', None)
        if writer is not None:
            writer.abort()
            return
        location.require_readable()
        try:
            self._stores.of(location).remove(location)
        except errors.BlobNotFound:
            LOG.info('A copy of image %s in store %s was gone already.', image.id, location.store or 'default')
        except errors.StoreUnknown:
            LOG.warning('A copy of image %s is in no store that is configured: it stays there.', image.id)

    def _beside(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do blocking work in a native thread, so that launchers with green threads go on meanwhile."""
        return self._concurrency.start(work, *args).wait()
