# SPDX-License-Identifier: Apache-2.0
"""A database that is away while data comes in: what needs it is told so soon, and no data that came in is lost (R8)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import ClassVar

import requests

from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_BLOCK = os.urandom(1024 * 1024)
#: Longer than a request waits for the database.
_AWAY = 7


class DatabaseOutageTest(base.ServiceTestCase):
    """The database is killed in the middle of transfers, and started again after they have ended."""

    server: ClassVar[database.MariaDBServer]

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        cls.server = cls.share(database.MariaDBServer())
        return service.Service(cls.share(database.MariaDB(server=cls.server)).url)

    def test_data_outlives_the_database(self) -> None:
        self.killed = threading.Event()
        self.addCleanup(self.killed.set)
        self.statuses: dict[str, int] = {}
        images = {kind: self.create() for kind in ('file', 'stage')}
        threads = [threading.Thread(target=self._send, args=(images[kind], kind)) for kind in images]
        for thread in threads:
            thread.start()
        self.wait_for_status(images['file'], 'saving')
        self.wait_for_status(images['stage'], 'uploading')
        self.server.kill()
        self.killed.set()
        self._assert_away()
        self.server.start()
        for thread in threads:
            thread.join(base.TIMEOUT)
        self.assertEqual({'file': 204, 'stage': 204}, self.statuses)
        self.assertEqual(_BLOCK * 2, self.download(images['file']).content)
        self.assertEqual(2 * len(_BLOCK), self.show(images['stage'])['size'])
        self.assert_no_traceback()

    def _send(self, image_id: str, kind: str) -> None:
        def body() -> Iterator[bytes]:
            yield _BLOCK
            self.killed.wait()
            yield _BLOCK

        headers = {'Content-Type': 'application/octet-stream'}
        answer = self.request('alice', 'PUT', f'/v2/images/{image_id}/{kind}', data=body(), headers=headers)
        self.statuses[kind] = answer.status_code

    def _assert_away(self) -> None:
        """Assert that requests are answered soon all the while."""
        until = time.monotonic() + _AWAY
        while time.monotonic() < until:
            answer: requests.Response = self.request('alice', 'GET', '/v2/images')
            self.assertEqual((503, True), (answer.status_code, 'Retry-After' in answer.headers))
            self.assertLess(answer.elapsed.total_seconds(), 6)
