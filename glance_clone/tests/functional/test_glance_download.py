# SPDX-License-Identifier: Apache-2.0
"""Images of another region: two services, of which the catalog of one Keystone tells, and a third that lies."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from typing import ClassVar

import requests

from glance_clone.tests import base
from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import sends

DATA = bytes(range(256)) * 8000
_SOON = 40
_HERE: service.Options = {
    'DEFAULT': {'enabled_import_methods': '[glance-download]'},
    'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
    'fetching': {'idle_timeout': 5},
}
#: The other region names its data by another hash, so that this one has to compute both.
_THERE: service.Options = {'DEFAULT': {'hashing_algorithm': 'sha256'}}


class Caller:
    """Somebody who uses the image service of a region.

    :param token: of Keystone
    """

    def __init__(self, url: str, token: str):
        self._url = url
        self.token = token

    def call(self, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request that is answered by success."""
        headers = {'X-Auth-Token': self.token, **kwargs.pop('headers', {})}
        answer = requests.request(method, self._url + path, headers=headers, timeout=_SOON, **kwargs)
        if not answer.ok:
            raise AssertionError(f'{method} {path}: {answer.status_code} {answer.text}')
        return answer

    def create(self, **values: Any) -> str:
        """Create an image; return its id."""
        values = {'disk_format': 'raw', 'container_format': 'bare', **values}
        return str(self.call('POST', '/v2/images', json=values).json()['id'])

    def upload(self, image_id: str, data: bytes) -> None:
        """Send data for an image."""
        headers = {'Content-Type': 'application/octet-stream'}
        self.call('PUT', f'/v2/images/{image_id}/file', data=data, headers=headers)

    def show(self, image_id: str) -> dict[str, Any]:
        """Return an image."""
        return dict(self.call('GET', f'/v2/images/{image_id}').json())

    def tasks(self, image_id: str) -> list[dict[str, Any]]:
        """Return the tasks on an image, the oldest first."""
        return list(self.call('GET', f'/v2/images/{image_id}/tasks').json()['tasks'])


class RegionsTest(base.TestCase):
    keystone: ClassVar[keystone.Keystone]
    here: ClassVar[service.Service]
    there: ClassVar[service.Service]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.keystone = keystone.shared()
        cls.here, cls.there = (cls._start(options) for options in (_HERE, _THERE))
        cls.liar = cls.share(HostileServer())
        for region, url in (('RegionTwo', cls.there.url), ('RegionOfLies', cls.liar.url)):
            cls.enterClassContext(cls.keystone.further_region(region, url))

    @classmethod
    def _start(cls, options: service.Options) -> service.Service:
        options = {**options, 'keystone_authtoken': cls.keystone.authtoken()}
        return cls.share(
            service.Service(cls.share(database.KINDS['sqlite']()).url, options=options, trust_headers=False, processes=1)
        )

    def setUp(self) -> None:
        super().setUp()
        self.alice = Caller(self.here.url, self.keystone.token(keystone.ALICE))
        self.remote = Caller(self.there.url, self.keystone.token(keystone.ALICE))
        self.image_id = self.alice.create(disk_format='qcow2', os_distro='mine')
        self.logged = len(self.here.log())

    def _offered(self, **values: Any) -> str:
        """Return the id of an image with data in the other region."""
        image_id = self.remote.create(**{'os_distro': 'debian', 'hw_disk_bus': 'scsi', 'secret': 'kept there', **values})
        self.remote.upload(image_id, DATA)
        return image_id

    def _import(self, image_id: str, region: str = 'regiontwo') -> dict[str, Any]:
        """Import an image of a region, and return the task when it has ended."""
        method = {'name': 'glance-download', 'glance_region': region, 'glance_image_id': image_id}
        before = len(self.alice.tasks(self.image_id))
        self.alice.call('POST', f'/v2/images/{self.image_id}/import', json={'method': method})

        def has_ended() -> bool:
            tasks = self.alice.tasks(self.image_id)
            return len(tasks) > before and tasks[-1]['status'] in ('success', 'failure')

        process.wait_until(has_ended, _SOON, f'the import of {image_id} ended', interval=0.1)
        return self.alice.tasks(self.image_id)[-1]

    def _assert_as_before(self, task: dict[str, Any]) -> None:
        """Assert that an import failed, told why, and left the image as it was."""
        self.assertEqual('failure', task['status'], task)
        image = self.alice.show(self.image_id)
        self.assertEqual(
            ('queued', None, 'qcow2', 'mine'), tuple(image[n] for n in ('status', 'size', 'disk_format', 'os_distro'))
        )
        self.assertTrue(image['os_glance_import_error'])
        self.assertEqual([], [name for store in ('fast', 'staging') for name in self.here.files(store)])

    def _assert_imported(self, task: dict[str, Any]) -> None:
        self.assertEqual('success', task['status'], task)
        image = self.alice.show(self.image_id)
        wanted = {
            'status': 'active',
            'size': len(DATA),
            'disk_format': 'raw',
            'os_distro': 'debian',
            'hw_disk_bus': 'scsi',
            'os_hash_algo': 'sha512',
            'os_hash_value': hashlib.sha512(DATA).hexdigest(),
        }
        self.assertEqual(wanted, {name: image[name] for name in wanted})
        self.assertNotIn('secret', image)
        self.assertEqual(DATA, self.alice.call('GET', f'/v2/images/{self.image_id}/file').content)
        self.alice.call('DELETE', f'/v2/images/{self.image_id}')

    def test_an_image_of_another_region(self) -> None:
        self._assert_imported(self._import(self._offered()))
        log = self.here.log()[self.logged :]
        self.assertNotIn('Traceback', log)
        self.assertNotIn(self.alice.token, log)

    def test_images_that_cannot_be_had(self) -> None:
        """Each leaves the image ready for the next, and the last one succeeds."""
        bob = Caller(self.there.url, self.keystone.token(keystone.BOB))
        of_bob, without_data = bob.create(), self.remote.create()
        bob.upload(of_bob, DATA)
        for image_id, region in ((of_bob, 'RegionTwo'), (without_data, 'RegionTwo'), (of_bob, 'RegionThree')):
            self._assert_as_before(self._import(image_id, region))
        self._assert_imported(self._import(self._offered()))

    def test_a_region_that_lies(self) -> None:
        """The record is that of the other region, the data is not."""
        image_id = self._offered()
        record = self.remote.show(image_id)
        path = f'/v2/images/{image_id}'
        for name, data, changes in (
            ('other bytes', sends(answer(DATA[:-1] + b'x')), {}),
            ('other bytes of which only the checksum tells', sends(answer(DATA[:-1] + b'x')), {'os_hash_value': None}),
            ('fewer bytes than the record says', sends(answer(DATA[:-1])), {}),
            ('more bytes than the record says', sends(answer(DATA + b'x')), {}),
            ('fewer bytes than announced', sends(answer(DATA[:-1], length=len(DATA))), {}),
            ('no data', sends(answer(status='204 No Content', length=-1)), {}),
            ('a failure', sends(answer(b'broken', status='500 Broken')), {}),
            ('another hash in the record', sends(answer(DATA)), {'os_hash_value': '0' * 64}),
        ):
            self.liar.paths[path] = sends(answer(json.dumps({**record, **changes}).encode()))
            self.liar.paths[f'{path}/file'] = data
            with self.subTest(name):
                self._assert_as_before(self._import(image_id, 'RegionOfLies'))
        self.liar.paths[f'{path}/file'] = sends(answer(DATA))
        self.liar.paths[path] = sends(answer(json.dumps(record).encode()))
        self._assert_imported(self._import(image_id, 'RegionOfLies'))
        self.assertNotIn('Traceback', self.here.log()[self.logged :])
