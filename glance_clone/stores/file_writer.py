# SPDX-License-Identifier: Apache-2.0
"""Writes one file of a file store: under a temporary name, durable, then visible in one step, never over another file."""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.stores import file_copying
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_directory import translated

LOG = logging.getLogger(__name__)

#: How a new file is opened.
CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


#: Ends the names of files that are not complete.
TEMPORARY_SUFFIX = '.part'


class Identity(NamedTuple):
    """What tells a file from another that got its name, or even its inode, later."""

    device: int
    inode: int
    modified: int
    size: int

    @classmethod
    def of(cls, state: os.stat_result) -> Identity:
        """Return the identity of the file with this state."""
        return cls(state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size)


def temporary_name(blob_id: str, attempt: str) -> str:
    """Return the name that data has before it is complete."""
    return f'.{blob_id}.{attempt}{TEMPORARY_SUFFIX}'


class FileWriter:
    """Takes the bytes of one file; see :class:`BlobWriter`.

    :param mode: permissions of the file
    :param hole: pieces of this many zero bytes become holes; None for none
    :param metadata: kept with the location
    """

    def __init__(
        self,
        directory: Directory,
        blob_id: str,
        attempt: str,
        mode: int,
        hole: int | None = None,
        metadata: dict[str, object] | None = None,
    ):
        self._directory = directory
        self._name = blob_id
        self._temporary = temporary_name(blob_id, attempt)
        self._hole = hole
        self._zeros = bytes(hole or 0)
        self._metadata = metadata or {}
        self._written = 0
        self._published: Identity | None = None
        self._closed = False
        with translated(f'Creating {directory.path}/{self._temporary}'), directory.opened() as parent:
            self._file = self._create(parent)
            os.fchmod(self._file, mode)

    def _create(self, parent: int) -> int:
        """Make the file under its temporary name; return a descriptor of it."""
        return os.open(self._temporary, CREATE_FLAGS, 0o600, dir_fd=parent)

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Append a block."""
        with translated(f'Writing {self._directory.path}/{self._temporary}'), memoryview(block) as view:
            if self._hole is None:
                self._append(view)
                return
            for start in range(0, len(view), self._hole):
                piece = view[start : start + self._hole]
                if bytes(piece) == self._zeros[: len(piece)]:
                    self._written += len(piece)
                else:
                    self._append(piece)

    def _append(self, view: memoryview) -> None:
        position = 0
        while position < len(view):
            count = os.pwrite(self._file, view[position:], self._written)
            position += count
            self._written += count

    def clone(self, file: int, size: int) -> bool:
        """See :meth:`FileCopyingWriter.clone`."""
        if self._hole is not None:
            return False  # holes are made by whoever copies
        with translated(f'Cloning into {self._directory.path}/{self._temporary}'):
            if not file_copying.clone(file, self._file):
                return False
            if os.fstat(self._file).st_size != size:
                os.ftruncate(self._file, 0)
                return False
        self._written = size
        return True

    def copy(self, file: int, start: int, size: int) -> bool:
        """See :meth:`FileCopyingWriter.copy`."""
        if self._hole is not None:
            return False
        with translated(f'Copying into {self._directory.path}/{self._temporary}'):
            try:
                file_copying.copy_range(file, self._file, size, start, self._written)
            except OSError as error:
                if error.errno in file_copying.CANNOT or error.errno == errno.EIO:
                    return False
                raise
        self._written += size
        return True

    def commit(self) -> Location:
        """Make the file durable and visible."""
        with translated(f'Publishing {self._directory.path}/{self._name}'):
            if self._hole is not None:
                os.ftruncate(self._file, self._written)
            os.fsync(self._file)
            identity = Identity.of(os.fstat(self._file))
            with self._directory.opened() as parent:
                self._publish(parent, identity)
                os.fsync(parent)
        self._close()
        return Location(f'file://{self._directory.path}/{self._name}', dict(self._metadata))

    def _publish(self, parent: int, identity: Identity) -> None:
        """Give the file its name, and no longer the temporary one."""
        try:
            self._rename(parent)
        except FileExistsError as error:
            raise errors.BlobExists('The store holds an object of this name already.') from error
        except FileNotFoundError as error:
            raise errors.LeaseLost('The data came too late: its transfer was given up for dead. Send it again.') from error
        self._published = identity
        self._directory.mark(parent)
        remove_if_there(self._temporary, parent)

    def _rename(self, parent: int) -> None:
        """Let the name lead to the file, which link(2) refuses where the name is taken."""
        os.link(self._temporary, self._name, src_dir_fd=parent, dst_dir_fd=parent, follow_symlinks=False)

    def abort(self) -> None:
        """Remove what this writer made, and only that."""
        self._close()
        with translated(f'Removing {self._directory.path}/{self._temporary}'), self._directory.opened() as parent:
            remove_if_there(self._temporary, parent)
            if self._published is not None and self._published == _identity_at(self._name, parent):
                remove_if_there(self._name, parent)
                self._published = None
            os.fsync(parent)

    def _close(self) -> None:
        if not self._closed:
            self._closed = True
            os.close(self._file)


def remove_if_there(name: str, parent: int) -> bool:
    """Remove a file of a directory; False if there was none."""
    try:
        os.unlink(name, dir_fd=parent)
    except FileNotFoundError:
        return False
    return True


def _identity_at(name: str, parent: int) -> Identity | None:
    try:
        return Identity.of(os.stat(name, dir_fd=parent, follow_symlinks=False))
    except FileNotFoundError:
        return None
