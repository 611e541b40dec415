# SPDX-License-Identifier: Apache-2.0
"""Files sent by the kernel are the bytes asked for, and nothing else."""

from __future__ import annotations

import os
import time

import requests

from glance_clone.tests import base
from glance_clone.tests.functional.server import fixture

_SIZE = 9 * 1024 * 1024 + 77


class FileTest(base.TestCase):
    """``wsgi.file_wrapper`` on a plain connection."""

    options: dict[str, object] = {}

    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(fixture.Server(options=self.options))
        self.data = os.urandom(_SIZE)
        self.server.file.write_bytes(self.data)

    def get(self, offset: int, length: int, **kwargs: object) -> requests.Response:
        url = f'http://127.0.0.1:{self.server.port}/file/{offset}/{length}'
        return requests.get(url, timeout=30, **kwargs)  # type: ignore[arg-type]

    def test_parts(self) -> None:
        for offset, length in ((0, _SIZE), (0, 1), (1, 65536), (4096, 3_000_001), (_SIZE - 5, 5), (0, 0)):
            answer = self.get(offset, length)
            self.assertEqual(length, len(answer.content))
            self.assertTrue(self.data[offset : offset + length] == answer.content, (offset, length))

    def test_connection_goes_on_after_a_part(self) -> None:
        request = b'GET /file/100/5 HTTP/1.1\r\nHost: image\r\n'
        answers = self.server.talk(request + b'\r\n' + request + b'Connection: close\r\n\r\n')
        self.assertEqual([200, 200], fixture.statuses(answers))
        self.assertEqual(2, answers.count(b'\r\n\r\n' + self.data[100:105]))

    def test_file_that_ends_early(self) -> None:
        answer = self.server.talk(b'GET /file/%d/50 HTTP/1.1\r\nHost: image\r\n\r\n' % (_SIZE - 10))
        self.assertTrue(answer.endswith(b'\r\n\r\n' + self.data[-10:]))
        self.assertIn('40 bytes less than it announced', self.server.log())

    def test_slow_reader(self) -> None:
        with self.get(0, _SIZE, stream=True) as answer:
            received = bytearray()
            for block in answer.iter_content(512 * 1024):
                received += block
                time.sleep(0.02)
        self.assertTrue(self.data == received)

    def test_reader_goes_away(self) -> None:
        with self.server.connect() as connection:
            connection.sendall(b'GET /file/0/%d HTTP/1.1\r\nHost: image\r\n\r\n' % _SIZE)
            connection.recv(1000)
        self.assertTrue(self.data == self.get(0, _SIZE).content)
        self.assertNotIn('Traceback', self.server.log())
