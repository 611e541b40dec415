# SPDX-License-Identifier: Apache-2.0
"""Clients that are slow, on purpose or not: each is given up in time, and meanwhile others are served (F11)."""

from __future__ import annotations

import socket
import statistics
import time

import requests

from glance_clone.tests import base
from glance_clone.tests.functional.server import fixture

_HEAD = b'PUT /read HTTP/1.1\r\nHost: image\r\n'


class SlowClientsTest(base.TestCase):
    """Limits of a second or two."""

    server: fixture.Server

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        options = {
            'client_header_timeout': 2,
            'client_body_timeout': 1,
            'client_write_timeout': 1,
            'http_keepalive_idle': 1,
            'http_keepalive_requests': 3,
        }
        cls.server = cls.share(fixture.Server(options=options))

    def _connect(self, raw: bytes) -> socket.socket:
        connection = self.server.connect()
        self.addCleanup(connection.close)
        connection.sendall(raw)
        return connection

    def _assert_ends(self, connection: socket.socket, least: float, most: float, status: int | None) -> None:
        begin = time.monotonic()
        answer = fixture.everything(connection)
        self.assertTrue(least <= time.monotonic() - begin <= most, time.monotonic() - begin)
        self.assertEqual([status] if status else [], fixture.statuses(answer))

    def test_silent_from_the_beginning(self) -> None:
        self._assert_ends(self._connect(b''), 1.5, 5, None)

    def test_head_in_drops(self) -> None:
        connection = self._connect(b'GET /first HTTP/1.1\r\nHost: image\r\n')
        begin = time.monotonic()
        try:
            while time.monotonic() - begin < 6:
                connection.sendall(b'X: y\r\n')
                time.sleep(0.2)
        except OSError:
            pass
        self.assertLess(time.monotonic() - begin, 5)
        self.assertIn('(the request took too long to arrive)" status: 408', self.server.log())

    def test_body_stops(self) -> None:
        connection = self._connect(_HEAD + b'Content-Length: 10\r\n\r\nhello')
        self._assert_ends(connection, 0.5, 5, 400)
        self.assertIn('ClientTooSlow after 0', self.server.seen())

    def test_chunk_stops(self) -> None:
        connection = self._connect(_HEAD + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhel')
        self._assert_ends(connection, 0.5, 5, 400)

    def test_body_cut(self) -> None:
        for name, framing in (
            ('length', b'Content-Length: 100003\r\n\r\n'),
            ('chunks', b'Transfer-Encoding: chunked\r\n\r\n186A3\r\n'),
        ):
            with self.subTest(name):
                connection = self._connect(_HEAD + framing + b'x' * 65536 + b'y' * 7)
                connection.shutdown(socket.SHUT_WR)
                self._assert_ends(connection, 0, 3, 400)
                self.assertIn('ClientDisconnected after 65536', self.server.seen())

    def test_answer_not_taken(self) -> None:
        self.server.file.write_bytes(bytes(32 * 1024 * 1024))
        connection = self._connect(b'GET /file/0/33554432 HTTP/1.1\r\nHost: image\r\n\r\n')
        time.sleep(3)
        begin = time.monotonic()
        received = len(fixture.everything(connection))
        self.assertLess(received, 32 * 1024 * 1024)
        self.assertLess(time.monotonic() - begin, 5)

    def test_idle_connection(self) -> None:
        connection = self._connect(b'GET /first HTTP/1.1\r\nHost: image\r\n\r\n')
        self.assertIn(b'200 OK', connection.recv(4096))
        self._assert_ends(connection, 0.5, 4, None)

    def test_requests_on_one_connection(self) -> None:
        answers = self.server.talk(b'GET /first HTTP/1.1\r\nHost: image\r\n\r\n' * 4)
        self.assertEqual([200, 200, 200], fixture.statuses(answers))
        self.assertEqual(1, answers.count(b'Connection: close'))

    def test_others_are_served_meanwhile(self) -> None:
        alone = self._time_requests()
        slow = [self._connect(b'GET /first HTTP/1.1\r\nX: ') for _number in range(150)]
        slow += [self._connect(_HEAD + b'Content-Length: 10\r\n\r\nhello') for _number in range(150)]
        among_slow = self._time_requests()
        self.assertEqual(300, len(slow))
        self.assertLess(among_slow, 2 * alone + 0.05)

    def _time_requests(self) -> float:
        """Return the median seconds of a request."""
        times = []
        for _number in range(30):
            begin = time.monotonic()
            self.assertEqual(200, requests.get(f'http://127.0.0.1:{self.server.port}/first', timeout=10).status_code)
            times.append(time.monotonic() - begin)
        return statistics.median(times)


class UnreadBodyTest(base.TestCase):
    """An answer that comes before the body was read reaches the client."""

    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(fixture.Server())
        self.url = f'http://127.0.0.1:{self.server.port}/refuse'

    def test_large_body(self) -> None:
        blocks = (bytes(1024 * 1024) for _number in range(64))
        for data in (bytes(64 * 1024 * 1024), blocks):
            answer = requests.put(self.url, data=data, timeout=30)
            self.assertEqual(409, answer.status_code)
            self.assertEqual('close', answer.headers['Connection'])

    def test_body_that_waits_for_a_word(self) -> None:
        """The word is said only when the application reads."""
        expect = b'Content-Length: 5\r\nExpect: 100-continue\r\n\r\n'
        answers = self.server.talk(b'PUT /refuse HTTP/1.1\r\nHost: image\r\n' + expect)
        self.assertEqual([409], fixture.statuses(answers))
        with self.server.connect() as connection:
            connection.sendall(_HEAD + b'Connection: close\r\n' + expect)
            self.assertEqual(b'HTTP/1.1 100 Continue\r\n\r\n', connection.recv(4096))
            connection.sendall(b'hello')
            self.assertEqual([200], fixture.statuses(fixture.everything(connection)))

    def test_application_that_fails(self) -> None:
        for path, statuses in (('broken', [500]), ('breaking', [200]), ('short', [200])):
            answer = self.server.talk(b'GET /%b HTTP/1.1\r\nHost: image\r\n\r\n' % path.encode())
            self.assertEqual(statuses, fixture.statuses(answer))
            self.assertNotIn(b'KeyError', answer)
            self.assertFalse(answer.endswith(b'\r\n0\r\n\r\n'), 'looks complete')
