# SPDX-License-Identifier: Apache-2.0
"""Locations that are added in the background: the image becomes active, or stays as it was (W-13, P1, P4, R3)."""

from __future__ import annotations

import hashlib
import threading
from concurrent import futures
from typing import Any

import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.functional import base
from glance_clone.tests.unit.transfer import disks

DATA = bytes(range(256)) * 3000
SHA256 = hashlib.sha256(DATA).hexdigest()
_PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
_OPTIONS: dict[str, dict[str, object]] = {
    'DEFAULT': {'enabled_backends': 'fast:file,web:http', 'http_retries': 1, 'user_storage_quota': '2MB'},
    'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
    'leases': {'ttl': 6, 'heartbeat_interval': 2, 'sweep_interval': 2},
}


class _TestCase(base.ServiceTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(HostileServer())

    def serve(self, path: str, data: bytes = DATA) -> str:
        self.server.paths[path] = sends(answer(data))
        return self.server.url + path

    def add(self, image_id: str, url: str, who: str = 'alice', **values: Any) -> requests.Response:
        return self.request(who, 'POST', f'/v2/images/{image_id}/locations', json={'url': url, **values})

    def accepted(self, image_id: str, url: str, **values: Any) -> None:
        answered = self.add(image_id, url, **values)
        self.assertEqual((202, b''), (answered.status_code, answered.content), answered.text)

    def settled(self, image_id: str) -> dict[str, Any]:
        """Wait until no task works on the image; return it."""
        process.wait_until(lambda: 'os_glance_import_task' not in self.show(image_id), 20, 'end of the task', interval=0.1)
        return self.show(image_id)

    def locations(self, image_id: str) -> list[str]:
        answered = self.request('admin', 'GET', f'/v2/images/{image_id}/locations')
        return [location['url'] for location in answered.json()]

    def task(self, image_id: str) -> dict[str, Any]:
        (task,) = self.request('alice', 'GET', f'/v2/images/{image_id}/tasks').json()['tasks']
        return dict(task)


class LocationAddingTest(_TestCase):
    """With hashes, as is the default."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        return service.Service(database_url, cls.launcher, _OPTIONS)

    def assert_refused(self, image_id: str, reason: str) -> None:
        image = self.settled(image_id)
        known = {name: image[name] for name in ('status', 'size', 'checksum', 'os_hash_algo', 'os_hash_value')}
        self.assertEqual({'status': 'queued'} | dict.fromkeys(['size', 'checksum', 'os_hash_algo', 'os_hash_value']), known)
        self.assertEqual([], self.locations(image_id))
        task = self.task(image_id)
        self.assertEqual('failure', task['status'])
        self.assertIn(reason, task['message'])

    def test_without_hash(self) -> None:
        image_id, url = self.create(), self.serve('/a')
        self.accepted(image_id, url)
        image = self.settled(image_id)
        self.assertEqual(('active', len(DATA), None), (image['status'], image['size'], image['virtual_size']))
        self.assertEqual(hashlib.md5(DATA).hexdigest(), image['checksum'])
        self.assertEqual(('sha512', hashlib.sha512(DATA).hexdigest()), (image['os_hash_algo'], image['os_hash_value']))
        self.assertEqual([], [name for name in image if name.startswith('os_glance')])
        self.assertEqual([url], self.locations(image_id))
        self.assertEqual(DATA, self.download(image_id).content)
        task = self.task(image_id)
        self.assertEqual(('success', 'location_import'), (task['status'], task['type']))
        self.assertNotIn(self.server.url, str(task))
        self.assert_no_traceback()

    def test_with_the_right_hash(self) -> None:
        image_id, url = self.create(), self.serve('/a')
        self.accepted(image_id, url, validation_data={'os_hash_algo': 'sha256', 'os_hash_value': SHA256.upper()})
        image = self.settled(image_id)
        self.assertEqual(('active', 'sha256', SHA256), (image['status'], image['os_hash_algo'], image['os_hash_value']))
        self.assertEqual(hashlib.md5(DATA).hexdigest(), image['checksum'])

    def test_with_another_hash(self) -> None:
        image_id, url = self.create(), self.serve('/a')
        self.accepted(image_id, url, validation_data={'os_hash_algo': 'sha256', 'os_hash_value': 'ab' * 32})
        self.assert_refused(image_id, 'sha256')
        self.accepted(image_id, url)
        image = self.settled(image_id)
        self.assertEqual('active', image['status'], 'the next try works')
        self.assertNotIn('os_glance_import_error', image)

    def test_what_cannot_be_had(self) -> None:
        for url, reason in ((self.server.url + '/nothing', 'read'), (self.serve('/empty', b''), 'no data')):
            image_id = self.create()
            self.accepted(image_id, url)
            self.assert_refused(image_id, reason)

    def test_formats_are_needed(self) -> None:
        image_id = self.create(disk_format=None)
        self.accepted(image_id, self.serve('/a'))
        self.assert_refused(image_id, 'disk_format')

    def test_dangerous_data(self) -> None:
        disk = disks.qcow2(backing=5)
        value = {'os_hash_algo': 'sha256', 'os_hash_value': hashlib.sha256(disk).hexdigest()}
        for validation_data in ({}, value):
            image_id = self.create(disk_format='qcow2')
            self.accepted(image_id, self.serve('/a', disk), validation_data=validation_data)
            self.assert_refused(image_id, 'not safe')

    def test_no_room_for_the_owner(self) -> None:
        data = bytes(3 << 20)
        value = {'os_hash_algo': 'sha256', 'os_hash_value': hashlib.sha256(data).hexdigest()}
        for validation_data in ({}, value):
            image_id = self.create()
            self.accepted(image_id, self.serve('/a', data), validation_data=validation_data)
            self.assert_refused(image_id, 'user_storage_quota')

    def test_services_name_data_in_other_stores(self) -> None:
        image_id = self.create(visibility='community')
        for who, status in (('alice', 403), ('admin', 403)):
            self.assertEqual(status, self.add(image_id, 'rbd://fsid/pool/image/snap', who).status_code)
        for url in ('rbd://fsid/pool/image/snap', 'file:///etc/passwd', 'FILE:///etc/passwd'):
            image_id = self.create()
            helped = {'X-Service-Roles': 'service'}
            path = f'/v2/images/{image_id}/locations'
            answered = self.request('alice', 'POST', path, json={'url': url}, headers=helped)
            self.assertEqual(202, answered.status_code)
            self.assert_refused(image_id, '')

    def test_what_is_refused_at_once(self) -> None:
        image_id, url = self.create(), self.serve('/a')
        bad: list[Any] = [
            {}, {'url': None}, {'url': 5}, {'url': ''}, [], {'url': 'http://169.254.169.254/'}, {'url': 'http://127.0.0.2/'},
            {'url': url.replace('://', '://user:hush@')}, {'url': url, 'validation_data': None},
            {'url': url, 'validation_data': {'os_hash_algo': 'sha256'}},
            {'url': url, 'validation_data': {'os_hash_algo': 'sha384', 'os_hash_value': 'ab' * 48}},
            {'url': url, 'validation_data': {'os_hash_algo': 'sha256', 'os_hash_value': 'zz' * 32}},
            {'url': url, 'validation_data': {'os_hash_algo': 'sha256', 'os_hash_value': 'ab'}},
            {'url': url, 'validation_data': {'os_hash_algo': 'md5', 'os_hash_value': 'ab' * 16, 'checksum': 'x'}},
        ]  # fmt: skip
        for document in bad:
            answered = self.request('alice', 'POST', f'/v2/images/{image_id}/locations', json=document)
            self.assertEqual(400, answered.status_code, (document, answered.text))
            self.assertNotIn('hush', answered.text)
        self.assertEqual([], self.server.heads, 'nothing was contacted')
        self.assertEqual(404, self.add(image_id, url, 'bob').status_code)
        self.assertEqual(403, self.add(image_id, url, 'reader').status_code)
        self.accepted(image_id, url)
        self.settled(image_id)
        self.assertEqual(409, self.add(image_id, url).status_code)

    def _stalled(self) -> tuple[str, threading.Event]:
        """Serve data whose second half waits for an event; return where."""
        go_on = threading.Event()

        def behave(connection: Any) -> None:
            whole = answer(DATA)
            connection.sendall(whole[: len(whole) // 2])
            go_on.wait(30)
            connection.sendall(whole[len(whole) // 2 :])

        self.server.paths['/slow'] = behave
        self.addCleanup(go_on.set)
        return self.server.url + '/slow', go_on

    def test_one_at_a_time(self) -> None:
        image_id = self.create()
        url, go_on = self._stalled()
        self.accepted(image_id, url, validation_data={'os_hash_algo': 'sha256', 'os_hash_value': SHA256})
        self.wait_for_status(image_id, 'importing')
        self.assertEqual(409, self.add(image_id, url).status_code)
        self.assertEqual(409, self.upload(image_id, b'x').status_code)
        go_on.set()
        self.assertEqual('active', self.settled(image_id)['status'])

    def test_one_of_many_wins(self) -> None:
        image_id, url = self.create(), self.serve('/a')
        with futures.ThreadPoolExecutor(6) as pool:
            statuses = sorted(pool.map(lambda _: self.add(image_id, url).status_code, range(6)))
        self.assertEqual([202, *[409] * 5], statuses)
        self.assertEqual('active', self.settled(image_id)['status'])
        self.assertEqual([url], self.locations(image_id))
        self.assert_no_traceback()

    def test_delete_ends_the_hashing(self) -> None:
        image_id = self.create()
        url, go_on = self._stalled()
        self.accepted(image_id, url, validation_data={'os_hash_algo': 'sha256', 'os_hash_value': SHA256})
        self.wait_for_status(image_id, 'importing')
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        go_on.set()
        tasks = '/v2/tasks?type=import'
        self.assertEqual(200, self.request('admin', 'GET', tasks).status_code)
        self.assertEqual(404, self.request('alice', 'GET', f'/v2/images/{image_id}').status_code)
        self.assert_no_traceback()

    def test_a_worker_that_dies(self) -> None:
        image_id = self.create()
        url, go_on = self._stalled()
        self.accepted(image_id, url, validation_data={'os_hash_algo': 'sha256', 'os_hash_value': SHA256})
        self.wait_for_status(image_id, 'importing')
        self.service.kill_workers()
        process.wait_until(self._answers, 20, 'new workers', interval=0.2)
        self.wait_for_status(image_id, 'queued', 30)
        self.assert_refused(image_id, 'interrupted')
        go_on.set()
        self.accepted(image_id, self.serve('/a'))
        self.assertEqual('active', self.settled(image_id)['status'])

    def _answers(self) -> bool:
        try:
            return self.request('alice', 'GET', '/v2/images').status_code == 200
        except requests.RequestException:
            return False

    def test_who_sees_locations(self) -> None:
        image_id = self.create(visibility='community')
        self.accepted(image_id, self.serve('/a'))
        self.settled(image_id)
        path = f'/v2/images/{image_id}/locations'
        statuses = {who: self.request(who, 'GET', path).status_code for who in ('alice', 'reader', 'bob', 'admin')}
        self.assertEqual({'alice': 403, 'reader': 403, 'bob': 403, 'admin': 200}, statuses)
        helped = {'X-Service-Roles': 'service'}
        self.assertEqual(403, self.request('alice', 'GET', path, headers=helped).status_code, 'only roles of the user count')
        self.assertEqual(400, self.request('admin', 'GET', path, json={}).status_code)
        shown = self.request('admin', 'GET', path).json()
        self.assertEqual([{'url': self.server.url + '/a', 'metadata': {'store': 'web'}}], shown)


class WithoutHashesTest(_TestCase):
    """Hashes that are named are noted, and others are not known."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {**_OPTIONS, 'DEFAULT': {**_OPTIONS['DEFAULT'], 'do_secure_hash': False}}
        return service.Service(database_url, cls.launcher, options)

    def test_named_and_not(self) -> None:
        wanted = {'os_hash_algo': 'sha256', 'os_hash_value': 'ab' * 32}
        for validation_data, expected in (({}, (None, None)), (wanted, ('sha256', 'ab' * 32))):
            image_id = self.create()
            self.accepted(image_id, self.serve('/a'), validation_data=validation_data)
            image = self.settled(image_id)
            self.assertEqual(('active', None), (image['status'], image['checksum']))
            self.assertEqual(expected, (image['os_hash_algo'], image['os_hash_value']))


class StandaloneTest(_TestCase):
    """Under the standalone server, whose threads are green."""

    launcher = service.STANDALONE

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        return service.Service(database_url, cls.launcher, _OPTIONS)

    def test_data_is_hashed(self) -> None:
        image_id = self.create()
        self.accepted(image_id, self.serve('/a'), validation_data={'os_hash_algo': 'sha256', 'os_hash_value': SHA256})
        image = self.settled(image_id)
        self.assertEqual(('active', SHA256), (image['status'], image['os_hash_value']))
