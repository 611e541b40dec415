# SPDX-License-Identifier: Apache-2.0
"""Makes a file of the same file system part of a file store without moving its bytes through this process.

The first of these that the file system can do: a second name for the file, a clone that shares its blocks, a copy within
the kernel that keeps holes.
"""

from __future__ import annotations

import os

from glance_clone.stores import file_copying
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_writer import CREATE_FLAGS
from glance_clone.stores.file_writer import FileWriter


class CannotAdopt(Exception):
    """The file must be copied the ordinary way."""


class FileAdoption(FileWriter):
    """A writer that has got all its bytes already; see :class:`BlobWriter`.

    :param source: absolute path of the file
    :param size: bytes that it must have
    :param mode: permissions of the new file
    :param share: whether the file may become the new one, under a second name: nobody changes it any more, and its first
        name goes soon
    :raises CannotAdopt: the file is elsewhere, or the file system can do none of it
    """

    def __init__(
        self,
        directory: Directory,
        blob_id: str,
        attempt: str,
        mode: int,
        metadata: dict[str, object] | None,
        source: str,
        size: int,
        share: bool,
    ):
        self._source = source
        self._size = size
        self._share = share
        super().__init__(directory, blob_id, attempt, mode, metadata=metadata)

    def _create(self, parent: int) -> int:
        original = os.open(self._source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            state = os.fstat(original)
            if state.st_dev != os.fstat(parent).st_dev or state.st_size != self._size:
                raise CannotAdopt
            self._written = state.st_size
            if self._share and self._link(parent):
                return os.open(self._temporary, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
            return self._duplicate(original, parent, state.st_size)
        finally:
            os.close(original)

    def _link(self, parent: int) -> bool:
        try:
            os.link(self._source, self._temporary, dst_dir_fd=parent, follow_symlinks=False)
        except OSError as error:
            if error.errno in file_copying.CANNOT:
                return False
            raise
        return True

    def _duplicate(self, original: int, parent: int, size: int) -> int:
        copy = os.open(self._temporary, CREATE_FLAGS, 0o600, dir_fd=parent)
        try:
            if not file_copying.clone(original, copy):
                file_copying.copy_all(original, copy, size)
        except BaseException as error:
            os.close(copy)
            os.unlink(self._temporary, dir_fd=parent)
            if isinstance(error, OSError) and error.errno in file_copying.CANNOT:
                raise CannotAdopt from error
            raise
        return copy
