# SPDX-License-Identifier: Apache-2.0
"""Opened data as a source of bytes."""

from __future__ import annotations

from collections.abc import Iterable


class Blocks:
    """Reads what an iterable of blocks yields; see :class:`glance_clone.domain.store_ports.ByteSource`."""

    def __init__(self, blocks: Iterable[bytes]):
        self._blocks = iter(blocks)
        self._rest = b''

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end."""
        block = self._rest or next(self._blocks, b'')
        if len(block) <= size:
            self._rest = b''
            return block
        self._rest = block[size:]
        return block[:size]
