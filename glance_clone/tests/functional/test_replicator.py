# SPDX-License-Identifier: Apache-2.0
"""Images replicated between two running services, with tokens of a real Keystone."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any
from typing import ClassVar

import fixtures

from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_MANY = 50


def _of_server(name: str) -> bool:
    return name in ('created_at', 'updated_at', 'stores', 'virtual_size') or name.startswith('os_glance')


class TestReplicator(base.ServiceTestCase):
    """From a service under uWSGI to the standalone server."""

    keystone: ClassVar[keystone.Keystone]
    other: ClassVar[service.Service]
    token: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        cls.keystone = keystone.shared()
        super().setUpClass()
        url = cls.share(database.KINDS['sqlite']()).url
        options = {'keystone_authtoken': cls.keystone.authtoken()}
        cls.other = cls.share(service.Service(url, service.STANDALONE, options, trust_headers=False, processes=1))
        cls.token = cls.keystone.token(keystone.ADMIN)

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {'keystone_authtoken': cls.keystone.authtoken()}
        return service.Service(database_url, cls.launcher, options, trust_headers=False, processes=1)

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(self._remove_all)

    def _remove_all(self) -> None:
        for where in (self.service, self.other):
            for image in self.images(where):
                if image['protected']:
                    operation = [{'op': 'replace', 'path': '/protected', 'value': False}]
                    kind = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
                    self.ask(where, 'PATCH', f'/v2/images/{image["id"]}', json=operation, headers=kind)
                self.ask(where, 'DELETE', f'/v2/images/{image["id"]}')

    def ask(self, where: service.Service, method: str, path: str, **more: Any) -> Any:
        """Send a request to one of the services, and return its good answer."""
        headers = {'X-Auth-Token': self.token, **more.pop('headers', {})}
        answer = base.requests.request(method, where.url + path, headers=headers, timeout=base.TIMEOUT, **more)
        self.assertLess(answer.status_code, 300, answer.text)
        return answer

    def images(self, where: service.Service) -> list[dict[str, Any]]:
        """Return all images of a service, hidden ones included."""
        paths = (f'/v2/images?limit=1000&visibility=all&os_hidden={hidden}' for hidden in ('true', 'false'))
        return [image for path in paths for image in self.ask(where, 'GET', path).json()['images']]

    def described(self, where: service.Service) -> dict[str, dict[str, Any]]:
        """Return all images of a service without what a server gives them by itself."""
        found = {image['id']: image for image in self.images(where)}
        return {
            key: {**{name: value for name, value in image.items() if not _of_server(name)}, 'tags': sorted(image['tags'])}
            for key, image in found.items()
        }

    def add(self, where: service.Service, data: bytes | None = None, **values: Any) -> str:
        """Create an image, with data unless these are None; return its id."""
        values = {'disk_format': 'raw', 'container_format': 'bare', **values}
        image_id = str(self.ask(where, 'POST', '/v2/images', json=values).json()['id'])
        if data is not None:
            kind = {'Content-Type': 'application/octet-stream'}
            self.ask(where, 'PUT', f'/v2/images/{image_id}/file', data=data, headers=kind)
        return image_id

    def replicate(self, *arguments: str, status: int = 0, token: str | None = None) -> tuple[str, str]:
        """Run the replicator; return what it printed and what it logged."""
        command = [*service.script('glance-replicator'), '--token', token or self.token, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=service.environment(), cwd='/', check=False)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        self.assertNotIn('Traceback', done.stderr)
        self.assertNotIn(self.token, done.stdout + done.stderr)
        return done.stdout, done.stderr

    @property
    def here(self) -> str:
        """The address of the source."""
        return f'127.0.0.1:{self.service.port}'

    @property
    def there(self) -> str:
        """The address of the target."""
        return f'127.0.0.1:{self.other.port}'

    def assert_data(self, image_id: str, data: bytes) -> None:
        """Assert that the target has the data."""
        answer = self.ask(self.other, 'GET', f'/v2/images/{image_id}/file')
        self.assertTrue(data == answer.content, 'the data differ')

    def _several(self) -> Iterator[tuple[str, bytes]]:
        """Make images of different kinds; return ids and data."""
        for values in (
            {'name': 'a disk', 'tags': ['y', 'x'], 'os_distro': 'debian', 'a/b~c': 'ü', 'min_disk': 3},
            {'name': None, 'visibility': 'public', 'protected': True, 'id': str(uuid.uuid4())},
            {'name': 'hidden', 'os_hidden': True, 'visibility': 'community', 'owner': uuid.uuid4().hex},
        ):
            data = os.urandom(300_000)
            yield self.add(self.service, data, **values), data

    def test_livecopy(self) -> None:
        images = dict(self._several())
        empty = self.add(self.service, b'')
        queued = self.add(self.service, name='without data')
        printed, _ = self.replicate('livecopy', self.here, self.there)
        self.assertEqual('4 images: 4 copied.\n', printed)
        wanted = self.described(self.service)
        del wanted[queued]
        self.assertEqual(wanted, self.described(self.other))
        for image_id, data in images.items():
            self.assert_data(image_id, data)
        self.assertEqual(0, self.described(self.other)[empty]['size'])
        printed, _ = self.replicate('compare', self.here, self.there)
        self.assertEqual(
            '5 images: 4 equal, 1 not active.\n', printed.replace('1 not active, 4 equal', '4 equal, 1 not active')
        )
        self.assertEqual('4 images: 4 equal.\n', self.replicate('livecopy', self.here, self.there)[0])

    def test_livecopy_of_many(self) -> None:
        for number in range(_MANY):
            self.add(self.service, os.urandom(1000 + number), name=f'image {number}', number=str(number))
        self.assertEqual(f'{_MANY} images: {_MANY} copied.\n', self.replicate('livecopy', self.here, self.there)[0])
        self.assertEqual(_MANY, len(self.described(self.other)))
        self.assertEqual(self.described(self.service), self.described(self.other))
        self.assertEqual(f'{_MANY} images: {_MANY} equal.\n', self.replicate('compare', self.here, self.there)[0])
        size = sum(1000 + number for number in range(_MANY))
        printed = f'Total size is {size} bytes ({size / 1024:.1f} KiB) across {_MANY} images.\n'
        self.assertEqual(printed, self.replicate('size', self.there)[0])

    def test_changes_follow(self) -> None:
        image_id = self.add(self.service, b'data', name='old', old='1', kept='1', tags=['t'])
        self.replicate('livecopy', self.here, self.there)
        patch = [
            {'op': 'replace', 'path': '/name', 'value': 'new'},
            {'op': 'remove', 'path': '/old'},
            {'op': 'add', 'path': '/new', 'value': '2'},
            {'op': 'replace', 'path': '/tags', 'value': []},
        ]
        kind = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
        self.ask(self.service, 'PATCH', f'/v2/images/{image_id}', json=patch, headers=kind)
        printed, logged = self.replicate('compare', self.here, self.there)
        self.assertEqual('1 image: 1 different.\n', printed)
        for name in ('name', 'old', 'new', 'tags'):
            self.assertIn(f'Image {image_id}: {name} is ', logged)
        self.assertEqual('1 image: 1 updated.\n', self.replicate('--metaonly', 'livecopy', self.here, self.there)[0])
        self.assertEqual(self.described(self.service), self.described(self.other))

    def test_what_is_left_out(self) -> None:
        self.add(self.service, b'data', secret='1', name='n')
        arguments = ('-D', 'secret name', 'livecopy', self.here, self.there)
        self.assertEqual('1 image: 1 copied.\n', self.replicate(*arguments)[0])
        (copy,) = self.images(self.other)
        self.assertNotIn('secret', copy)
        self.assertIsNone(copy['name'])
        self.assertEqual('1 image: 1 equal.\n', self.replicate(*arguments)[0])

    def test_dump_and_load(self) -> None:
        images = dict(self._several())
        queued = self.add(self.service, name='without data')
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.assertEqual('4 images: 4 dumped.\n', self.replicate('dump', self.here, str(folder))[0])
        names = {*images, queued, *(f'{image_id}.img' for image_id in images)}
        self.assertEqual(names, {file.name for file in folder.iterdir()})
        for image_id, data in images.items():
            self.assertEqual(image_id, json.loads((folder / image_id).read_text())['id'])
            self.assertEqual(hashlib.sha256(data).digest(), hashlib.sha256((folder / f'{image_id}.img').read_bytes()).digest())
        self.assertEqual('4 images: 4 there already.\n', self.replicate('dump', self.here, str(folder))[0])

        printed, _ = self.replicate('load', self.there, str(folder))
        self.assertIn('3 copied', printed)
        self.assertIn('1 without data', printed)
        wanted = self.described(self.service)
        del wanted[queued]
        self.assertEqual(wanted, self.described(self.other))
        for image_id, data in images.items():
            self.assert_data(image_id, data)
        self.assertIn('3 equal', self.replicate('load', self.there, str(folder))[0])

    def test_metadata_only(self) -> None:
        image_id = self.add(self.service, b'data', name='n')
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.replicate('--metaonly', 'dump', self.here, str(folder))
        self.assertEqual([image_id], [file.name for file in folder.iterdir()])
        self.assertEqual('1 image: 1 copied without data.\n', self.replicate('-m', 'livecopy', self.here, self.there)[0])
        self.assertEqual('queued', self.described(self.other)[image_id]['status'])
        # The data come with the next full run, into this directory and to that server.
        self.assertEqual('1 image: 1 dumped.\n', self.replicate('dump', self.here, str(folder))[0])
        self.assertEqual('1 image: 1 copied.\n', self.replicate('livecopy', self.here, self.there)[0])
        self.assert_data(image_id, b'data')

    def test_damaged_data_do_not_become_an_image(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        good, short, changed = (self.add(self.service, os.urandom(200_000)) for _ in range(3))
        self.replicate('dump', self.here, str(folder))
        data = (folder / f'{short}.img').read_bytes()
        (folder / f'{short}.img').write_bytes(data[:-1])
        (folder / f'{changed}.img').write_bytes(b'x' + (folder / f'{changed}.img').read_bytes()[1:])
        printed, logged = self.replicate('load', self.there, str(folder), status=1)
        self.assertIn('1 copied', printed)
        self.assertIn('2 failed', printed)
        self.assertIn(f'Image {short} failed: 199999 bytes of data came, and the image has 200000.', logged)
        self.assertIn(f'Image {changed} failed: The data are damaged', logged)
        status = {image_id: image['status'] for image_id, image in self.described(self.other).items()}
        self.assertEqual('active', status[good])
        self.assertNotIn('active', (status[short], status[changed]))
        # Once the file is whole again, the same command goes on.
        (folder / f'{short}.img').write_bytes(data)
        self.replicate('load', self.there, str(folder), status=1)
        self.assert_data(short, data)

    def test_an_id_that_was_deleted_is_not_used_again(self) -> None:
        image_id, other = self.add(self.service, b'data'), self.add(self.service, b'other')
        self.add(self.other, id=image_id)
        self.ask(self.other, 'DELETE', f'/v2/images/{image_id}')
        printed, logged = self.replicate('livecopy', self.here, self.there, status=1)
        self.assertIn('1 failed', printed)
        self.assertIn(f'Image {image_id} failed: {self.there} answered 409 to POST', logged)
        self.assertEqual([other], list(self.described(self.other)))

    def test_wrong_token(self) -> None:
        _, complaint = self.replicate('livecopy', self.here, self.there, token='nonesuch', status=1)
        self.assertIn(f'{self.there} answered 401', complaint)
        self.assertIn('check the token', complaint)

    def test_tokens_of_the_configuration(self) -> None:
        self.add(self.service, b'data')
        folder = self.useFixture(fixtures.TempDir())
        path = pathlib.Path(folder.path, 'replicator.conf')
        path.write_text(f'[DEFAULT]\nsourcetoken = {self.token}\ntargettoken = {self.token}\n')
        command = [*service.script('glance-replicator'), '--config-file', str(path), 'livecopy', self.here, self.there]
        done = subprocess.run(command, capture_output=True, text=True, env=service.environment(), cwd='/', check=False)
        self.assertEqual((0, '1 image: 1 copied.\n'), (done.returncode, done.stdout), done.stderr)
