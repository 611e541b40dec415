# SPDX-License-Identifier: Apache-2.0
"""Imports from beginning to end: what becomes of image, stores, staging directory and task (contract, section 3)."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import threading
from collections.abc import Callable
from typing import Any

import requests

from glance_clone.tests.fixtures import disk
from glance_clone.tests.fixtures import hostile
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import imports


class _Imports:
    """The tests; the classes below say how many stores are written to at once."""

    options = {
        **imports.ImportTestCase.options,
        'DEFAULT': {'enabled_backends': 'fast:file,cheap:file,broken:file'},
        'broken': {'filesystem_store_datadir': '/proc/no-such-place'},
        'wsgi': {'task_grace_seconds': 1},
    }

    def setUp(self) -> None:
        super().setUp()
        self.data = imports.some(2_500_000)
        self.web = self.useFixture(
            hostile.HostileServer(
                {
                    '/data': hostile.sends(hostile.answer(self.data)),
                    '/gone': hostile.sends(hostile.answer(b'x', '404 Not Found')),
                    '/slow': hostile.repeats(hostile.answer(length=1 << 30), bytes(1000), 0.2),
                }
            )
        )

    def _web(self, path: str, **more: Any) -> dict[str, Any]:
        return {'name': 'web-download', 'uri': self.web.url + path, **more}

    def assert_failed(self, image_id: str, stores: str, reason: str) -> None:
        """Assert that an import failed and left nothing but its reason."""
        image = self.wait_for_import(image_id)
        self.assertEqual(('queued', None, None), (image['status'], image['size'], image['checksum']))
        lists = (image['os_glance_importing_to_stores'], image['os_glance_failed_import'])
        self.assertEqual(('', stores), lists)
        self.assertIn(reason, image['os_glance_import_error'])
        self.assertNotIn('stores', image)
        self.assertEqual([], self.left(image_id))
        task = self.tasks(image_id)[-1]
        self.assertEqual('failure', task['status'])
        self.assertIn(reason, task['message'])
        self.assertIsNotNone(task['expires_at'])

    def test_staged_data_goes_into_all_stores(self) -> None:
        image_id = self.create()
        image = self.import_now(image_id, self.data, stores=['fast', 'cheap'])
        self.assertEqual(hashlib.sha512(self.data).hexdigest(), image['os_hash_value'])
        self.assertEqual(hashlib.md5(self.data).hexdigest(), image['checksum'])
        self.assertEqual(len(self.data), image['virtual_size'])
        self.assert_active(image_id, self.data, 'fast,cheap')

    def test_staged_data_becomes_the_object_without_a_copy(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        before = (self.service.state / 'staging' / image_id).stat()
        self.start_import(image_id)
        self.wait_for_import(image_id)
        after = (self.service.state / 'fast' / image_id).stat()
        self.assertEqual((before.st_ino, 1, 0o640), (after.st_ino, after.st_nlink, after.st_mode & 0o777))

    def test_every_copy_is_a_file_of_its_own(self) -> None:
        image_id = self.create()
        self.import_now(image_id, self.data, stores=['fast', 'cheap'])
        places = [(self.service.state / store / image_id).stat().st_ino for store in ('fast', 'cheap')]
        self.assertEqual(2, len(set(places)))

    def test_wrong_format_is_refused_and_can_be_tried_again(self) -> None:
        image_id = self.create(disk_format='qcow2')
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.start_import(image_id, stores=['fast', 'cheap'])
        self.assert_failed(image_id, 'cheap,fast', 'disk_format')
        patch = [{'op': 'replace', 'path': '/disk_format', 'value': 'raw'}]
        media_type = 'application/openstack-images-v2.1-json-patch'
        answer = self.request('alice', 'PATCH', f'/v2/images/{image_id}', json=patch, headers={'Content-Type': media_type})
        self.assertEqual(200, answer.status_code, answer.text)
        image = self.import_now(image_id, self.data)
        self.assertNotIn('os_glance_import_error', image)
        self.assert_active(image_id, self.data, 'fast')

    def test_one_failing_store_fails_all(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.start_import(image_id, stores=['fast', 'broken', 'cheap'])
        self.assert_failed(image_id, 'broken', 'store')
        self.import_now(image_id, self.data, stores=['fast', 'cheap'])
        self.assert_active(image_id, self.data, 'fast,cheap')

    def test_one_failing_store_may_be_left_out(self) -> None:
        image_id = self.create()
        image = self.import_now(image_id, self.data, stores=['broken', 'fast', 'cheap'], all_stores_must_succeed=False)
        self.assertEqual('broken', image['os_glance_failed_import'])
        self.assertIn('broken', image['os_glance_import_error'])
        self.assertEqual('success', self.tasks(image_id)[0]['status'])
        self.assert_active(image_id, self.data, 'fast,cheap')

    def test_a_store_that_is_not_set_up_takes_no_data(self) -> None:
        image_id = self.create()
        answer = self.upload(image_id, self.data, headers={'X-Image-Meta-Store': 'broken'})
        self.assertEqual(410, answer.status_code, answer.text)
        self.assert_nothing_left(image_id)

    def test_all_stores_fail(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.start_import(image_id, stores=['broken'], all_stores_must_succeed=False)
        self.assert_failed(image_id, 'broken', 'store')

    def test_download_fails_and_can_be_tried_again(self) -> None:
        image_id = self.create()
        self.assertEqual(202, self.start_import(image_id, self._web('/gone')).status_code)
        self.assert_failed(image_id, 'fast', '404')
        self.assertEqual(202, self.start_import(image_id, self._web('/data')).status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def test_expected_hash(self) -> None:
        digest = hashlib.sha256(self.data).hexdigest()
        for name, value, status in (('right', digest, 'active'), ('wrong', '0' * 64, 'queued')):
            with self.subTest(name):
                image_id = self.create()
                method = self._web('/data', os_glance_hash_algo='sha256', os_glance_hash_value=value)
                self.assertEqual(202, self.start_import(image_id, method).status_code)
                self.assertEqual(status, self.wait_for_import(image_id)['status'])
                image_id = self.create()
                self.stage(image_id, self.data)
                self.start_import(image_id, {**method, 'name': 'glance-direct'})
                self.assertEqual(status, self.wait_for_import(image_id)['status'])

    def test_copy_to_all_stores(self) -> None:
        image_id = self.create()
        self.import_now(image_id, self.data)
        copy = {'stores': ['fast']}
        self.assertEqual(400, self.start_import(image_id, 'copy-image', 'admin', **copy).status_code)
        self.assertEqual(403, self.start_import(image_id, 'copy-image', 'alice', stores=['cheap']).status_code)
        answer = self.start_import(image_id, 'copy-image', 'admin', all_stores=True, all_stores_must_succeed=False)
        self.assertEqual(202, answer.status_code, answer.text)
        image = self.wait_for_import(image_id)
        self.assertEqual(('active', 'broken'), (image['status'], image['os_glance_failed_import']))
        self.assert_active(image_id, self.data, 'fast,cheap')

    def test_copy_of_data_that_is_expected(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, self.data).status_code)
        right = hashlib.sha512(self.data).hexdigest()
        for algorithm, value, status in (('sha256', '0' * 64, 400), ('sha512', '0' * 128, 409), ('sha512', right, 202)):
            method = {'name': 'copy-image', 'os_glance_hash_algo': algorithm, 'os_glance_hash_value': value}
            answer = self.start_import(image_id, method, who='admin', stores=['cheap'])
            self.assertEqual(status, answer.status_code, answer.text)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')

    def test_copy_where_nothing_is_to_be_done(self) -> None:
        image_id = self.create()
        self.import_now(image_id, self.data, stores=['fast', 'cheap', 'broken'], all_stores_must_succeed=False)
        tasks = len(self.tasks(image_id))
        answer = self.start_import(image_id, 'copy-image', 'admin', stores=['cheap'])
        self.assertEqual(400, answer.status_code)
        self.assertEqual(tasks, len(self.tasks(image_id)))

    def test_damaged_data_is_not_copied(self) -> None:
        image_id = self.create()
        self.import_now(image_id, self.data)
        path = self.service.state / 'fast' / image_id
        path.write_bytes(self.data[:-1] + bytes([self.data[-1] ^ 1]))
        self.start_import(image_id, 'copy-image', 'admin', stores=['cheap'])
        image = self.wait_for_import(image_id)
        self.assertEqual(('active', 'cheap', 'fast'), (image['status'], image['os_glance_failed_import'], image['stores']))
        self.assertEqual([f'fast/{image_id}'], self.left(image_id))
        path.write_bytes(self.data)
        self.start_import(image_id, 'copy-image', 'admin', stores=['cheap'])
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')

    def test_a_staged_image_outlives_a_restart(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.service.restart()
        self.assertEqual(202, self.start_import(image_id).status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def test_a_download_that_a_stop_breaks_off(self) -> None:
        """The process that stops puts the image in order itself, long before the lease runs out."""
        image_id = self.create()
        self.assertEqual(202, self.start_import(image_id, self._web('/slow')).status_code)
        process.wait_until(lambda: self.left(image_id), imports.SOON, 'bytes arrive')
        self.service.restart()
        self.assert_failed(image_id, 'fast', 'stopped')
        self.assertEqual(202, self.start_import(image_id, self._web('/data')).status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def test_a_download_that_is_deleted(self) -> None:
        image_id = self.create()
        self.assertEqual(202, self.start_import(image_id, self._web('/slow')).status_code)
        process.wait_until(lambda: self.left(image_id), imports.SOON, 'bytes arrive')
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.request('alice', 'GET', f'/v2/images/{image_id}').status_code)
        process.wait_until(lambda: not self.left(image_id), imports.SOON, 'nothing is left')

    def test_a_download_that_stalls_is_deleted(self) -> None:
        self.web.paths['/stalled'] = hostile.sends(hostile.answer(length=1 << 20), bytes(1000), wait=60)
        image_id = self.create()
        self.assertEqual(202, self.start_import(image_id, self._web('/stalled')).status_code)
        process.wait_until(lambda: self.left(image_id), imports.SOON, 'it begins')
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)

        def ended() -> bool:
            return all(task['status'] == 'failure' for task in self._all_tasks() if task.get('image_id') == image_id)

        process.wait_until(ended, 15, 'its task ends')
        self.assertEqual([], self.left(image_id))

    def _all_tasks(self) -> list[dict[str, Any]]:
        stubs = self.request('admin', 'GET', '/v2/tasks').json()['tasks']
        return [self.request('admin', 'GET', stub['self']).json() for stub in stubs]

    def test_progress_of_a_download(self) -> None:
        image_id = self.create()
        size = 100_000
        self.web.paths['/paced'] = hostile.sends(hostile.answer(length=size), bytes(size // 2), 4.0, bytes(size // 2))
        self.start_import(image_id, self._web('/paced'))
        process.wait_until(lambda: self.show(image_id)['status'] == 'importing', imports.SOON, 'it begins')
        self.assertIn('os_glance_import_task', self.show(image_id))
        self.assertEqual('fast', self.show(image_id)['os_glance_importing_to_stores'])
        image = self.wait_for_import(image_id)
        self.assertEqual(('active', size), (image['status'], image['size']))
        self.assertNotIn('os_glance_import_progress', image)

    def _task(self, url: str, **properties: Any) -> dict[str, Any]:
        """Ask for an import that makes its own image; return its task at the end."""
        properties = {'disk_format': 'raw', 'container_format': 'bare', **properties}
        wanted = {'import_from': url, 'import_from_format': 'raw', 'image_properties': properties}
        answer = self.request('admin', 'POST', '/v2/tasks', json={'type': 'import', 'input': wanted})
        self.assertEqual(201, answer.status_code, answer.text)
        path = answer.json()['self']
        process.wait_until(lambda: 'expires_at' in self.request('admin', 'GET', path).json(), imports.SOON, 'it ends')
        return dict(self.request('admin', 'GET', path).json())

    def test_a_task_makes_an_image(self) -> None:
        task = self._task(f'{self.web.url}/data', name='made', colour='blue', visibility='public')
        self.assertEqual('success', task['status'])
        image = self.show(task['result']['image_id'], 'admin')
        self.assertEqual(
            ('active', 'made', 'blue', 'public'), tuple(image[n] for n in ('status', 'name', 'colour', 'visibility'))
        )
        self.assertEqual(self.personas.project('admin'), image['owner'])
        self.assert_active(image['id'], self.data, 'fast')

    def test_a_task_that_fails_leaves_no_image(self) -> None:
        for url, properties in (('/gone', {}), ('/data', {'disk_format': 'qcow2'}), ('/data', {'disk_format': 'punch card'})):
            task = self._task(f'{self.web.url}{url}', **properties)
            self.assertEqual('failure', task['status'])
            self.assertTrue(task['message'])
            if 'image_id' in task:
                self.assertEqual(404, self.request('admin', 'GET', f'/v2/images/{task["image_id"]}').status_code)
                self.assertEqual([], self.left(task['image_id']))

    def _together(self, *calls: Callable[[], requests.Response]) -> list[int]:
        """Make requests at the same time; return their statuses, sorted."""
        statuses: list[int] = []
        begin = threading.Barrier(len(calls))

        def run(call: Callable[[], requests.Response]) -> None:
            begin.wait()
            statuses.append(call().status_code)

        threads = [threading.Thread(target=run, args=(call,)) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(imports.SOON)
        return sorted(statuses)

    def test_one_of_many_imports_wins(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        statuses = self._together(*[lambda: self.start_import(image_id)] * 6)
        self.assertEqual([202] + [409] * 5, statuses)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def test_one_of_many_stagings_wins(self) -> None:
        image_id = self.create()
        statuses = self._together(*[lambda: self.stage(image_id, self.data)] * 4)
        self.assertEqual([204] + [409] * 3, statuses)
        self.start_import(image_id)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def test_import_and_upload_at_once(self) -> None:
        image_id = self.create()
        upload = lambda: self.upload(image_id, self.data)  # noqa: E731
        download = lambda: self.start_import(image_id, self._web('/data'))  # noqa: E731
        self.assertIn(self._together(upload, download), ([202, 409], [204, 409]))
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def test_import_and_delete_at_once(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        delete = lambda: self.request('alice', 'DELETE', f'/v2/images/{image_id}')  # noqa: E731
        statuses = self._together(delete, lambda: self.start_import(image_id, stores=['fast', 'cheap']))
        self.assertIn(204, statuses)
        self.assertLessEqual(set(statuses), {202, 204, 404, 409})
        self.assertEqual(404, self.request('alice', 'GET', f'/v2/images/{image_id}').status_code)
        process.wait_until(lambda: not self.left(image_id), imports.SOON, 'nothing is left')

    def test_a_client_that_breaks_off_while_staging(self) -> None:
        image_id = self.create()

        def body() -> Any:
            yield self.data
            raise ConnectionError('the client dies')

        with contextlib.suppress(ConnectionError, requests.RequestException):
            self.stage(image_id, body())
        process.wait_until(lambda: 'os_glance_upload_error' in self.show(image_id), imports.SOON, 'the failure is seen')
        self.assert_nothing_left(image_id)
        self.assertEqual([], self.left(image_id))
        self.import_now(image_id, self.data)
        self.assert_active(image_id, self.data, 'fast')

    def test_data_that_is_still_being_staged(self) -> None:
        image_id = self.create()
        early: list[requests.Response] = []

        def body() -> Any:
            yield self.data
            self.wait_for_status(image_id, 'uploading')
            early.append(self.start_import(image_id))
            yield self.data

        self.assertEqual(204, self.stage(image_id, body()).status_code)
        self.assertEqual([409], [answer.status_code for answer in early])
        self.assertEqual(202, self.start_import(image_id).status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data * 2, 'fast')

    def test_reserved_and_unknown_stores(self) -> None:
        image_id = self.create()
        self.stage(image_id, self.data)
        for stores, status in ((['os_glance_staging_store'], 409), (['nowhere'], 409), ([], 400), (None, 400), ('fast', 400)):
            with self.subTest(stores=stores):
                self.assertEqual(status, self.start_import(image_id, stores=stores).status_code)
        answer = self.start_import(image_id, stores=['fast', 'fast'])
        self.assertEqual(202, answer.status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')
        self.assert_no_traceback()


class SerialTest(_Imports, imports.ImportTestCase):
    """One store after the other."""


class ParallelTest(_Imports, imports.ImportTestCase):
    """Several stores at once, under the standalone server."""

    launcher = service.STANDALONE
    options = {**_Imports.options, 'image_import_opts': {'max_parallel_stores': 3}}


class SmallStagingTest(imports.ImportTestCase):
    """The staging directory is on a small disk of its own, so that data goes to stores as a stream."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        room = cls.share(disk.SmallDisk(16 << 20))
        cls.options = {**imports.ImportTestCase.options, 'os_glance_staging_store': {'filesystem_store_datadir': room.path}}
        cls.staging = pathlib.Path(room.path)
        return super().make_service(database_url)

    staging: pathlib.Path

    def test_no_room(self) -> None:
        image_id = self.create()
        data = imports.some(20 << 20)
        for body in (data, iter([data[: 8 << 20], data[8 << 20 :]])):
            self.assertEqual(413, self.stage(image_id, body).status_code)
            self.assert_nothing_left(image_id)
            self.assertEqual([], list(self.staging.iterdir()))
        image = self.import_now(image_id, data[: 5 << 20], stores=['fast', 'cheap'])
        self.assertEqual('active', image['status'])
        self.assert_active(image_id, data[: 5 << 20], 'fast,cheap')
        self.assertEqual([], list(self.staging.iterdir()))

    def test_a_download_that_finds_no_room(self) -> None:
        web = self.useFixture(hostile.HostileServer({'/': hostile.sends(hostile.answer(bytes(20 << 20), length=-1))}))
        image_id = self.create()
        self.start_import(image_id, {'name': 'web-download', 'uri': f'{web.url}/'})
        image = self.wait_for_import(image_id)
        self.assertEqual(('queued', 'fast'), (image['status'], image['os_glance_failed_import']))
        self.assertIn('room', image['os_glance_import_error'])
        self.assertEqual([], list(self.staging.iterdir()))
