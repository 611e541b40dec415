# SPDX-License-Identifier: Apache-2.0
"""What a project may keep in stores, under the running service with its two worker processes (D-8, R10)."""

from __future__ import annotations

import concurrent.futures
import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.functional import base

_KB = 1024
_QUOTA = 1000 * _KB
_TTL = 3


def _chunks(size: int, piece: int = 16 * _KB) -> Iterator[bytes]:
    """Yield so many bytes, without telling beforehand how many."""
    for start in range(0, size, piece):
        yield b'x' * min(piece, size - start)


class StorageQuotaTest(base.ServiceTestCase):
    """``user_storage_quota``."""

    options = {
        'DEFAULT': {'user_storage_quota': '1000KB', 'enabled_backends': 'fast:file,cheap:file'},
        'cheap': {'filesystem_store_datadir': '${STATE_DIR}/cheap'},
        'leases': {'ttl': _TTL, 'heartbeat_interval': 1, 'sweep_interval': 1},
    }

    def stored(self, who: str = 'alice') -> int:
        """Return the bytes of all images of somebody's project."""
        answer = self.request(who, 'GET', f'/v2/images?limit=1000&owner={self.personas.project(who)}')
        return sum(image['size'] or 0 for image in answer.json()['images'])

    def held(self) -> int:
        """Return the bytes that are reserved in all projects."""
        with contextlib.closing(sqlite3.connect(self.service.database.removeprefix('sqlite:///'))) as connection:
            return int(connection.execute('SELECT COALESCE(SUM(stored_bytes), 0) FROM glance_clone_leases').fetchone()[0])

    def send(self, size: int, chunked: bool = False, who: str = 'alice', image_id: str | None = None) -> int:
        """Create an image with data; return the status of the upload."""
        image_id = image_id or self.create(who)
        answer = self.upload(image_id, _chunks(size) if chunked else b'x' * size, who)
        if answer.status_code != 204:
            self.assert_nothing_left(image_id)
        return answer.status_code

    def test_up_to_the_limit_and_not_beyond(self) -> None:
        self.assertEqual(204, self.send(600 * _KB))
        self.assertEqual(413, self.send(400 * _KB + 1))
        self.assertEqual(204, self.send(400 * _KB))
        self.assertEqual(413, self.send(1))
        self.assertEqual(204, self.send(0))
        self.assertEqual(204, self.send(_QUOTA, who='bob'))

    def test_data_of_unknown_size(self) -> None:
        self.assertEqual(204, self.send(600 * _KB, chunked=True))
        self.assertEqual(413, self.send(400 * _KB + 1, chunked=True))
        self.assertEqual(204, self.send(400 * _KB, chunked=True))
        self.assertEqual(413, self.send(1, chunked=True))
        self.assertEqual(_QUOTA, self.stored())

    def test_refused_without_reading(self) -> None:
        """Bytes that are announced and do not fit are not waited for."""
        image_id = self.create()
        headers = {'x-openstack-image-size': str(_QUOTA + 1)}
        self.assertEqual(413, self.upload(image_id, _chunks(4 * _KB), headers=headers).status_code)
        self.assert_nothing_left(image_id)
        self.assertIn('user_storage_quota', self.show(image_id)['os_glance_upload_error'])

    def test_the_owner_is_charged(self) -> None:
        """An administrator who sends data for somebody fills the quota of that project."""
        theirs = self.create('admin', owner=self.personas.project('alice'))
        self.assertEqual(413, self.send(_QUOTA + 1, who='admin', image_id=theirs))
        self.assertEqual(204, self.send(_QUOTA, who='admin', image_id=theirs))
        self.assertEqual(413, self.send(1))
        self.assertEqual(204, self.send(_QUOTA, who='admin'))

    def test_deleting_makes_room(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.send(_QUOTA, image_id=image_id))
        self.assertEqual(413, self.send(1))
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(204, self.send(_QUOTA))

    def test_failures_take_nothing(self) -> None:
        for _time in range(3):
            image_id = self.create(disk_format='qcow2')
            self.assertEqual(415, self.upload(image_id, b'not a qcow2' * 50_000).status_code)
        self.assertEqual(204, self.send(_QUOTA))

    def test_twenty_at_once(self) -> None:
        for chunked in (False, True):
            images = [self.create() for _number in range(20)]
            with concurrent.futures.ThreadPoolExecutor(20) as pool:
                sending = [pool.submit(self.send, 140 * _KB, chunked, 'alice', image_id) for image_id in images]
                seen = self.stored()
                statuses = sorted(each.result() for each in sending)
            self.assertLessEqual(seen, _QUOTA)
            self.assertLessEqual(self.stored(), _QUOTA)
            self.assertEqual({204, 413}, set(statuses), statuses)
            if not chunked:
                self.assertEqual(7, statuses.count(204), statuses)
            for image_id in images:
                self.request('alice', 'DELETE', f'/v2/images/{image_id}')
        self.assertEqual(204, self.send(_QUOTA))
        self.assert_no_traceback()

    def copy(self, image_id: str) -> dict[str, Any]:
        """Copy an image into every store; return it when that is over."""
        body = {'method': {'name': 'copy-image'}, 'all_stores': True, 'all_stores_must_succeed': False}
        answer = self.request('admin', 'POST', f'/v2/images/{image_id}/import', json=body)
        self.assertEqual(202, answer.status_code, answer.text)
        process.wait_until(lambda: 'os_glance_import_task' not in self.show(image_id), 30, 'the copy is made')
        return self.show(image_id)

    def test_copies_count(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.send(400 * _KB, image_id=image_id))
        self.assertEqual({'fast', 'cheap'}, set(self.copy(image_id)['stores'].split(',')))
        self.assertEqual(413, self.send(300 * _KB))
        other = self.create()
        self.assertEqual(204, self.send(150 * _KB, image_id=other))
        image = self.copy(other)
        self.assertEqual(('fast', 'cheap'), (image['stores'], image['os_glance_failed_import']))
        self.assertEqual(204, self.send(50 * _KB))

    def import_into_both(self, size: int, must_succeed: bool) -> dict[str, Any]:
        """Stage data, import it into both stores, and return the image when that is over."""
        image_id = self.create()
        headers = {'Content-Type': 'application/octet-stream'}
        answer = self.request('alice', 'PUT', f'/v2/images/{image_id}/stage', data=bytes(size), headers=headers)
        self.assertEqual(204, answer.status_code, answer.text)
        body = {'method': {'name': 'glance-direct'}, 'stores': ['fast', 'cheap'], 'all_stores_must_succeed': must_succeed}
        answer = self.request('alice', 'POST', f'/v2/images/{image_id}/import', json=body)
        self.assertEqual(202, answer.status_code, answer.text)
        process.wait_until(lambda: 'os_glance_import_task' not in self.show(image_id), 30, 'the import ended')
        return self.show(image_id)

    def test_an_import_fails_in_the_store_for_which_there_is_no_room(self) -> None:
        for must_succeed, size, failed in ((True, 600, 'cheap'), (True, 1100, 'fast'), (False, 1100, 'cheap,fast')):
            image = self.import_into_both(size * _KB, must_succeed)
            self.assertEqual(failed, image['os_glance_failed_import'])
            self.assertEqual('', image['os_glance_importing_to_stores'])
            self.assert_nothing_left(image['id'])

    def test_what_a_dead_worker_held_comes_back(self) -> None:
        image_id = self.create()
        stop = threading.Event()
        self.addCleanup(stop.set)

        def body() -> Iterator[bytes]:
            yield from _chunks(800 * _KB)
            stop.wait(20)

        def upload() -> None:
            with contextlib.suppress(requests.RequestException):
                self.upload(image_id, body())

        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        process.wait_until(lambda: self.held() >= 800 * _KB, 10, 'the upload holds its bytes')
        self.assertEqual(413, self.send(400 * _KB))
        self.service.kill_workers()
        process.wait_until(lambda: self.send(400 * _KB) == 204, _TTL + 15, 'the bytes are given back', interval=0.5)


class MariaDBStorageQuotaTest(base.ServiceTestCase):
    """The same race on MariaDB."""

    database = 'mariadb'
    options = {'DEFAULT': {'user_storage_quota': '1000KB'}}

    def test_twenty_at_once(self) -> None:
        images = [self.create() for _number in range(20)]
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            statuses = [answer.status_code for answer in pool.map(lambda i: self.upload(i, b'x' * 140 * _KB), images)]
        self.assertEqual([204] * 7 + [413] * 13, sorted(statuses))
        self.assert_no_traceback()
