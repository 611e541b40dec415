# SPDX-License-Identifier: Apache-2.0
"""Bodies and stops under every server that is documented, with the files that are shipped for it."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import requests

from glance_clone.tests import base
from glance_clone.tests.fixtures import process
from glance_clone.tests.functional.server import fixture

_CHUNK = 300_000


class _Bodies:
    """The tests; the classes below say where they run."""

    server: fixture.Server
    launcher: str
    #: What the application sees of malformed chunks.
    malformed = 'Invalid after 0'

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.server = cls.share(fixture.Server(cls.launcher))

    def _put(self, data: Any) -> str:
        answer = requests.put(f'http://127.0.0.1:{self.server.port}/read', data=data, timeout=30)
        self.assertEqual(200, answer.status_code, answer.text)
        return answer.text

    def test_no_eventlet(self) -> None:
        answer = requests.get(f'http://127.0.0.1:{self.server.port}/pid', timeout=30).text
        self.assertEqual(self.launcher == fixture.STANDALONE, answer.split()[-1] == 'True')

    def test_bodies_of_known_length(self) -> None:
        for size in (0, 1, 65536, 65537, 5_000_000):
            data = os.urandom(size)
            self.assertEqual(f'{size} {hashlib.md5(data).hexdigest()}\n', self._put(data))

    def test_bodies_in_chunks(self) -> None:
        """Chunks are smaller and larger than the blocks that the application asks for."""
        for sizes in ((), (1,), (1, 2, 3), (_CHUNK, 7, _CHUNK), (65536, 65536)):
            pieces = [os.urandom(size) for size in sizes]
            data = b''.join(pieces)
            self.assertEqual(f'{len(data)} {hashlib.md5(data).hexdigest()}\n', self._put(iter(pieces)))

    def _break_off(self, head: bytes, body: bytes) -> list[str]:
        """Return what the application told of a body that breaks off."""
        before = len(self.server.seen())
        connection = self.server.connect()
        connection.sendall(b'PUT /read HTTP/1.1\r\nHost: image\r\n' + head + b'\r\n' + body)
        connection.shutdown(socket.SHUT_WR)
        with connection:
            fixture.everything(connection)

        def told() -> list[str]:
            return [line for line in self.server.seen()[before:] if ' /read' not in line]

        return list(process.wait_until(told, 10, 'the application notices'))  # type: ignore[call-overload]

    def test_broken_off_length(self) -> None:
        for body in (b'', b'x' * 100, b'x' * 70_000):
            (line,) = self._break_off(b'Content-Length: 100000\r\n', body)
            self.assertTrue(line.startswith('ClientDisconnected after '), line)

    def test_broken_off_chunks(self) -> None:
        for body in (b'', b'5\r\nhel', b'5\r\nhello\r\n', b'5\r\nhello\r\n186a0\r\n' + b'x' * 70_000):
            (line,) = self._break_off(b'Transfer-Encoding: chunked\r\n', body)
            self.assertTrue(line.startswith('ClientDisconnected after '), (line, body[:20]))

    def test_malformed_chunks(self) -> None:
        (line,) = self._break_off(b'Transfer-Encoding: chunked\r\n', b'5\r\nhello\r\nzz\r\nworld\r\n0\r\n\r\n')
        self.assertEqual(self.malformed, line)


class StandaloneBodiesTest(_Bodies, base.TestCase):
    """The standalone server."""

    launcher = fixture.STANDALONE


class UwsgiBodiesTest(_Bodies, base.TestCase):
    """uWSGI."""

    launcher = fixture.UWSGI
    # Its interface hands over chunks until an empty one.
    malformed = 'read 5'


class GunicornBodiesTest(_Bodies, base.TestCase):
    """gunicorn."""

    launcher = fixture.GUNICORN


class StopTest(base.TestCase):
    """A signal to stop lets transfers finish (R12)."""

    def _stop_during_transfers(self, launcher: str) -> None:
        server = self.useFixture(fixture.Server(launcher))
        url = f'http://127.0.0.1:{server.port}'
        uploads: list[str] = []

        def body() -> Iterator[bytes]:
            for _number in range(20):
                yield b'x' * 1000
                time.sleep(0.1)

        upload = threading.Thread(target=lambda: uploads.append(requests.put(f'{url}/read', data=body(), timeout=30).text))
        upload.start()
        download = requests.get(f'{url}/drip/20', stream=True, timeout=30)
        process.wait_until(lambda: 'PUT /read' in server.seen(), 10, 'upload begins')
        server.process.stop()
        self.assertEqual('19', download.text.split()[-1])
        upload.join(10)
        self.assertTrue(uploads[0].startswith('20000 '), uploads)

    def test_uwsgi(self) -> None:
        self._stop_during_transfers(fixture.UWSGI)

    def test_gunicorn(self) -> None:
        self._stop_during_transfers(fixture.GUNICORN)
