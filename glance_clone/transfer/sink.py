# SPDX-License-Identifier: Apache-2.0
"""The end of the pipeline: hands the bytes to a store."""

from __future__ import annotations

from glance_clone.domain.store_ports import BlobWriter


class Sink:
    """Writes all blocks to a store; whoever began the object commits or aborts it."""

    def __init__(self, writer: BlobWriter):
        self._writer = writer

    def update(self, block: bytes | memoryview) -> None:
        """Write a block."""
        self._writer.write(block)

    def finish(self) -> None:
        """Do nothing: the object is committed when all filters have agreed to the data."""
