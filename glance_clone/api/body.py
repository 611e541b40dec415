# SPDX-License-Identifier: Apache-2.0
"""The body of a request as a source of bytes, whichever server reads it from the socket.

A body that breaks off is told apart from one that ends: with a Content-Length by counting, with chunks by the server.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from glance_clone.api import uwsgi_connection
from glance_clone.api.uwsgi_connection import UwsgiConnection
from glance_clone.domain import errors
from glance_clone.domain.incoming import read_into
from glance_clone.domain.store_ports import ByteSource

try:
    import uwsgi
except ImportError:  # every other server, and tests
    uwsgi = None

#: Seconds that uWSGI waits for the next chunk.
_CHUNK_TIMEOUT = 30
#: Bodies of more bytes are worth their own way.
_LARGE = 1 << 20

_BROKEN_OFF = 'The connection ended before the whole body had arrived.'


def _malformed() -> tuple[type[Exception], ...]:
    """Return the errors by which servers tell of malformed chunks; gunicorn has a kind of its own."""
    gunicorn = sys.modules.get('gunicorn.http.errors')
    return (ValueError, gunicorn.ParseException) if gunicorn else (ValueError,)


_MALFORMED = _malformed()


def body_source(environ: dict[str, Any]) -> ByteSource:
    """Return the body of a request, for reading once."""
    source = environ['wsgi.input']
    chunked = environ.get('HTTP_TRANSFER_ENCODING', '').lower() == 'chunked'
    if chunked and uwsgi is not None:
        return UwsgiChunks()
    if chunked:
        return Unbounded(source)
    length = int(environ.get('CONTENT_LENGTH') or 0)
    if length > _LARGE and uwsgi_connection.is_plain():
        return UwsgiBody(source, length)
    return Bounded(source, length)


class Bounded:
    """A body of announced length."""

    def __init__(self, source: Any, length: int):
        self._source = source
        self._left = length

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises ClientDisconnected: it ends before the announced length
        """
        if not self._left:
            return b''
        block = _read(self._source, min(size, self._left))
        self._count(len(block))
        return block

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as bytes have come; raises as read does."""
        part = buffer[: self._left]
        if not part:
            return 0
        return self._count(_read_into(self._source, part))

    def _count(self, size: int) -> int:
        if not size:
            raise errors.ClientDisconnected(_BROKEN_OFF)
        self._left -= size
        return size


class Unbounded:
    """A body whose end the server knows: it takes the chunks apart, and raises if they break off."""

    def __init__(self, source: Any):
        self._source = source

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises ClientDisconnected: it breaks off
        :raises Invalid: the chunks are malformed
        """
        return _read(self._source, size)


def _read(source: Any, size: int) -> bytes:
    with _translated():
        block: bytes = source.read(size)
    return block


def _read_into(source: Any, buffer: memoryview) -> int:
    with _translated():
        return read_into(source, buffer)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the errors of servers into those of the domain."""
    try:
        yield
    except TimeoutError:
        raise errors.ClientTooSlow('The body came too slowly, or stopped coming.') from None
    except OSError:
        raise errors.ClientDisconnected(_BROKEN_OFF) from None
    except _MALFORMED:
        raise errors.Invalid('The chunks of the body are malformed.') from None


class UwsgiBody(Bounded):
    """A large body behind uWSGI, most of which is taken from the connection without uWSGI's buffers in between."""

    def __init__(self, source: Any, length: int):
        super().__init__(source, length)
        self._connection = UwsgiConnection()
        self._first = self._connection.buffered

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as bytes have come; raises as read does."""
        if self._first > 0:
            count = super().readinto(buffer[: self._first])
            self._first -= count
            return count
        part = buffer[: self._left]
        if not part:
            return 0
        with _translated():
            return self._count(self._connection.receive_into(part))

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end; raises as Bounded does."""
        buffer = memoryview(bytearray(min(size, self._left)))
        return bytes(buffer[: self.readinto(buffer)])


class UwsgiChunks:
    """A chunked body behind uWSGI, which hands over one chunk at a time, of whatever size it is."""

    def __init__(self) -> None:
        self._chunk = memoryview(b'')
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises ClientDisconnected: it breaks off
        """
        if not self._chunk and not self._ended:
            self._chunk = memoryview(self._next_chunk())
            self._ended = not self._chunk
        block, self._chunk = self._chunk[:size], self._chunk[size:]
        return bytes(block)

    @staticmethod
    def _next_chunk() -> bytes:
        try:
            return bytes(uwsgi.chunked_read(_CHUNK_TIMEOUT))
        except OSError:
            raise errors.ClientDisconnected(_BROKEN_OFF) from None
