# SPDX-License-Identifier: Apache-2.0
"""Bodies as sources of bytes."""

from __future__ import annotations

import io
from typing import Any

import fixtures

from glance_clone.api import body
from glance_clone.domain import errors
from glance_clone.tests import base
from glance_clone.tests.unit.api.uwsgi_server import Uwsgi


class _Failing:
    """An input that raises."""

    def __init__(self, error: Exception):
        self._error = error

    def read(self, _size: int) -> bytes:
        raise self._error


class _Reading:
    """An input that can only return bytes."""

    def __init__(self, data: bytes):
        self.read = io.BytesIO(data).read


class _Uwsgi:
    """uWSGI's way to hand over chunks."""

    def __init__(self, *chunks: bytes | Exception):
        self._chunks = list(chunks)

    def chunked_read(self, _timeout: int) -> bytes:
        chunk = self._chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        return chunk


class BodySourceTest(base.TestCase):
    """All kinds of input."""

    def _source(self, source: Any, **environ: str) -> Any:
        return body.body_source({'wsgi.input': source, **environ})

    def test_known_length(self) -> None:
        source = self._source(io.BytesIO(b'0123456789more'), CONTENT_LENGTH='10')
        self.assertEqual([b'0123', b'456789', b''], [source.read(size) for size in (4, 100, 100)])

    def test_no_body(self) -> None:
        for environ in ({}, {'CONTENT_LENGTH': ''}, {'CONTENT_LENGTH': '0'}):
            self.assertEqual(b'', self._source(io.BytesIO(b'next request'), **environ).read(10))

    def test_short(self) -> None:
        source = self._source(io.BytesIO(b'01234'), CONTENT_LENGTH='10')
        self.assertEqual(b'01234', source.read(100))
        self.assertRaises(errors.ClientDisconnected, source.read, 100)

    def test_errors_of_servers(self) -> None:
        for raised, wanted in (
            (ConnectionResetError(), errors.ClientDisconnected),
            (OSError(), errors.ClientDisconnected),
            (TimeoutError(), errors.ClientTooSlow),
            (ValueError(), errors.Invalid),
            (KeyError(), KeyError),
        ):
            for environ in ({'CONTENT_LENGTH': '10'}, {'HTTP_TRANSFER_ENCODING': 'chunked'}):
                self.assertRaises(wanted, self._source(_Failing(raised), **environ).read, 10)

    def test_bodies_go_where_they_are_wanted(self) -> None:
        for source in (io.BytesIO(b'0123456789more'), _Reading(b'0123456789more')):
            found = self._source(source, CONTENT_LENGTH='10')
            buffer = memoryview(bytearray(7))
            counts = [found.readinto(buffer), found.readinto(buffer[4:]), found.readinto(buffer)]
            self.assertEqual(([7, 3, 0], b'0123789'), (counts, bytes(buffer)))

    def test_short_or_failing_bodies_where_they_are_wanted(self) -> None:
        source = self._source(io.BytesIO(b'01'), CONTENT_LENGTH='10')
        buffer = memoryview(bytearray(7))
        self.assertEqual(2, source.readinto(buffer))
        self.assertRaises(errors.ClientDisconnected, source.readinto, buffer)
        source = self._source(_Failing(TimeoutError()), CONTENT_LENGTH='10')
        self.assertRaises(errors.ClientTooSlow, source.readinto, buffer)

    def test_large_bodies_of_uwsgi_come_from_its_buffer_and_then_from_the_connection(self) -> None:
        uwsgi = self.useFixture(Uwsgi(socket_timeout=b'0'))
        first, rest = bytes(range(200)) * 5, b'rest' * 500
        for read in (self._read_into, self._read):
            source = self._source(_Reading(first), CONTENT_LENGTH=str(3 << 20))
            uwsgi.client.sendall(rest)
            self.assertEqual(first + rest, b''.join(read(source, size) for size in (700, 900, 1500, 500)))
        self.assertRaises(errors.ClientTooSlow, source.read, 10)
        uwsgi.client.close()
        self.assertRaises(errors.ClientDisconnected, source.readinto, memoryview(bytearray(10)))

    @staticmethod
    def _read_into(source: Any, size: int) -> bytes:
        buffer = memoryview(bytearray(size))
        return bytes(buffer[: source.readinto(buffer)])

    @staticmethod
    def _read(source: Any, size: int) -> bytes:
        return bytes(source.read(size))

    def test_chunks_of_the_server(self) -> None:
        source = self._source(io.BytesIO(b'0123456789'), HTTP_TRANSFER_ENCODING='Chunked')
        self.assertEqual([b'0123', b'456789', b''], [source.read(size) for size in (4, 100, 100)])

    def test_chunks_of_uwsgi(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.api.body.uwsgi', _Uwsgi(b'0123456', b'7', b'')))
        source = self._source(None, HTTP_TRANSFER_ENCODING='chunked')
        self.assertEqual([b'0123', b'456', b'7', b'', b''], [source.read(4) for _number in range(5)])

    def test_chunks_of_uwsgi_break_off(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.api.body.uwsgi', _Uwsgi(b'01', OSError())))
        source = self._source(None, HTTP_TRANSFER_ENCODING='chunked')
        self.assertEqual(b'01', source.read(4))
        self.assertRaises(errors.ClientDisconnected, source.read, 4)
