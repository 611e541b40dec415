# SPDX-License-Identifier: Apache-2.0
"""The data of one answer, as it comes from a remote server."""

from __future__ import annotations

import http.client
import io
import re
from collections.abc import Iterator
from collections.abc import Mapping

from glance_clone.domain import errors
from glance_clone.fetching.connection import Connection

_CONTENT_RANGE = re.compile(r'bytes (\d{1,20})-(\d{1,20})/(\d{1,20}|\*)', re.ASCII)
_UNSATISFIED = re.compile(r'bytes \*/(\d{1,20})', re.ASCII)
_BLOCK = 1 << 20
#: Seconds for which a server may keep a connection open after its data, of which it was asked not to.
_FAREWELL = 0.5


class Remote:
    """The wanted part of an object; see :class:`glance_clone.domain.store_ports.RemoteData`.

    :param offset: first byte that is wanted
    :param length: bytes wanted at most, None for all
    :raises FetchError: the answer does not have the data, or contradicts itself
    """

    def __init__(self, connection: Connection, response: http.client.HTTPResponse, host: str, offset: int, length: int | None):
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.getheaders()}
        self._connection = connection
        self._response = response
        self._host = host
        _require_framing(response, host)
        announced = response.length if not response.chunked else None
        if response.status == http.HTTPStatus.PARTIAL_CONTENT:
            self.size: int | None = self._size_of_range(offset)
            skipped = 0
        elif response.status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            self.size = self._size_beyond()
            skipped, length = 0, 0
        else:
            self.size = announced
            skipped = offset
        #: Bytes of the body that are announced and not read yet, None if unknown.
        self._announced = announced
        #: Bytes that are still wanted, None for all.
        self._wanted = length
        self._whole = not offset and length is None
        self._skip(skipped)

    def read(self, size: int) -> bytes:
        """Return up to size bytes, as soon as there are some; b'' at the end.

        :raises FetchError: the server breaks off, sends too slowly, or not what it announced
        """
        if self._wanted is not None:
            size = min(size, self._wanted)
        if not size:
            return b''
        block = self._receive(size)
        if self._wanted is not None:
            self._wanted -= len(block)
        return block

    def readinto(self, buffer: memoryview) -> int:
        """Put what has come into a buffer, and return how many bytes that were, 0 at the end; raises as read does."""
        file = self._response.fp
        if file is None or self._response.chunked:
            block = self.read(len(buffer))
            buffer[: len(block)] = block
            return len(block)
        if self._wanted is not None:
            buffer = buffer[: self._wanted]
        count = self._receive_into(file, buffer) if buffer else 0
        if self._wanted is not None:
            self._wanted -= count
        return count

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes as they come; raises as read does."""
        while block := self.read(_BLOCK):
            yield block

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _receive(self, size: int) -> bytes:
        with self._connection.translated():
            block = self._response.read1(size)
        self._account(len(block))
        return block

    def _receive_into(self, file: io.BufferedReader, buffer: memoryview) -> int:
        """Do as :meth:`_receive` does; the readinto of the response would wait until the buffer is full."""
        left = self._response.length
        with self._connection.translated():
            count = file.readinto1(buffer if left is None else buffer[:left])
        if left is not None:
            self._response.length = left - count
        self._account(count)
        return count

    def _account(self, count: int) -> None:
        """Compare what came with what was announced, at the end at the latest."""
        if self._announced is None:
            return
        self._announced -= count
        if not count and self._announced:
            raise errors.FetchError(f'The data of {self._host} ended {self._announced} bytes early.')
        if not count and self._whole and not self._connection.is_at_end(_FAREWELL):
            raise errors.FetchError(f'The server {self._host} sent more data than it announced.')

    def _skip(self, count: int) -> None:
        """Pass over bytes that a server sends in spite of being asked for later ones only."""
        while count:
            block = self._receive(min(count, _BLOCK))
            if not block:
                return
            count -= len(block)

    def _size_of_range(self, offset: int) -> int | None:
        match = _CONTENT_RANGE.fullmatch(self.headers.get('content-range', '').strip())
        if match is None or int(match[1]) != offset:
            raise errors.FetchError(f'The server {self._host} sent another part of the data than it was asked for.')
        return None if match[3] == '*' else int(match[3])

    def _size_beyond(self) -> int | None:
        """Return the size that an answer names which says that the range lies beyond the end; None if it names none."""
        match = _UNSATISFIED.fullmatch(self.headers.get('content-range', '').strip())
        return int(match[1]) if match else None


def _require_framing(response: http.client.HTTPResponse, host: str) -> None:
    """Refuse an answer whose end readers could see in different places."""
    lengths = {text.strip() for text in response.headers.get_all('Content-Length', [])}
    codings = [text.strip().lower() for text in response.headers.get_all('Transfer-Encoding', [])]
    if len(lengths) > 1 or any(not text.isdecimal() for text in lengths) or codings not in ([], ['chunked']):
        raise errors.FetchError(f'The server {host} does not say clearly where its data ends.')
