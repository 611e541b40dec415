# SPDX-License-Identifier: Apache-2.0
"""Serves an image while it comes into the cache: however many clients there are, its store is read once.

The last block is held back until the hash of the whole is known, so that no client takes damaged data for complete (R11).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from glance_clone.cache.directory import INCOMPLETE
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.directory import try_lock
from glance_clone.cache.directory import unlock
from glance_clone.cache.fill import Outcome
from glance_clone.cache.fill import outcome_of
from glance_clone.domain import errors
from glance_clone.domain.cache import Fetch
from glance_clone.domain.image import Image
from glance_clone.domain.store_ports import BlobReader

_BLOCK = 1 << 20
#: Bytes that a client does not get before all are checked.
_HELD_BACK = _BLOCK
#: Seconds between two looks whether more has come.
_PAUSE = 0.01
#: Seconds without progress after which the store is read directly.
_STALLED = 30.0


class Follower:
    """A reader behind whoever fills the cache; see :class:`BlobReader`.

    :param fetch: reads the store, for the rest of the image where the fill fails
    :raises FileNotFoundError: nobody fills it
    """

    def __init__(self, directory: CacheDirectory, image: Image, fetch: Fetch):
        self.size = image.size or 0
        self._image = image
        self._fetch = fetch
        self._file = os.open(directory.path_of(INCOMPLETE, image.id), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._rest: BlobReader | None = None

    def begun(self) -> Follower:
        """Wait for the first bytes, so that data found to be damaged by then is an answer of its own; return the reader.

        :raises DataMissing: the copy in the store is damaged
        """
        deadline = time.monotonic() + _STALLED
        try:
            while self.size and time.monotonic() < deadline:
                end = self._ready()
                if end is None or end > 0:
                    break
                time.sleep(_PAUSE)
        except errors.StoreError as error:
            self.close()
            raise errors.DataMissing(
                f'The data of image {self._image.id} is damaged in its store; tell an operator.'
            ) from error
        return self

    def __iter__(self) -> Iterator[bytes]:
        """Yield the data as it comes."""
        position, moved = 0, time.monotonic()
        while position < self.size:
            end = self._ready()
            if end is None or time.monotonic() - moved > _STALLED:
                yield from self._read_on(position)
                return
            block = os.pread(self._file, min(_BLOCK, end - position), position) if position < end else b''
            if block:
                position, moved = position + len(block), time.monotonic()
                yield block
            else:
                time.sleep(_PAUSE)

    def _ready(self) -> int | None:
        """Return up to which byte the data may be sent, None if no more will come.

        :raises StoreError: the data turned out to be damaged
        """
        if not try_lock(self._file, shared=True):
            return min(os.fstat(self._file).st_size, self.size - _HELD_BACK)
        unlock(self._file)
        outcome = outcome_of(os.fstat(self._file))
        if outcome is Outcome.REFUSED:
            raise errors.StoreError(f'The data of image {self._image.id} is damaged in its store.')
        return self.size if outcome is Outcome.COMPLETE else None

    def _read_on(self, position: int) -> Iterator[bytes]:
        self._rest = self._fetch(position, self.size - position)
        yield from self._rest

    def close(self) -> None:
        """Close what is open."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._rest is not None:
            self._rest.close()
