# SPDX-License-Identifier: Apache-2.0
"""Brings the data of an image into the cache (W-18).

Whoever locks ``incomplete/<id>`` is the only one who fills it; the lock ends with its process, so that a dead one is in
nobody's way. What has landed on the disk is hashed before the file gets its final name, in one durable step. How a try
ended is told by the permissions of the file, to followers that have it open.
"""

from __future__ import annotations

import enum
import errno
import os
import stat

from oslo_log import log as logging

from glance_clone.cache import seal
from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import INCOMPLETE
from glance_clone.cache.directory import INVALID
from glance_clone.cache.directory import MODE
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.directory import try_lock
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.transfer import pipeline
from glance_clone.transfer.blocks import Blocks
from glance_clone.transfer.limit import Limit

LOG = logging.getLogger(__name__)

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
#: Bytes that come in at once: clients wait for each block.
_BLOCK = 1 << 20


class Outcome(enum.IntEnum):
    """How a try ended, as the permissions of its file."""

    #: No end yet, or one that says nothing about the data: a full disk, a store that broke off.
    FAILED = 0o600
    #: The data is not what the image says.
    REFUSED = 0o400
    COMPLETE = MODE


def outcome_of(state: os.stat_result) -> Outcome:
    """Return how the try ended whose file has this state; it is not locked any more."""
    mode = stat.S_IMODE(state.st_mode)
    return Outcome(mode) if mode in (Outcome.REFUSED, Outcome.COMPLETE) else Outcome.FAILED


class Fill:
    """One try; see :meth:`begin`."""

    def __init__(self, directory: CacheDirectory, image: Image, descriptor: int):
        self._directory = directory
        self._image = image
        self._file = descriptor
        self._path = directory.path_of(INCOMPLETE, image.id)

    @classmethod
    def begin(cls, directory: CacheDirectory, image: Image) -> Fill | None:
        """Return a new try, None if another one is under way or has just succeeded.

        :raises OSError: the disk does not take any file
        """
        path = directory.path_of(INCOMPLETE, image.id)
        descriptor = os.open(path, _FLAGS, Outcome.FAILED)
        try:
            if try_lock(descriptor) and is_at(descriptor, path):
                if directory.state(COMPLETE, image.id) is None:
                    os.fchmod(descriptor, Outcome.FAILED)
                    os.ftruncate(descriptor, 0)
                    return cls(directory, image, descriptor)
                os.unlink(path)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def run(self, reader: BlobReader, concurrency: Concurrency) -> Outcome:
        """Bring in the data and close the reader; what fails is logged, and leaves nothing but refused data to look at."""
        outcome = Outcome.FAILED
        try:
            self._take(reader, concurrency)
            concurrency.start(self._publish).wait()
            outcome = Outcome.COMPLETE
        except (errors.SizeMismatch, errors.LimitExceeded, _Damaged) as error:
            LOG.error('A copy of image %s is damaged in its store: %s It was not cached.', self._image.id, error)
            outcome = Outcome.REFUSED
        except OSError as error:
            LOG.warning('Image %s could not be written to the cache: %s. It is served without.', self._image.id, error)
        except errors.ImageServiceError as error:
            LOG.warning('Image %s could not be read into the cache: %s', self._image.id, error)
        except Exception:
            LOG.exception('Image %s could not be cached', self._image.id)
        finally:
            reader.close()
            self._end(outcome)
        return outcome

    def abandon(self) -> None:
        """End before any data came."""
        self._end(Outcome.FAILED)

    def _take(self, reader: BlobReader, concurrency: Concurrency) -> None:
        size = self._image.size or 0
        landing = _Landing(self._file, self._image)
        pipeline.run(Blocks(reader), (Limit(size, size),), (landing,), concurrency, _BLOCK)
        if landing.digest != seal.expected(self._image):
            raise _Damaged('its hash is wrong.')

    def _publish(self) -> None:
        os.fsync(self._file)
        seal.apply(self._file, self._image)
        os.fchmod(self._file, Outcome.COMPLETE)
        os.rename(self._path, self._directory.path_of(COMPLETE, self._image.id))
        parent = os.open(self._directory.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)

    def _end(self, outcome: Outcome) -> None:
        try:
            if outcome is Outcome.REFUSED:
                os.fchmod(self._file, outcome)
                os.rename(self._path, self._directory.path_of(INVALID, self._image.id))
            elif outcome is Outcome.FAILED:
                self._directory.remove(INCOMPLETE, self._image.id)
        except OSError as error:
            LOG.warning('What a failed fill of the cache left could not be removed: %s', error)
        finally:
            os.close(self._file)


class _Damaged(Exception):
    """The bytes are not those of the image."""


class _Landing:
    """Writes blocks, and hashes what can be read back of them."""

    def __init__(self, descriptor: int, image: Image):
        self._file = descriptor
        self._digest = seal.new_digest(image)
        self._offset = 0

    @property
    def digest(self) -> str:
        """The hash of the file, in hexadecimal digits."""
        return self._digest.value

    def update(self, block: bytes) -> None:
        """Append a block."""
        view = memoryview(block)
        position = 0
        while position < len(view):
            position += os.pwrite(self._file, view[position:], self._offset + position)
        landed = os.pread(self._file, len(view), self._offset)
        if len(landed) != len(view):
            raise OSError(errno.EIO, 'the file has fewer bytes than were written')
        self._digest.update(landed)
        self._offset += len(view)

    def finish(self) -> None:
        """Do nothing; :class:`Fill` compares the hash."""


def is_at(descriptor: int, path: str) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
