# SPDX-License-Identifier: Apache-2.0
"""Reads what drivers and clients give as an iterator, from any byte on, whether or not they can begin there."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.stores.glance_store_errors import translated

LOG = logging.getLogger(__name__)


class Reader:
    """Open data; see :class:`BlobReader`.

    :param blocks: the bytes from some byte of the object on
    :param size: bytes of the whole object
    :param skip: bytes of ``blocks`` before the first one that is wanted
    :param length: bytes that are wanted
    :param close: gives back what was lent; called once
    """

    def __init__(self, blocks: Iterable[bytes], size: int, skip: int, length: int, close: Callable[[], object] | None = None):
        self.size = size
        self._blocks = blocks
        self._skip = skip
        self._length = length
        self._close = close

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes asked for."""
        missing = self._length
        if missing:
            for block in self._translated():
                piece = self._wanted(block, missing)
                if piece:
                    missing -= len(piece)
                    yield piece
                if not missing:
                    return
        if missing:
            LOG.error('A store gave less data than it had promised: %d bytes are missing.', missing)
            raise errors.StoreError('The data ended early.')

    def _translated(self) -> Iterator[bytes]:
        iterator = iter(self._blocks)
        while True:
            with translated('Reading from a store'):
                block = next(iterator, b'')
            if not block:
                return
            yield block

    def _wanted(self, block: bytes, missing: int) -> bytes:
        if self._skip >= len(block):
            self._skip -= len(block)
            return b''
        if self._skip or len(block) > missing:
            block = block[self._skip : self._skip + missing]
            self._skip = 0
        return block

    def close(self) -> None:
        """Give back what the store lent."""
        close, self._close = self._close, None
        if close is not None:
            close()


def span(size: int, offset: int, length: int | None) -> int:
    """Return how many bytes there are from offset on, at most length."""
    rest = max(size - offset, 0)
    return rest if length is None else min(length, rest)
