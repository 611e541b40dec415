# SPDX-License-Identifier: Apache-2.0
"""The image cache of a running service: hits, cold images, damage, full disks, dead workers, several nodes (F23)."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import uuid
from concurrent import futures
from typing import Any
from typing import ClassVar

import openstack

from glance_clone.tests.fixtures import disk
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_MIB = 1024 * 1024
_DATA = bytes(512) + os.urandom(5 * _MIB)


def options(directory: object = '${STATE_DIR}/cache', **values: object) -> service.Options:
    """Return the options of a service with a cache."""
    return {
        'DEFAULT': {'image_cache_dir': directory, 'worker_self_reference_url': 'http://127.0.0.1:${PORT}', **values},
        'paste_deploy': {'flavor': 'keystone+cachemanagement'},
    }


class CacheTestCase(base.ServiceTestCase):
    """A service with a cache."""

    options = options()

    def put(self, data: bytes = _DATA, **values: object) -> str:
        """Return the id of a new image with this data."""
        image_id = self.create(**values)
        self.assertEqual(204, self.upload(image_id, data).status_code)
        return image_id

    def cached(self) -> dict[str, dict[str, Any]]:
        """Return what the API says of cached images, by id."""
        answer = self.request('admin', 'GET', '/v2/cache')
        self.assertEqual(200, answer.status_code, answer.text)
        return {entry['image_id']: entry for entry in answer.json()['cached_images']}

    def wait_until_cached(self, image_id: str) -> pathlib.Path:
        """Return the file of an image when it is cached."""
        path = self.service.state / 'cache' / image_id
        process.wait_until(path.exists, 20, f'{image_id} is cached')
        return path

    def assert_served(self, image_id: str, data: bytes = _DATA) -> None:
        """Assert that a download is complete and right."""
        answer = self.download(image_id)
        self.assertEqual((200, str(len(data))), (answer.status_code, answer.headers['Content-Length']))
        self.assertEqual(data, answer.content)

    def fill(self) -> tuple[str, pathlib.Path]:
        """Return a new image that is cached, and its file there."""
        image_id = self.put()
        self.assert_served(image_id)
        return image_id, self.wait_until_cached(image_id)

    def remove_from_store(self, image_id: str) -> None:
        """Make the store lose the data."""
        (self.service.state / 'fast' / image_id).unlink()


class _Hits:
    """Tests for every launcher."""

    def test_hit_needs_no_store(self) -> None:
        image_id, _path = self.fill()
        self.remove_from_store(image_id)
        self.assert_served(image_id)
        part = self.download(image_id, headers={'Range': 'bytes=10-19'})
        self.assertEqual((206, _DATA[10:20]), (part.status_code, part.content))
        self.assertEqual(1, self.cached()[image_id]['hits'])
        self.assert_no_traceback()

    def test_many_readers_of_a_cold_image(self) -> None:
        image_id = self.put()
        with futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: self.download(image_id).content, range(8)))
        self.assertEqual({_DATA}, set(answers))
        self.wait_until_cached(image_id)
        self.assertEqual(1, self.log().count(f'Image {image_id} is cached'))
        self.assertEqual([], [name for name in self.service.files('cache') if name.startswith('incomplete/')])

    def test_cold_image_without_data_in_its_store(self) -> None:
        image_id = self.put()
        self.remove_from_store(image_id)
        answer = self.download(image_id)
        self.assertEqual(503, answer.status_code)
        self.assertIn('Retry-After', answer.headers)
        self.assertEqual([], [name for name in self.service.files('cache') if image_id in name])

    def test_the_same_door(self) -> None:
        image_id, _path = self.fill()
        self.assertEqual(404, self.download(image_id, 'bob').status_code)
        self.assertEqual(403, self.download(image_id, 'reader').status_code)
        self.assertEqual(401, self.request(None, 'GET', f'/v2/images/{image_id}/file').status_code)
        self.request('alice', 'POST', f'/v2/images/{image_id}/actions/deactivate')
        self.assertEqual(403, self.download(image_id).status_code)
        self.assertEqual(200, self.download(image_id, 'admin').status_code)
        self.request('alice', 'POST', f'/v2/images/{image_id}/actions/reactivate')
        self.assert_served(image_id)
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.download(image_id).status_code)
        self.assertEqual([], [name for name in self.service.files('cache') if image_id in name])

    def test_damaged_entries_are_dropped(self) -> None:
        for damage in ('flipped', 'truncated', 'emptied'):
            image_id, path = self.fill()
            if damage == 'flipped':
                with path.open('r+b') as file:
                    file.seek(_MIB)
                    file.write(b'damaged')
            else:
                os.truncate(path, 1000 if damage == 'truncated' else 0)
            self.assert_served(image_id)
            self.assertEqual(_DATA, self.wait_until_cached(image_id).read_bytes(), damage)

    def test_damaged_data_of_a_store_is_never_complete(self) -> None:
        image_id = self.put()
        with (self.service.state / 'fast' / image_id).open('r+b') as file:
            file.seek(_MIB)
            file.write(b'damaged')
        got = self.service.state / 'tmp' / image_id
        # Refused where the damage is found before the answer begins, else broken off.
        command = ['curl', '-sf', '-w', '%{http_code}', '-o', str(got), f'{self.service.url}/v2/images/{image_id}/file']
        for name, value in self.personas.headers('alice').items():
            command += ['-H', f'{name}: {value}']
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        self.assertNotEqual(0, done.returncode)
        self.assertIn(done.stdout, ('200', '503'))
        self.assertLess(got.stat().st_size if got.exists() else 0, len(_DATA))
        self.assertNotIn(image_id, self.cached())

    def test_queue(self) -> None:
        image_id, broken = self.put(), self.put()
        self.remove_from_store(broken)
        for each in (broken, image_id):
            self.assertEqual(202, self.request('admin', 'PUT', f'/v2/cache/{each}').status_code)
        self.wait_until_cached(image_id)
        queued = self.request('admin', 'GET', '/v2/cache').json()['queued_images']
        self.assertEqual(([broken], 0), (queued, self.cached()[image_id]['hits']))
        self.assertEqual(204, self.request('admin', 'DELETE', f'/v2/cache/{broken}').status_code)


class UwsgiTest(_Hits, CacheTestCase):
    """Two processes of uWSGI share a cache, with the index in the database."""

    def test_killed_while_filling(self) -> None:
        data = bytes(512) + os.urandom(120 * _MIB)
        image_id = self.put(data)
        incomplete = self.service.state / 'cache' / 'incomplete' / image_id
        with futures.ThreadPoolExecutor(1) as pool:
            download = pool.submit(self.download, image_id)
            process.wait_until(lambda: incomplete.exists() and incomplete.stat().st_size, 10, 'the fill began', 0.001)
            self.service.kill_workers()
            self.assertIsNotNone(download.exception(30))
        self.assert_served(image_id, data)
        self.assertEqual(data, self.wait_until_cached(image_id).read_bytes())
        self.assertEqual([image_id], [name for name in self.service.files('cache') if image_id in name])

    def test_restart_resumes_the_queue_and_forgets_the_deleted(self) -> None:
        image_id = self.put()
        orphan, queued = str(uuid.uuid4()), str(uuid.uuid4())
        cache = self.service.state / 'cache'
        (cache / orphan).write_bytes(b'of a deleted image')
        (cache / 'queue' / queued).touch()
        (cache / 'queue' / image_id).touch()
        self.service.restart()
        self.wait_until_cached(image_id)
        process.wait_until(lambda: not (cache / orphan).exists(), 10, 'the orphan is gone')
        process.wait_until(lambda: not (cache / 'queue' / queued).exists(), 10, 'its marker is gone')

    def test_commands_for_cron(self) -> None:
        image_id = self.put()
        self.assertEqual(200, self.request('admin', 'PUT', f'/v2/queued_images/{image_id}').status_code)
        (self.service.state / 'cache' / 'invalid' / image_id).write_bytes(b'bad')
        self.assertIn('0 images failed', self._run('glance-cache-prefetcher'))
        self.assertIn(image_id, self.cached())
        self.assertIn('Removed 1 files', self._run('glance-cache-cleaner'))
        self.assertIn('Pruned 0 images', self._run('glance-cache-pruner'))

    def _run(self, name: str) -> str:
        command = [*service.script(name), '--config-file', str(self.service.config_file)]
        done = subprocess.run(command, capture_output=True, text=True, env=service.environment(), cwd='/', check=False)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn('deprecated', done.stderr)
        return done.stdout

    def test_second_node(self) -> None:
        image_id, _path = self.fill()
        other = self.useFixture(_Node(self.service))
        self.assertEqual([self.service.url], self.request('admin', 'GET', f'/v2/cache/nodes/{image_id}').json())
        first, self.service = self.service, other  # type: ignore[misc]
        self.addCleanup(setattr, self, 'service', first)
        self.assertEqual({}, self.cached())
        self.assert_served(image_id)
        self.wait_until_cached(image_id)
        self.assertIn(image_id, self.cached())
        nodes = self.request('admin', 'GET', f'/v2/cache/nodes/{image_id}').json()
        self.assertEqual(sorted([first.url, other.url]), nodes)
        self.service = first  # type: ignore[misc]
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        other.restart()
        process.wait_until(lambda: not (other.state / 'cache' / image_id).exists(), 10, 'the other node forgets it')


class ClientTest(CacheTestCase):
    """The commands that administrators use, through a real Keystone."""

    keystone: ClassVar[keystone.Keystone]

    @classmethod
    def setUpClass(cls) -> None:
        cls.keystone = keystone.shared()
        super().setUpClass()
        cls.keystone.register(cls.service.url)

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        """Return the service to test, which asks the Keystone."""
        wanted = {**cls.options, 'keystone_authtoken': cls.keystone.authtoken()}
        return service.Service(database_url, cls.launcher, wanted, trust_headers=False)

    def _run(self, name: str, *arguments: str) -> str:
        """Run a command as an administrator; return what it prints."""
        path = os.path.join(os.path.dirname(sys.executable), name)
        command = [path] if os.path.exists(path) else service.script(name)
        env = {**service.environment(), **self.keystone.environment(keystone.ADMIN)}
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, env=env, cwd='/', check=False)
        self.assertEqual(0, done.returncode, f'{arguments}: {done.stderr}')
        return done.stdout

    def _image(self) -> str:
        """Return the id of a new image with data."""
        images = openstack.connection.Connection(session=self.keystone.session(keystone.ADMIN), region_name='RegionOne').image
        made = images.create_image('often used', data=_DATA, disk_format='raw', container_format='bare', wait=True)
        return str(made.id)

    def test_commands(self) -> None:
        image_id = self._image()
        self._run('openstack', 'cached', 'image', 'queue', image_id)
        self.wait_until_cached(image_id)
        cached = json.loads(self._run('openstack', 'cached', 'image', 'list', '-f', 'json'))
        self.assertEqual([(image_id, 'cached')], [(entry['ID'], entry['State']) for entry in cached])
        at = ('-H', '127.0.0.1', '-p', str(self.service.port))
        self.assertIn(image_id, self._run('glance-cache-manage', *at, 'list-cached'))
        self._run('openstack', 'cached', 'image', 'clear')
        self.assertIn('No cached images', self._run('glance-cache-manage', *at, 'list-cached'))
        self.assert_no_traceback()


class _Node(service.Service):
    """A further node of a service: the same database and store, a cache of its own."""

    def __init__(self, first: service.Service):
        shared = {**options(), 'fast': {'filesystem_store_datadir': first.state / 'fast'}}
        super().__init__(first.database, options=shared, processes=1)


class StandaloneTest(_Hits, CacheTestCase):
    """The standalone server, with the index in a file."""

    launcher = service.STANDALONE
    options = options(image_cache_driver='sqlite')


class FullDiskTest(CacheTestCase):
    """A cache on a disk with room for one image."""

    disk: ClassVar[disk.SmallDisk]

    @classmethod
    def setUpClass(cls) -> None:
        cls.disk = cls.share(disk.SmallDisk(24 * _MIB))
        cls.options = options(cls.disk.path)
        super().setUpClass()

    def test_full_disk_serves_without(self) -> None:
        first = self.put()
        self.assert_served(first)
        process.wait_until((pathlib.Path(self.disk.path) / first).exists, 20, 'the first is cached')
        for _ in range(2):
            image_id = self.put()
            self.assert_served(image_id)
            self.assertNotIn(image_id, self.cached())
        filler = pathlib.Path(self.disk.path) / 'filler'
        with filler.open('wb', buffering=0) as file, self.assertRaises(OSError):
            while True:
                file.write(bytes(_MIB))
        self.assert_served(first)
        self.assert_served(self.put())
        self.assertEqual([], os.listdir(os.path.join(self.disk.path, 'incomplete')))
