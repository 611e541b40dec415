# SPDX-License-Identifier: Apache-2.0
"""Changing the locations of images by PATCH, in a service that shows them (P4, P5)."""

from __future__ import annotations

from concurrent import futures
from typing import Any

import requests

from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.functional import base
from glance_clone.tests.unit.transfer import disks

DATA = b'location' * 1000
_PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}


class LocationChangesTest(base.ServiceTestCase):
    """A file store and an http store."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {
            'DEFAULT': {
                'enabled_backends': 'fast:file,web:http',
                'show_multiple_locations': True,
                'show_image_direct_url': True,
                'image_location_quota': 3,
            },
            'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
        }
        return service.Service(database_url, cls.launcher, options)

    def setUp(self) -> None:
        super().setUp()
        self.server = self.useFixture(HostileServer())

    def serve(self, path: str, data: bytes = DATA) -> str:
        self.server.paths[path] = sends(answer(data))
        return self.server.url + path

    def patch(self, image_id: str, *operations: tuple[Any, ...], who: str = 'alice') -> requests.Response:
        document = [dict(zip(('op', 'path', 'value'), operation, strict=False)) for operation in operations]
        return self.request(who, 'PATCH', f'/v2/images/{image_id}', json=document, headers=_PATCH)

    def add(self, image_id: str, url: str, metadata: Any = None, place: str = '-', who: str = 'alice') -> requests.Response:
        return self.patch(image_id, ('add', f'/locations/{place}', {'url': url, 'metadata': metadata or {}}), who=who)

    def urls(self, image_id: str) -> list[str]:
        return [location['url'] for location in self.show(image_id)['locations']]

    def test_a_location_makes_an_image_active(self) -> None:
        image_id, url = self.create(), self.serve('/a')
        answered = self.add(image_id, url, {'k': 'v'})
        self.assertEqual(200, answered.status_code, answered.text)
        image = self.show(image_id)
        self.assertEqual(
            ('active', len(DATA), url, 'web'), (image['status'], image['size'], image['direct_url'], image['stores'])
        )
        self.assertEqual([{'url': url, 'metadata': {'k': 'v', 'store': 'web'}}], image['locations'])
        self.assertEqual(DATA, self.download(image_id).content)

    def test_further_locations(self) -> None:
        image_id = self.create()
        first, second, third = (self.serve(f'/{name}') for name in 'abc')
        self.assertEqual([200, 200], [self.add(image_id, url).status_code for url in (first, second)])
        self.assertEqual(400, self.add(image_id, first).status_code, 'the same again')
        self.assertEqual(400, self.add(image_id, self.serve('/short', b'x')).status_code, 'of another size')
        self.assertEqual(400, self.add(image_id, self.server.url + '/nothing').status_code)
        self.assertEqual(400, self.add(image_id, third, place='-1').status_code)
        self.assertEqual(200, self.add(image_id, third, place='0').status_code)
        self.assertEqual(413, self.add(image_id, self.serve('/d')).status_code)
        self.assertEqual({first, second, third}, set(self.urls(image_id)))

    def test_order_and_descriptions_can_be_replaced(self) -> None:
        image_id = self.create()
        first, second = (self.serve(f'/{name}') for name in 'ab')
        both = [{'url': url, 'metadata': {'n': url[-1]}} for url in (first, second)]
        self.assertEqual(200, self.patch(image_id, ('replace', '/locations', both)).status_code)
        answered = self.patch(image_id, ('replace', '/locations', [{'url': second, 'metadata': {}}, both[0]]))
        self.assertEqual(200, answered.status_code, answered.text)
        self.assertEqual([second, first], self.urls(image_id))
        self.assertEqual({'store': 'web'}, self.show(image_id)['locations'][0]['metadata'])
        for wanted in ([], [both[0]], [{**both[0], 'url': second}, both[1]]):
            self.assertIn(self.patch(image_id, ('replace', '/locations', wanted)).status_code, (400, 403))
        self.assertEqual([second, first], self.urls(image_id))

    def test_removal(self) -> None:
        image_id = self.create()
        first, second = (self.serve(f'/{name}') for name in 'ab')
        for url in (first, second):
            self.add(image_id, url)
        self.assertEqual(403, self.patch(image_id, ('remove', '/locations/0')).status_code)
        self.assertEqual(400, self.patch(image_id, ('remove', '/locations/7'), who='admin').status_code)
        both = [('remove', '/locations/1'), ('remove', '/locations/0')]
        self.assertEqual(403, self.patch(image_id, *both, who='admin').status_code)
        self.assertEqual([first, second], self.urls(image_id))
        removal = self.patch(image_id, ('remove', '/locations/0'), ('replace', '/name', 'n'), who='admin')
        self.assertEqual(200, removal.status_code, removal.text)
        self.assertEqual([second], [location['url'] for location in removal.json()['locations']])
        self.assertEqual(([second], 'n'), (self.urls(image_id), self.show(image_id)['name']))

    def test_removed_copies_leave_the_store(self) -> None:
        image_id = self.create()
        self.upload(image_id, DATA)
        self.assertEqual(200, self.add(image_id, self.serve('/a')).status_code)
        self.assertEqual(200, self.patch(image_id, ('remove', '/locations/0'), who='admin').status_code)
        self.assertEqual([], [name for name in self.service.files() if image_id in name])
        self.assertEqual(DATA, self.download(image_id).content)

    def test_what_users_may_not_name(self) -> None:
        image_id = self.create()
        address = self.server.url.removeprefix('http://')
        self.serve('/a')
        refused = [
            'file:///etc/passwd', 'FILE:///etc/passwd', ' file:///etc/passwd', 'fi\tle:///etc/passwd', 'file:/etc/passwd',
            'filesystem:///etc/passwd', 'swift+config://ref/container/object', 'Swift+Config://ref/container/object',
            f'http://user:hush@{address}/a', f'http://{address}\\@elsewhere/a', 'http://169.254.169.254/latest', 'bogus://x',
            'http://127.0.0.1:1/', '', 'http://', f'http://{address}/a b', f'http://{address}/\u00e4',
        ]  # fmt: skip
        for url in refused:
            answered = self.add(image_id, url)
            self.assertEqual(400, answered.status_code, (url, answered.text))
            self.assertNotIn('hush', answered.text)
        self.assertEqual(('queued', []), (self.show(image_id)['status'], self.urls(image_id)))
        self.assert_no_traceback()

    def test_dangerous_data_is_refused(self) -> None:
        image_id = self.create(disk_format='qcow2')
        url = self.serve('/a', disks.qcow2(backing=True))
        self.assertEqual(415, self.add(image_id, url).status_code)
        self.assertEqual(('queued', None), (self.show(image_id)['status'], self.show(image_id)['size']))

    def test_formats_come_first(self) -> None:
        image_id = self.create(disk_format=None)
        self.assertEqual(400, self.add(image_id, self.serve('/a')).status_code)
        self.assertEqual('queued', self.show(image_id)['status'])

    def test_masked_while_deactivated(self) -> None:
        image_id = self.create()
        url = self.serve('/a')
        self.add(image_id, url)
        self.request('alice', 'POST', f'/v2/images/{image_id}/actions/deactivate')
        image = self.show(image_id)
        self.assertEqual(([], False, False), (image['locations'], 'direct_url' in image, 'stores' in image))
        self.assertEqual([url], [location['url'] for location in self.show(image_id, 'admin')['locations']])
        self.assertEqual(409, self.add(image_id, self.serve('/b')).status_code)
        self.assertEqual(200, self.patch(image_id, ('replace', '/name', 'n')).status_code)
        self.request('alice', 'POST', f'/v2/images/{image_id}/actions/reactivate')
        self.assertEqual([url], self.urls(image_id))

    def test_many_at_once(self) -> None:
        image_id = self.create()
        urls = [self.serve(f'/{number}') for number in range(6)]
        with futures.ThreadPoolExecutor(6) as pool:
            statuses = sorted(pool.map(lambda url: self.add(image_id, url).status_code, urls))
        self.assertEqual([200, 200, 200, 413, 413, 413], statuses)
        self.assertEqual(3, len(set(self.urls(image_id))))
