# SPDX-License-Identifier: Apache-2.0
"""The bytes that a client sends: lines of heads and chunks, and blocks of bodies."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

#: Bytes, or how many of them there are.
_Received = TypeVar('_Received', bytes, int)

#: Bytes that one call takes from the socket ahead of what is asked for.
_AHEAD = 16384
#: Bytes that one call takes from the socket when a body is read.
_BLOCK = 256 * 1024


class FramingError(ValueError):
    """A request that is not well-formed, or larger than allowed; nothing after it on the connection can be trusted.

    :ivar status: HTTP status of the answer
    """

    def __init__(self, reason: str, status: int = 400):
        super().__init__(reason)
        self.status = status


class ClientGone(ConnectionError):
    """The client closed the connection, or broke it, before its request or our answer was complete."""


class ClientSlow(TimeoutError):
    """The client sent or took too little for too long."""


class Reader:
    """Reads from a socket, with a buffer.

    :ivar waited: seconds spent so far on waiting for the client
    """

    def __init__(self, sock: socket.socket):
        self.waited = 0.0
        self._sock = sock
        self._buffer = bytearray()

    @property
    def buffered(self) -> bool:
        """Tell whether some byte can be read without waiting for the client."""
        return bool(self._buffer)

    def line(self, limit: int, deadline: float, status: int = 400) -> bytes:
        """Return the next line without its end, which is CR LF and nothing else.

        :param limit: bytes of the longest line
        :param deadline: on the monotonic clock
        :param status: HTTP status for a longer line
        :raises FramingError: no CR LF at its end, or too long
        :raises ClientSlow: it did not arrive before the deadline
        :raises ClientGone: the connection ended before
        """
        seen = 0
        while (end := self._buffer.find(b'\n', seen, limit)) < 0:
            seen = len(self._buffer)
            if seen >= limit:
                raise FramingError(f'a line is longer than {limit} bytes', status)
            self._fill(deadline)
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        if not line.endswith(b'\r\n') or b'\r' in line[:-2]:
            raise FramingError('a line does not end with CR LF')
        return line[:-2]

    def some(self, size: int, seconds: float) -> bytes:
        """Return at least one and at most size bytes.

        :raises ClientSlow: none arrived within the time
        :raises ClientGone: the connection ended before
        """
        if self._buffer:
            return self._take(size)
        return self._receive(lambda: self._sock.recv(min(size, _BLOCK)), seconds)

    def some_into(self, buffer: memoryview, seconds: float) -> int:
        """Put at least one byte into a buffer, which has room, and return how many; raises as some does."""
        if self._buffer:
            taken = self._take(len(buffer))
            buffer[: len(taken)] = taken
            return len(taken)
        return self._receive(lambda: self._sock.recv_into(buffer), seconds)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _fill(self, deadline: float) -> None:
        self._buffer += self._receive(lambda: self._sock.recv(_AHEAD), deadline - time.monotonic())

    def _receive(self, receive: Callable[[], _Received], seconds: float) -> _Received:
        """Return what a call takes from the socket, which is not nothing."""
        if seconds <= 0:
            raise ClientSlow('too slow')
        self._sock.settimeout(seconds)
        begin = time.monotonic()
        try:
            data = receive()
        except TimeoutError:
            raise ClientSlow('too slow') from None
        except OSError as error:
            raise ClientGone(str(error)) from None
        finally:
            self.waited += time.monotonic() - begin
        if not data:
            raise ClientGone('the client closed the connection')
        return data
