# SPDX-License-Identifier: Apache-2.0
"""The end of the pipeline: hands the bytes to a store."""

from __future__ import annotations

from glance_clone.domain.store_ports import BlobWriter
from glance_clone.domain.store_ports import FileCopyingWriter


class Sink:
    """Writes all blocks to a store; whoever began the object commits or aborts it.

    :ivar has_all: the object had all its bytes before the first block
    """

    has_all = False

    def __init__(self, writer: BlobWriter):
        self._writer = writer

    def update(self, block: bytes | memoryview) -> None:
        """Write a block."""
        self._writer.write(block)

    def finish(self) -> None:
        """Do nothing: the object is committed when all filters have agreed to the data."""


class FileSink(Sink):
    """The same of data that lies in a file of this node: a writer that can takes it from there within the kernel.

    :param file: a descriptor of the file, all of which is the data
    :param size: bytes of the data
    """

    def __init__(self, writer: BlobWriter, file: int, size: int):
        super().__init__(writer)
        self._file = file
        self._passed = 0
        self._copier = writer if isinstance(writer, FileCopyingWriter) else None
        self.has_all = self._copier is not None and self._copier.clone(file, size)

    def update(self, block: bytes | memoryview) -> None:
        """Have a block copied, or write it where that cannot be; nothing once the file was cloned."""
        if self.has_all:
            return
        if self._copier is not None and not self._copier.copy(self._file, self._passed, len(block)):
            self._copier = None
        if self._copier is None:
            super().update(block)
        self._passed += len(block)
