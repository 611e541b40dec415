# SPDX-License-Identifier: Apache-2.0
"""What is in the cache of this node, what waits to come in, and what leaves it."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from collections.abc import Callable
from typing import ParamSpec
from typing import TypeVar

from oslo_log import log as logging

from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import INCOMPLETE
from glance_clone.cache.directory import INVALID
from glance_clone.cache.directory import QUEUE
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.directory import is_image_id
from glance_clone.cache.directory import try_lock
from glance_clone.cache.fill import is_at
from glance_clone.domain import errors
from glance_clone.domain.cache import CacheEntry
from glance_clone.domain.cache import CacheIndex
from glance_clone.domain.cache import Pruned

LOG = logging.getLogger(__name__)

_P = ParamSpec('_P')
_T = TypeVar('_T')


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How much the cache keeps.

    :ivar max_size: bytes that a prune leaves, 0 for any number
    :ivar stall_time: seconds without a write after which an incomplete file is taken for abandoned
    :ivar max_queue: images that may be queued
    """

    max_size: int
    stall_time: int
    max_queue: int


def _translated(work: Callable[_P, _T]) -> Callable[_P, _T]:
    """Turn errors of the disk into one of the domain, and log them."""

    @functools.wraps(work)
    def translate(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return work(*args, **kwargs)
        except OSError as error:
            LOG.error('The image cache cannot be used: %s', error)
            raise errors.Unavailable('The image cache cannot be used now; an operator must look.') from error

    return translate


class Holdings:
    """The files of the cache and what is known of them; see :class:`glance_clone.domain.cache.ImageCache`."""

    def __init__(self, directory: CacheDirectory, index: CacheIndex, limits: Limits):
        self.directory = directory
        self.index = index
        self._limits = limits
        #: Called when there is something in the queue.
        self.on_queued: Callable[[], None] = lambda: None

    @staticmethod
    def remember(note: Callable[..., object], *args: object) -> None:
        """Tell the index; what it misses is found again when files and index are reconciled."""
        try:
            note(*args)
        except (errors.ImageServiceError, OSError) as error:
            LOG.warning('What happened in the image cache could not be noted: %s', error)

    @_translated
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

    @_translated
    def cached(self) -> list[str]:
        """Return the ids of the images that have files here."""
        return list(self.directory.files(COMPLETE))

    @_translated
    def queued(self) -> list[str]:
        """Return the ids of queued images, oldest first."""
        files = self.directory.files(QUEUE)
        waiting = files.keys() - self.directory.files(COMPLETE).keys()
        return sorted(waiting, key=lambda name: (files[name].st_mtime_ns, name))

    @_translated
    def holds(self, image_id: str) -> bool:
        """Tell whether an image is cached or queued."""
        return any(self.directory.state(part, image_id) is not None for part in (COMPLETE, QUEUE))

    @_translated
    def enqueue(self, image_id: str) -> bool:
        """Queue an image."""
        if self.holds(image_id):
            return False
        if len(self.directory.files(QUEUE)) >= self._limits.max_queue:
            raise errors.LimitExceeded(
                f'{self._limits.max_queue} images are queued already (image_cache_max_queue); try again later.'
            )
        return self.directory.mark(image_id)

    @_translated
    def dequeue(self, image_id: str) -> bool:
        """Take an image out of the queue."""
        return self.directory.remove(QUEUE, image_id)

    @_translated
    def evict(self, image_id: str) -> bool:
        """Remove an entry."""
        removed = self.directory.remove(COMPLETE, image_id)
        self.remember(self.index.remove, [image_id])
        return removed

    def forget(self, image_id: str) -> None:
        """Remove whatever is here of a deleted image."""
        if not is_image_id(image_id):
            return
        try:
            self.dequeue(image_id)
            self.evict(image_id)
        except errors.Unavailable as error:
            LOG.warning('Image %s is deleted and cannot leave the cache yet: %s', image_id, error)

    def work_off_queue(self) -> None:
        """Wake the background work up."""
        self.on_queued()

    def nodes(self, image_id: str) -> list[str]:
        """See :meth:`CacheIndex.nodes`."""
        return self.index.nodes(image_id)

    @_translated
    def prune(self) -> Pruned:
        """Remove the least recently used entries (W-21: each file is looked at once)."""
        with self.directory.locked():
            entries = sorted(self.entries(), key=lambda entry: entry.last_accessed)
            total = sum(entry.size for entry in entries)
            files = size = 0
            if self._limits.max_size and total >= self._limits.max_size:
                for entry in entries:
                    if total - size <= self._limits.max_size:
                        break
                    self.evict(entry.image_id)
                    files, size = files + 1, size + entry.size
        LOG.info('Pruned the image cache: %d files, %d bytes.', files, size)
        return Pruned(files, size)

    def clean(self) -> int:
        """Remove invalid files, and incomplete ones that nobody wrote to for the stall time."""
        return self.remove_leftovers(self._limits.stall_time, 0)

    @_translated
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
