# SPDX-License-Identifier: Apache-2.0
"""The body of a request, as the file ``wsgi.input``.

It ends where the framing says and nowhere else: a body that breaks off, stalls, or has malformed chunks raises.
"""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from glance_clone.server.limits import Limits
from glance_clone.server.reader import ClientSlow
from glance_clone.server.reader import FramingError
from glance_clone.server.reader import Reader

_CHUNK = re.compile(rb'([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?')
#: Bytes of the line before a chunk: its size and extensions, which nobody uses.
_CHUNK_LINE = 256
#: Bytes of a body that are taken from the connection before other requests have their turn: if these take little time, if
#: they take more.
_TURN, _SHORT_TURN = 4 << 20, 512 << 10
#: Seconds that are more.
_BUSY = 0.001


class Body(io.RawIOBase):
    """A body of known length, or in chunks.

    :param length: bytes; None if it comes in chunks
    :ivar announce: called once before anything is read, if it is set: lets a client that waits for a word begin
    :ivar complete: all of the body was read
    :ivar broken: it ended in an error
    """

    def __init__(self, reader: Reader, length: int | None, limits: Limits):
        super().__init__()
        self.announce: Callable[[], None] | None = None
        self.complete = length == 0
        self.broken = False
        self._reader = reader
        self._limits = limits
        self._chunked = length is None
        self._left = length or 0
        self._begun = False
        self._received = 0
        self._waited_before = reader.waited

    def readable(self) -> bool:
        """Tell that this is for reading."""
        return True

    def drainable(self, limit: int) -> bool:
        """Tell whether what is still to come can be read in passing: it is on its way, and at most limit bytes."""
        on_its_way = not (self.broken or self._chunked or self.announce)
        return self.complete or (on_its_way and self._left <= limit)

    def read(self, size: int | None = -1) -> bytes:
        """Return size bytes, fewer only at the end of the body; all of it if no size is given.

        :raises FramingError: malformed chunks
        :raises ClientSlow: the client paused too long, or sends too slowly
        :raises ClientGone: the connection ended before the body
        """
        pieces = []
        left = float('inf') if size is None or size < 0 else size
        while left and (piece := self._some(left)):
            pieces.append(piece)
            left -= len(piece)
        return pieces[0] if len(pieces) == 1 else b''.join(pieces)

    def readinto(self, buffer: Any) -> int:
        """Put at least one byte into a buffer, as many as have come; 0 at the end of the body. Raises as read does."""
        with memoryview(buffer) as view, self._next() as left:
            if not left or not view:
                return 0
            count = self._reader.some_into(view[: min(len(view), left, self._turn())], self._limits.body_idle)
            self._account(count)
            return count

    @staticmethod
    def _turn() -> int:
        """Let others have their turn, and return how many bytes may be taken before their next one.

        A fast client would keep them waiting until its block is full; and a request that reads a database needs several.
        """
        began = time.monotonic()
        time.sleep(0)
        return _TURN if time.monotonic() - began < _BUSY else _SHORT_TURN

    def _some(self, size: float) -> bytes:
        with self._next() as left:
            if not left:
                return b''
            data = self._reader.some(int(min(size, left)), self._limits.body_idle)
            self._account(len(data))
            return data

    @contextlib.contextmanager
    def _next(self) -> Iterator[int]:
        """Lend the bytes that come next, none at the end, to whoever takes them from the connection."""
        if self.complete:
            yield 0
            return
        announce, self.announce = self.announce, None
        if announce:
            announce()
        try:
            if self._chunked and not self._left:
                self._begin_chunk()
            yield self._left
        except (FramingError, OSError):
            self.broken = True
            raise

    def _begin_chunk(self) -> None:
        if self._begun and self._line(2):
            raise FramingError('a chunk is longer than it says')
        self._begun = True
        match = _CHUNK.fullmatch(self._line(_CHUNK_LINE))
        if match is None:
            raise FramingError('the size of a chunk is malformed')
        self._left = int(match[1], 16)
        if not self._left:
            self._drop_trailers()
            self.complete = True

    def _drop_trailers(self) -> None:
        left = self._limits.head_size
        while line := self._line(self._limits.head_line):
            left -= len(line) + 2
            if left < 0:
                raise FramingError('the trailers are too large', 431)

    def _line(self, limit: int) -> bytes:
        return self._reader.line(limit, time.monotonic() + self._limits.body_idle)

    def _account(self, count: int) -> None:
        """Count what was taken from the connection. Only the time that we wait for it counts against the client."""
        self._left -= count
        if not self._chunked:
            self.complete = not self._left
        self._received += count
        waited = self._reader.waited - self._waited_before
        if waited > self._limits.rate_free and self._received < waited * self._limits.min_rate:
            raise ClientSlow('too slow')
