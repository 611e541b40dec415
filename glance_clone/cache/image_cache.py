# SPDX-License-Identifier: Apache-2.0
"""The cache of this node: how images are served from it and brought into it; ``holdings`` has the rest."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from oslo_log import log as logging

from glance_clone.cache import seal
from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.directory import is_image_id
from glance_clone.cache.fill import Fill
from glance_clone.cache.fill import Outcome
from glance_clone.cache.follower import Follower
from glance_clone.cache.holdings import Holdings
from glance_clone.cache.holdings import Limits
from glance_clone.domain import errors
from glance_clone.domain import metering
from glance_clone.domain.cache import CacheEntry
from glance_clone.domain.cache import CacheIndex
from glance_clone.domain.cache import Fetch
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import Image
from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.stores.file_reader import FileReader

LOG = logging.getLogger(__name__)

#: Bytes of the disk that the cache leaves to others.
_RESERVE = 16 << 20


class DiskCache(Holdings):
    """Serves whole images from files, and brings them there.

    :param checks_reads: hash every entry before it is read, instead of only those that were touched since they were hashed
    """

    def __init__(
        self,
        directory: CacheDirectory,
        index: CacheIndex,
        limits: Limits,
        concurrency: Concurrency,
        checks_reads: bool = False,
        meter: Meter | None = None,
    ):
        super().__init__(directory, index, limits)
        self.serves = False
        self._concurrency = concurrency
        self._checks_reads = checks_reads
        self._meter = meter or NoMeter()

    def open(self, image: Image, fetch: Fetch, offset: int = 0, length: int | None = None) -> BlobReader:
        """Open the data of an image; a cache that fails only means that the store is read."""
        try:
            reader = self._open(image, fetch, offset, length)
        except OSError as error:
            LOG.warning('The image cache cannot be used: %s', error)
            reader = None
        return reader or fetch(offset, length)

    def _open(self, image: Image, fetch: Fetch, offset: int, length: int | None) -> BlobReader | None:
        if image.status != ACTIVE or not image.size or not seal.is_hashed(image) or not is_image_id(image.id):
            return None
        whole = offset == 0 and length is None
        hit = self._hit(image, offset, length)
        self._meter.cache(metering.HIT if hit else metering.MISS)
        if hit or not whole or self._is_full(image.size):
            return hit
        return self._miss(image, fetch)

    def _hit(self, image: Image, offset: int = 0, length: int | None = None) -> BlobReader | None:
        reader = self._complete(image.id, offset, length)
        if reader is None:
            return None
        if not self._is_sound(image, reader):
            reader.close()
            LOG.error('The cached copy of image %s was damaged; it is removed, and the store is read.', image.id)
            self.remember(self.evict, image.id)
            return None
        state = os.fstat(reader.fileobj.fileno())
        entry = CacheEntry(image.id, reader.size, time.time(), state.st_mtime)
        self.remember(self.index.touch, entry, offset == 0 and length is None)
        return reader

    def _complete(self, image_id: str, offset: int, length: int | None) -> FileReader | None:
        parent = os.open(self.directory.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return FileReader(parent, image_id, offset, length)
        except (FileNotFoundError, errors.StoreUnavailable):
            return None
        finally:
            os.close(parent)

    def _is_sound(self, image: Image, reader: FileReader) -> bool:
        """Tell whether an entry has the right bytes; hash it if it is not known that nobody touched it."""
        if reader.size != image.size:
            return False
        descriptor = reader.fileobj.fileno()
        if seal.holds(os.fstat(descriptor), image) and not self._checks_reads:
            return True
        if not self._concurrency.start(seal.check, descriptor, image).wait():
            return False
        with contextlib.suppress(PermissionError):  # a file of somebody else, which is then hashed every time
            seal.apply(descriptor, image)
        return True

    def _miss(self, image: Image, fetch: Fetch) -> BlobReader | None:
        fill = Fill.begin(self.directory, image)
        if fill is None:
            return self._hit(image) or self._follow(image, fetch)
        try:
            source = fetch(0, None)
            follower = Follower(self.directory, image, fetch)
        except BaseException:
            fill.abandon()
            raise
        self._concurrency.spawn(self._bring_for_client, fill, image, source)
        return follower.begun()

    def _follow(self, image: Image, fetch: Fetch) -> BlobReader | None:
        try:
            return Follower(self.directory, image, fetch).begun()
        except FileNotFoundError:
            return None

    def fetch(self, image: Image, read: Callable[[], BlobReader]) -> Outcome:
        """Bring an image in now, unless it is there or on its way.

        :param read: opens its data
        :raises OSError: the disk does not take any file
        """
        fill = Fill.begin(self.directory, image)
        if fill is None:
            is_there = self.directory.state(COMPLETE, image.id) is not None
            return Outcome.COMPLETE if is_there else Outcome.FAILED
        try:
            source = read()
        except BaseException:
            fill.abandon()
            raise
        return self._bring(fill, image, source)

    def _bring(self, fill: Fill, image: Image, source: BlobReader) -> Outcome:
        outcome = fill.run(source, self._concurrency)
        self._meter.cache(metering.FILL if outcome is Outcome.COMPLETE else metering.FAILURE)
        if outcome is Outcome.COMPLETE:
            now = time.time()
            self.remember(self.index.add, CacheEntry(image.id, image.size or 0, now, now))
            self.remember(self.dequeue, image.id)
            LOG.info('Image %s is cached: %d bytes.', image.id, image.size)
        return outcome

    def _bring_for_client(self, fill: Fill, image: Image, source: BlobReader) -> None:
        """Bring an image in; if its copy is damaged, let the background work try the others before the client comes again."""
        if self._bring(fill, image, source) is Outcome.REFUSED and len(image.locations) > 1:
            self.remember(self.enqueue, image.id)
            self.work_off_queue()

    def _is_full(self, size: int) -> bool:
        if self.directory.free() - _RESERVE >= size:
            return False
        LOG.info('The disk of the image cache has no room for %d bytes more; serving without.', size)
        return True
