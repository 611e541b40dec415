# SPDX-License-Identifier: Apache-2.0
"""The cache of this node, whole; see :class:`glance_clone.domain.cache.ImageCache`."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable

from oslo_log import log as logging

from glance_clone.cache import seal
from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import INCOMPLETE
from glance_clone.cache.directory import INVALID
from glance_clone.cache.directory import QUEUE
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.directory import is_image_id
from glance_clone.cache.directory import try_lock
from glance_clone.cache.fill import Fill
from glance_clone.cache.fill import Outcome
from glance_clone.cache.fill import is_at
from glance_clone.cache.follower import Follower
from glance_clone.domain import errors
from glance_clone.domain import metering
from glance_clone.domain.cache import CacheEntry
from glance_clone.domain.cache import CacheIndex
from glance_clone.domain.cache import Fetch
from glance_clone.domain.cache import Pruned
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import Image
from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.ports import BlobReader
from glance_clone.domain.ports import Concurrency
from glance_clone.stores.file_reader import FileReader

LOG = logging.getLogger(__name__)

#: Bytes of the disk that the cache leaves to others.
_RESERVE = 16 << 20


class DiskCache:
    """Keeps whole images as files.

    :param max_size: bytes that a prune leaves, 0 for any number
    :param stall_time: seconds without a write after which an incomplete file is taken for abandoned
    :param max_queue: images that may be queued
    :param checks_reads: hash every entry before it is read, instead of only those that were touched since they were hashed
    """

    def __init__(
        self,
        directory: CacheDirectory,
        index: CacheIndex,
        concurrency: Concurrency,
        max_size: int,
        stall_time: int,
        max_queue: int,
        checks_reads: bool = False,
        meter: Meter | None = None,
    ):
        self.serves = False
        self.directory = directory
        self.index = index
        self._concurrency = concurrency
        self._max_size = max_size
        self._stall_time = stall_time
        self._max_queue = max_queue
        self._checks_reads = checks_reads
        self._meter = meter or NoMeter()
        #: Called when there is something in the queue.
        self.on_queued: Callable[[], None] = lambda: None

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
            self.evict(image.id)
            return None
        state = os.fstat(reader.fileobj.fileno())
        entry = CacheEntry(image.id, reader.size, time.time(), state.st_mtime)
        self._remember(self.index.touch, entry, offset == 0 and length is None)
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
        return follower

    def _follow(self, image: Image, fetch: Fetch) -> BlobReader | None:
        try:
            return Follower(self.directory, image, fetch)
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
            self._remember(self.index.add, CacheEntry(image.id, image.size or 0, now, now))
            self.dequeue(image.id)
            LOG.info('Image %s is cached: %d bytes.', image.id, image.size)
        return outcome

    def _bring_for_client(self, fill: Fill, image: Image, source: BlobReader) -> None:
        """Bring an image in; if its copy is damaged, let the background work try the others before the client comes again."""
        if self._bring(fill, image, source) is Outcome.REFUSED and len(image.locations) > 1:
            self._remember(self.enqueue, image.id)
            self.work_off_queue()

    def _is_full(self, size: int) -> bool:
        if self.directory.free() - _RESERVE >= size:
            return False
        LOG.info('The disk of the image cache has no room for %d bytes more; serving without.', size)
        return True

    @staticmethod
    def _remember(note: Callable[..., object], *args: object) -> None:
        """Tell the index; what it misses is found again when files and index are reconciled."""
        try:
            note(*args)
        except (errors.ImageServiceError, OSError) as error:
            LOG.warning('The use of a cached image could not be noted: %s', error)

    def entries(self) -> list[CacheEntry]:
        """Return the entries of this node; forget those whose files are gone, get to know files that are new."""
        files = self.directory.files(COMPLETE)
        known = {entry.image_id: entry for entry in self.index.all()}
        if gone := known.keys() - files.keys():
            self.index.remove(gone)
        new = files.keys() - known.keys()
        for image_id in new:
            state = files[image_id]
            self.index.add(CacheEntry(image_id, state.st_size, state.st_mtime, state.st_mtime))
        if new:
            known = {entry.image_id: entry for entry in self.index.all()}
        for image_id in known.keys() & files.keys():
            known[image_id].size = files[image_id].st_size
        return sorted((known[name] for name in known.keys() & files.keys()), key=lambda entry: entry.image_id)

    def cached(self) -> list[str]:
        """Return the ids of the images that have files here."""
        return list(self.directory.files(COMPLETE))

    def queued(self) -> list[str]:
        """Return the ids of queued images, oldest first."""
        files = self.directory.files(QUEUE)
        waiting = files.keys() - self.directory.files(COMPLETE).keys()
        return sorted(waiting, key=lambda name: (files[name].st_mtime_ns, name))

    def holds(self, image_id: str) -> bool:
        """Tell whether an image is cached or queued."""
        return any(self.directory.state(part, image_id) is not None for part in (COMPLETE, QUEUE))

    def enqueue(self, image_id: str) -> bool:
        """Queue an image."""
        if self.holds(image_id):
            return False
        if len(self.directory.files(QUEUE)) >= self._max_queue:
            raise errors.LimitExceeded(f'{self._max_queue} images are queued already (image_cache_max_queue); try again later.')
        return self.directory.mark(image_id)

    def dequeue(self, image_id: str) -> bool:
        """Take an image out of the queue."""
        return self.directory.remove(QUEUE, image_id)

    def evict(self, image_id: str) -> bool:
        """Remove an entry."""
        removed = self.directory.remove(COMPLETE, image_id)
        self._remember(self.index.remove, [image_id])
        return removed

    def forget(self, image_id: str) -> None:
        """Remove whatever is here of a deleted image."""
        if not is_image_id(image_id):
            return
        try:
            self.dequeue(image_id)
            self.evict(image_id)
        except OSError as error:
            LOG.warning('Image %s is deleted and cannot leave the cache yet: %s', image_id, error)

    def work_off_queue(self) -> None:
        """Wake the background work up."""
        self.on_queued()

    def nodes(self, image_id: str) -> list[str]:
        """See :meth:`CacheIndex.nodes`."""
        return self.index.nodes(image_id)

    def prune(self) -> Pruned:
        """Remove the least recently used entries (W-21: each file is looked at once)."""
        with self.directory.locked():
            entries = sorted(self.entries(), key=lambda entry: entry.last_accessed)
            total = sum(entry.size for entry in entries)
            files = size = 0
            if self._max_size and total >= self._max_size:
                for entry in entries:
                    if total - size <= self._max_size:
                        break
                    self.evict(entry.image_id)
                    files, size = files + 1, size + entry.size
        LOG.info('Pruned the image cache: %d files, %d bytes.', files, size)
        return Pruned(files, size)

    def clean(self) -> int:
        """Remove invalid files, and incomplete ones that nobody wrote to for the stall time."""
        return self.remove_leftovers(self._stall_time, 0)

    def remove_leftovers(self, incomplete_age: float, invalid_age: float) -> int:
        """Remove what failed fills left and nobody uses.

        :param incomplete_age: seconds since the last write to an incomplete file
        :param invalid_age: seconds since the last write to an invalid file
        """
        with self.directory.locked():
            invalid = [name for name in self._older(INVALID, invalid_age) if self.directory.remove(INVALID, name)]
            incomplete = [name for name in self._older(INCOMPLETE, incomplete_age) if self._remove_dead(name)]
        return len(invalid) + len(incomplete)

    def _older(self, part: str, age: float) -> list[str]:
        limit = time.time() - age
        return [name for name, state in self.directory.files(part).items() if state.st_mtime <= limit]

    def _remove_dead(self, image_id: str) -> bool:
        """Remove an incomplete file unless somebody is filling it."""
        path = self.directory.path_of(INCOMPLETE, image_id)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            if not try_lock(descriptor) or not is_at(descriptor, path):
                return False
            os.unlink(path)
        finally:
            os.close(descriptor)
        return True
