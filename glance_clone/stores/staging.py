# SPDX-License-Identifier: Apache-2.0
"""The store of data that waits for its import: a file store whose files have names that tell what they are.

A file belongs to the image whose id its name begins with: ``<id>`` is what was staged, ``<id>.<attempt>.<suffix>`` what was
made of it, ``.<id>....part`` and ``....tmp`` what is not complete.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator

from glance_clone.domain import errors
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_directory import require_plain_name
from glance_clone.stores.file_directory import translated
from glance_clone.stores.file_writer import FileWriter
from glance_clone.stores.file_writer import remove_if_there

_ID_LENGTH = 36
_SCRATCH = '.tmp'
#: How the names begin of files that other software makes for the time in which one of its tasks reads an image.
_MARK = 'running-task-'
#: Free bytes without which no import can begin.
_LEAST = 1 << 20


class StagingWriter(FileWriter):
    """Writes a file whose name belongs to whoever works on the image, so that an older one is a leftover.

    Whoever takes the work over removes the temporary file first. So nothing comes of a writer that was given up for dead, and
    what was staged since stays.
    """

    def _rename(self, parent: int) -> None:
        os.rename(self._temporary, self._name, src_dir_fd=parent, dst_dir_fd=parent)


class StagingStore(FileStore):
    """The staging directory; see :class:`BlobStore` for its files as objects."""

    def __init__(self, store_id: str, directory: Directory):
        super().__init__(store_id, [directory], mode=0o600)
        self._directory = directory

    def check(self) -> None:
        """Look at the directory; it needs room, too."""
        super().check()
        if self._directory.free() < _LEAST:
            raise errors.StoreFull(f'Less than {_LEAST} bytes are free in {self._directory.path}.')

    def writer(self, blob_id: str, attempt: str, size: int | None) -> StagingWriter:
        """Begin a file; it takes the place of an older one of its name."""
        require_plain_name(blob_id)
        require_plain_name(attempt)
        return StagingWriter(self._choose(size or 0), blob_id, attempt, self._mode)

    def path(self, name: str) -> str:
        """Return the absolute path of a file."""
        return os.path.join(self._directory.path, require_plain_name(name))

    def scratch(self, name: str) -> str:
        """Return the absolute path of the file that :meth:`keep_scratch` gives this name."""
        return self.path(name + _SCRATCH)

    def keep_scratch(self, name: str) -> None:
        """Make a finished scratch file durable and give it its name."""
        with translated(f'Keeping {self.path(name)}'), self._directory.opened() as parent:
            file = os.open(name + _SCRATCH, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            try:
                os.fsync(file)
            finally:
                os.close(file)
            os.rename(name + _SCRATCH, name, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)

    def size_of(self, name: str) -> int | None:
        """Return the bytes of a file, None if it is not there."""
        try:
            state = os.stat(self.path(name), follow_symlinks=False)
        except FileNotFoundError:
            return None
        return state.st_size

    def delete(self, name: str, older_than: float = 0) -> bool:
        """Remove a file; False if there was none, or it is younger than so many seconds."""
        with translated(f'Removing {self._directory.path}/{name}'), self._directory.opened() as parent:
            if older_than and not _is_older(name, parent, older_than):
                return False
            return remove_if_there(name, parent)

    def names_of(self, image_id: str) -> list[str]:
        """Return the names of the files that belong to an image."""
        with translated(f'Listing {self._directory.path}'), self._directory.opened() as parent:
            return [name for name in os.listdir(parent) if owner_of(name) == image_id]

    def names(self) -> Iterator[tuple[str, str, float]]:
        """Yield for each file that belongs to an image: the id of the image, the name, and the age in seconds."""
        with translated(f'Listing {self._directory.path}'), self._directory.opened() as parent, os.scandir(parent) as entries:
            for entry in entries:
                image_id = owner_of(entry.name)
                if image_id and entry.is_file(follow_symlinks=False):
                    yield image_id, entry.name, time.time() - entry.stat(follow_symlinks=False).st_mtime

    def marks(self) -> list[str]:
        """Return the names of the files by which other software marks that a task runs here."""
        with translated(f'Listing {self._directory.path}'), self._directory.opened() as parent:
            return [name for name in os.listdir(parent) if name.startswith(_MARK)]


def _is_older(name: str, parent: int, seconds: float) -> bool:
    try:
        return time.time() - os.stat(name, dir_fd=parent, follow_symlinks=False).st_mtime >= seconds
    except FileNotFoundError:
        return False


def owner_of(name: str) -> str | None:
    """Return the id of the image that a file belongs to, None if its name tells of none."""
    image_id = name.removeprefix('.').partition('.')[0]
    if len(image_id) != _ID_LENGTH:
        return None
    try:
        return image_id if str(uuid.UUID(image_id)) == image_id else None
    except ValueError:
        return None
