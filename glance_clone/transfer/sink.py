# SPDX-License-Identifier: Apache-2.0
"""The end of the pipeline: hands the bytes to a store."""

from __future__ import annotations

import os
from typing import Any

from glance_clone.domain.store_ports import BlobWriter
from glance_clone.domain.store_ports import FileCopyingWriter


class Sink:
    """Writes all blocks to a store; whoever began the object commits or aborts it.

    :ivar has_all: the object had all its bytes before the first block
    """

    has_all = False

    def __init__(self, writer: BlobWriter):
        self._writer = writer

    @property
    def has_changed(self) -> bool:
        """Whether the data comes from elsewhere by now than at first."""
        return False

    def update(self, block: bytes | memoryview) -> None:
        """Write a block."""
        self._writer.write(block)

    def finish(self) -> None:
        """Do nothing: the object is committed when all filters have agreed to the data."""

    def close(self) -> None:
        """Give back what was needed, which is nothing here."""


class FileSink(Sink):
    """The same of data that lies in a file of this node: a writer that can takes it from there within the kernel.

    Where the reading goes on with another file, because this one broke off, blocks are written as they were read.

    :param source: is read from the file ``fileobj``, from its begin, as long as it has that
    :param size: bytes of the data
    """

    def __init__(self, writer: BlobWriter, source: Any, size: int):
        super().__init__(writer)
        self._source = source
        self._original = source.fileobj
        # Whoever goes on with another file closes this one, and its number may become that of any other.
        self._file = os.dup(self._original.fileno())
        self._passed = 0
        try:
            self._copier = writer if isinstance(writer, FileCopyingWriter) else None
            self.has_all = self._copier is not None and self._copier.clone(self._file, size)
        except BaseException:
            self.close()
            raise

    @property
    def has_changed(self) -> bool:
        """See :class:`Sink`."""
        return self._source.fileobj is not self._original

    def update(self, block: bytes | memoryview) -> None:
        """Have a block copied, or write it where that cannot be; nothing once the file was cloned."""
        if self.has_all:
            return
        if self._copier is not None and (self.has_changed or not self._copier.copy(self._file, self._passed, len(block))):
            self._copier = None
        if self._copier is None:
            super().update(block)
        self._passed += len(block)

    def close(self) -> None:
        """Give back the file."""
        os.close(self._file)
