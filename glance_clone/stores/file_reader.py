# SPDX-License-Identifier: Apache-2.0
"""Reads one file of a file store, or lends it to a server that can send files without copying."""

from __future__ import annotations

import contextlib
import io
import os
import stat
from collections.abc import Iterator

from oslo_log import log as logging

from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

_BLOCK = 1 << 20
#: O_NONBLOCK so that opening a pipe that somebody put there does not wait.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FileReader:
    """Open data; see :class:`FileBlobReader`."""

    def __init__(self, parent: int, name: str, offset: int, length: int | None):
        self.fileobj = io.FileIO(os.open(name, _FLAGS, dir_fd=parent), 'rb')
        try:
            state = os.fstat(self.fileobj.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise errors.StoreUnavailable('The store holds no data under this name, but something else.')
            self.size = state.st_size
            rest = max(self.size - offset, 0)
            self.length = rest if length is None else min(length, rest)
            self.fileobj.seek(offset)
            self._try_first_byte(offset)
        except BaseException:
            self.fileobj.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes asked for."""
        missing = self.length
        while missing:
            with _readable():
                block = self.fileobj.read(min(missing, _BLOCK))
            if not block:
                LOG.error('A file of the store became shorter while it was read: %d bytes are missing.', missing)
                raise errors.StoreError('The data ended early.')
            missing -= len(block)
            yield block

    def close(self) -> None:
        """Close the file."""
        self.fileobj.close()

    def _try_first_byte(self, offset: int) -> None:
        """Find out now, while another copy can be taken, whether the disk gives anything."""
        with _readable():
            os.pread(self.fileobj.fileno(), 1, offset)


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        LOG.error('A file of the store cannot be read: %s', error)
        raise errors.StoreError('The store cannot read the data.') from error
