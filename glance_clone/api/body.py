# SPDX-License-Identifier: Apache-2.0
"""The body of a request as a source of bytes, whichever server reads it from the socket.

A body that breaks off is told apart from one that ends: with a Content-Length by counting, with chunks by the server.
"""

from __future__ import annotations

import sys
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain.store_ports import ByteSource

try:
    import uwsgi
except ImportError:  # every other server, and tests
    uwsgi = None

#: Seconds that uWSGI waits for the next chunk.
_CHUNK_TIMEOUT = 30

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
    return Bounded(source, int(environ.get('CONTENT_LENGTH') or 0))


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
        if not block:
            raise errors.ClientDisconnected(_BROKEN_OFF)
        self._left -= len(block)
        return block


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
    try:
        block: bytes = source.read(size)
    except TimeoutError:
        raise errors.ClientTooSlow('The body came too slowly, or stopped coming.') from None
    except OSError:
        raise errors.ClientDisconnected(_BROKEN_OFF) from None
    except _MALFORMED:
        raise errors.Invalid('The chunks of the body are malformed.') from None
    return block


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
