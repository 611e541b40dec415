# SPDX-License-Identifier: Apache-2.0
"""Heads of requests."""

from __future__ import annotations

import time

from glance_clone.server.limits import Limits
from glance_clone.server.reader import ClientGone
from glance_clone.server.reader import ClientSlow
from glance_clone.server.reader import FramingError
from glance_clone.server.request_head import Head
from glance_clone.server.request_head import read_head
from glance_clone.tests import base
from glance_clone.tests.unit.server import clients


class ReadHeadTest(base.TestCase):
    """What is understood; what is refused is tested with the whole server, too."""

    def _read(self, raw: bytes, seconds: float = 5, **limits: int) -> Head:
        pair = self.useFixture(clients.Pair())
        pair.say(raw)
        return read_head(pair.reader, Limits(**limits), time.monotonic() + seconds)

    def _refused(self, raw: bytes, **limits: int) -> int:
        return self.assertRaises(FramingError, self._read, raw, **limits).status

    def test_parts(self) -> None:
        head = self._read(b'PATCH /v2/a%20b?x=1 HTTP/1.1\r\nHost: h\r\nX-A:  b c \t\r\n\r\nrest')
        self.assertEqual(('PATCH', '/v2/a%20b?x=1', '1.1'), (head.method, head.target, head.version))
        self.assertEqual([('Host', 'h'), ('X-A', 'b c')], head.fields)
        self.assertEqual('PATCH /v2/a%20b?x=1 HTTP/1.1', head.line)
        self.assertEqual((0, True, False), (head.length, head.persistent, head.expects_continue))

    def test_bodies(self) -> None:
        for field, length in ((b'Content-Length: 0', 0), (b'content-length:007', 7), (b'Transfer-Encoding: CHUNKED', None)):
            self.assertEqual(length, self._read(b'PUT / HTTP/1.1\r\nHost: h\r\n%b\r\n\r\n' % field).length)

    def test_persistence(self) -> None:
        for version, field, wanted in (
            (b'1.1', b'X: y', True),
            (b'1.1', b'Connection: close', False),
            (b'1.1', b'Connection: keep-alive, CLOSE', False),
            (b'1.0', b'X: y', False),
            (b'1.0', b'Connection: Keep-Alive', True),
            (b'1.0', b'Connection: keep-alive, close', False),
        ):
            head = self._read(b'GET / HTTP/%b\r\nHost: h\r\n%b\r\n\r\n' % (version, field))
            self.assertEqual(wanted, head.persistent, (version, field))

    def test_expectations(self) -> None:
        expect = b'\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n'
        self.assertTrue(self._read(b'PUT / HTTP/1.1' + expect).expects_continue)
        self.assertFalse(self._read(b'PUT / HTTP/1.0' + expect).expects_continue)

    def test_limits(self) -> None:
        line = b'GET / HTTP/1.1\r\nHost: h\r\nX: ' + b'y' * 95 + b'\r\n\r\n'
        self._read(line, head_line=100, head_size=109, head_fields=2)
        self.assertEqual(431, self._refused(line, head_line=99))
        self.assertEqual(431, self._refused(line, head_size=108))
        self.assertEqual(431, self._refused(line, head_fields=1))
        self.assertEqual(414, self._refused(line, head_line=15))

    def test_connection_ends(self) -> None:
        for raw in (b'', b'GET / HT', b'GET / HTTP/1.1\r\nHost: h\r\n'):
            self.assertRaises(ClientGone, self._read, raw)

    def test_connection_stalls(self) -> None:
        pair = self.useFixture(clients.Pair())
        pair.client.sendall(b'GET / HTTP/1.1\r\nHost')
        begin = time.monotonic()
        self.assertRaises(ClientSlow, read_head, pair.reader, Limits(), begin + 0.2)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertGreaterEqual(pair.reader.waited, 0.19)

    def test_next_request_stays(self) -> None:
        pair = self.useFixture(clients.Pair())
        pair.say(b'GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n')
        deadline = time.monotonic() + 5
        self.assertEqual('/1', read_head(pair.reader, Limits(), deadline).target)
        self.assertTrue(pair.reader.buffered)
        self.assertEqual('/2', read_head(pair.reader, Limits(), deadline).target)
        self.assertFalse(pair.reader.buffered)
