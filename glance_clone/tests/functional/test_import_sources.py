# SPDX-License-Identifier: Apache-2.0
"""Imports from servers that behave, and from servers that do not (F25); and what plugins make of the data."""

from __future__ import annotations

import gzip
import hashlib
import json
import pathlib
import shutil
import threading
import time
from typing import Any

import fixtures

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import repeats
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.fixtures.hostile import stalls
from glance_clone.tests.functional import base
from glance_clone.tests.functional import test_clients

DATA = bytes(range(256)) * 4000
_CAP = 4 << 20
_LARGE_CAP = 64 << 20
_OPTIONS: service.Options = {
    'DEFAULT': {'enabled_import_methods': '[web-download,glance-download]', 'image_size_cap': _CAP},
    'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
    'fetching': {'idle_timeout': 2, 'total_timeout': 4},
}


class ImportCase(base.ServiceTestCase):
    """Imports from a server of the test's own."""

    options = _OPTIONS

    def setUp(self) -> None:
        super().setUp()
        self.remote = self.useFixture(HostileServer({'/sound': sends(answer(DATA))}))

    def ask(self, image_id: str, method: dict[str, Any], **kwargs: Any) -> Any:
        """Ask for an import; return the answer."""
        return self.request('alice', 'POST', f'/v2/images/{image_id}/import', json={'method': method}, **kwargs)

    def tasks(self, image_id: str) -> list[dict[str, Any]]:
        """Return the tasks of an image."""
        return list(self.request('alice', 'GET', f'/v2/images/{image_id}/tasks').json()['tasks'])

    def run_import(self, image_id: str, method: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        """Ask for an import and wait for its end; return its task."""
        before = len(self.tasks(image_id))
        accepted = self.ask(image_id, method, **kwargs)
        self.assertEqual(202, accepted.status_code, accepted.text)

        def has_ended() -> bool:
            tasks = self.tasks(image_id)
            return len(tasks) > before and tasks[-1]['status'] in ('success', 'failure')

        process.wait_until(has_ended, 40, f'the import of {image_id} ended', interval=0.1)
        return self.tasks(image_id)[-1]

    def web(self, path: str, **more: str) -> dict[str, Any]:
        """Return the method that downloads a path of the server."""
        return {'name': 'web-download', 'uri': self.remote.url + path, **more}

    def assert_failed(self, image_id: str, task: dict[str, Any]) -> None:
        """Assert that an import failed and left nothing."""
        self.assertEqual('failure', task['status'], task)
        self.assert_nothing_left(image_id)
        self.assertEqual([], self.service.files('staging'))
        image = self.show(image_id)
        self.assertTrue(image['os_glance_import_error'])
        self.assertNotIn('os_glance_import_task', image)

    def assert_imported(self, image_id: str, method: dict[str, Any], data: bytes = DATA, **kwargs: Any) -> None:
        """Import data and assert that it is there."""
        task = self.run_import(image_id, method, **kwargs)
        self.assertEqual('success', task['status'], task)
        self.assertEqual(data, self.download(image_id).content)
        self.assertEqual([], self.service.files('staging'))


class WebDownloadTest(ImportCase):
    def test_servers_that_do_not_behave(self) -> None:
        """Every failure ends by itself, tells why, leaves nothing, and the same image can be imported afterwards."""
        image_id = self.create()
        for name, behaviour in (
            ('absent', sends(answer(status='404 Not Found'))),
            ('broken', sends(answer(b'x', status='500 Broken'))),
            ('silent', sends(wait=30)),
            ('stalling', sends(answer(DATA, length=len(DATA) * 2), wait=30)),
            ('dripping', repeats(answer(length=10**6), b'x', 0.2)),
            ('cutting', sends(answer(DATA, length=len(DATA) + 1))),
            ('lying', sends(answer(DATA, length=len(DATA) - 1))),
            ('endless', repeats(answer(length=-1), bytes(65536))),
            ('large', sends(answer(length=_CAP + 1), wait=5)),
            ('inward', sends(answer(status='302 Found', Location='http://127.0.0.2/'))),
            ('metadata', sends(answer(status='302 Found', Location='http://169.254.169.254/latest'))),
            ('looping', sends(answer(status='302 Found', Location='/looping'))),
            ('talkative', sends(answer(DATA, X='y' * 200_000))),
            ('foreign', sends(b'SSH-2.0-server\r\n')),
        ):
            self.remote.paths[f'/{name}'] = behaviour
            begin = time.monotonic()
            task = self.run_import(image_id, self.web(f'/{name}'))
            self.assertLess(time.monotonic() - begin, 30, name)
            self.assert_failed(image_id, task)
        self.assert_imported(image_id, self.web('/sound'))
        self.assert_no_traceback()

    def test_what_may_not_be_fetched_is_refused_at_once(self) -> None:
        image_id = self.create()
        for uri in ('http://127.0.0.2/', 'http://127.1/', 'file:///etc/passwd', 'http://', '', None, 5, 'no url'):
            refused = self.ask(image_id, {'name': 'web-download', 'uri': uri})
            self.assertEqual(400, refused.status_code, uri)
        self.assertEqual([], self.tasks(image_id))

    def test_redirects_are_followed(self) -> None:
        self.remote.paths['/away'] = sends(answer(status='302 Found', Location='/sound'))
        self.assert_imported(self.create(), self.web('/away'))

    def test_expected_hash(self) -> None:
        image_id = self.create()
        for algorithm in ('sha256', 'sha512', 'md5'):
            sound = hashlib.new(algorithm, DATA).hexdigest()
            wrong = self.web('/sound', os_glance_hash_algo=algorithm, os_glance_hash_value='0' * len(sound))
            self.assert_failed(image_id, self.run_import(image_id, wrong))
        sound = self.web('/sound', os_glance_hash_algo='sha512', os_glance_hash_value=hashlib.sha512(DATA).hexdigest())
        self.assert_imported(image_id, sound)

    def test_credentials_in_the_url_are_used_and_never_shown(self) -> None:
        image_id = self.create()
        uri = self.remote.url.replace('//', '//someone:s3cret@') + '/sound'
        self.assert_imported(image_id, {'name': 'web-download', 'uri': uri})
        self.assertIn('Authorization: Basic', self.remote.heads[0])
        self.assertNotIn('s3cret', json.dumps(self.tasks(image_id)) + self.log())


_REMOTE_ID = '6a4f3b1e-9d55-4b1c-8a0e-2f7f5f0b7b11'


class CancelTest(ImportCase):
    options: service.Options = {**_OPTIONS, 'fetching': {'idle_timeout': 600}}

    def test_deleted_while_the_server_stalls(self) -> None:
        left = threading.Event()
        self.remote.paths['/stall'] = stalls(answer(DATA, length=len(DATA) * 2), left)
        image_id = self.create()
        self.assertEqual(202, self.ask(image_id, self.web('/stall')).status_code)
        process.wait_until(lambda: bool(self.remote.heads), 10, 'the download began')
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        process.wait_until(lambda: not self.service.files('staging'), 20, 'the staged data went', interval=0.2)
        self.assertTrue(left.wait(20))


class GlanceDownloadTest(ImportCase):
    def setUp(self) -> None:
        super().setUp()
        endpoints = [{'region': 'Elsewhere', 'publicURL': self.remote.url}]
        catalog = json.dumps([{'type': 'image', 'name': 'glance', 'endpoints': endpoints}])
        self.headers = {'X-Auth-Token': 'the-token', 'X-Service-Catalog': catalog}
        self.method = {'name': 'glance-download', 'glance_region': 'elsewhere', 'glance_image_id': _REMOTE_ID}
        self.path = f'/v2/images/{_REMOTE_ID}'
        self.offer()

    def offer(self, data: bytes = DATA, **changes: Any) -> None:
        """Let the remote service have an image."""
        record = {
            'id': _REMOTE_ID,
            'status': 'active',
            'size': len(DATA),
            'checksum': hashlib.md5(DATA, usedforsecurity=False).hexdigest(),
            'disk_format': 'raw',
            'container_format': 'bare',
            'hw_disk_bus': 'scsi',
            'os_glance_import_task': 'x',
        }
        self.remote.paths[self.path] = sends(answer(json.dumps({**record, **changes}).encode()))
        self.remote.paths[f'{self.path}/file'] = sends(answer(data))

    def test_data_and_properties(self) -> None:
        image_id = self.create(disk_format='qcow2')
        self.assert_imported(image_id, self.method, headers=self.headers)
        image = self.show(image_id)
        self.assertEqual(('raw', 'scsi'), (image['disk_format'], image['hw_disk_bus']))
        self.assertTrue(all('X-Auth-Token: the-token' in head for head in self.remote.heads))
        self.assertNotIn('the-token', self.log() + json.dumps(self.tasks(image_id)))

    def test_failures_leave_the_image_as_it_was(self) -> None:
        image_id = self.create(disk_format='qcow2')
        for changes in ({'status': 'queued'}, {'size': 5}, {'checksum': '0' * 32}, {'data': DATA[1:]}, {'disk_format': 'x'}):
            self.offer(**changes)
            task = self.run_import(image_id, self.method, headers=self.headers)
            self.assert_failed(image_id, task)
            image = self.show(image_id)
            self.assertEqual('qcow2', image['disk_format'])
            self.assertNotIn('hw_disk_bus', image)
        self.offer()
        self.assert_imported(image_id, self.method, headers=self.headers)

    def test_a_token_is_not_sent_to_another_server(self) -> None:
        other = self.useFixture(HostileServer({'/there': sends(answer(DATA))}))
        self.remote.paths[f'{self.path}/file'] = sends(answer(status='302 Found', Location=f'{other.url}/there'))
        self.assert_imported(self.create(), self.method, headers=self.headers)
        self.assertNotIn('the-token', other.heads[0])

    def test_a_region_that_is_not_in_the_catalog(self) -> None:
        image_id = self.create()
        task = self.run_import(image_id, {**self.method, 'glance_region': 'nowhere'}, headers=self.headers)
        self.assert_failed(image_id, task)
        self.assertEqual([], self.remote.heads)


class PluginTest(ImportCase):
    """Unpacking and converting inside the service; the tool is a process of its own there."""

    options: service.Options = {
        **_OPTIONS,
        'image_import_opts': {'image_import_plugins': '[image_decompression,image_conversion]'},
        'image_decompression': {'max_ratio': 100},
        'DEFAULT': {**_OPTIONS['DEFAULT'], 'image_size_cap': _LARGE_CAP},
    }

    def setUp(self) -> None:
        super().setUp()
        if not shutil.which('qemu-img'):
            self.skipTest('qemu-img is not installed')
        disk = pathlib.Path(self.useFixture(fixtures.TempDir()).join('disk.qcow2'))
        test_clients.make_qcow2(disk)
        self.disk = disk.read_bytes()
        self.remote.paths['/disk'] = sends(answer(gzip.compress(self.disk)))

    def test_an_archive_of_a_disk_becomes_a_raw_disk(self) -> None:
        image_id = self.create(disk_format='qcow2')
        task = self.run_import(image_id, self.web('/disk'))
        self.assertEqual('success', task['status'], task)
        image = self.show(image_id)
        self.assertEqual(('raw', 'active'), (image['disk_format'], image['status']))
        self.assertEqual(image['virtual_size'], image['size'])
        self.assertEqual(image['checksum'], hashlib.md5(self.download(image_id).content, usedforsecurity=False).hexdigest())
        self.assertEqual([], self.service.files('staging'))
        self.assert_no_traceback()

    def test_failures_leave_nothing(self) -> None:
        image_id = self.create(disk_format='qcow2')
        self.remote.paths['/raw'] = sends(answer(gzip.compress(DATA)))
        self.remote.paths['/damaged'] = sends(answer(gzip.compress(self.disk)[:-5]))
        self.remote.paths['/bomb'] = sends(answer(gzip.compress(bytes(_LARGE_CAP + 1))))
        for path in ('/raw', '/damaged', '/bomb'):
            self.assert_failed(image_id, self.run_import(image_id, self.web(path)))
            self.assertEqual('qcow2', self.show(image_id)['disk_format'])
        self.assert_no_traceback()


class StandalonePluginTest(PluginTest):
    """The same beside green threads."""

    launcher = service.STANDALONE
