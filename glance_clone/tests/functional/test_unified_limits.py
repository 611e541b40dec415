# SPDX-License-Identifier: Apache-2.0
"""Unified limits of a real Keystone: what may be had, what is had, and what is shown of both."""

from __future__ import annotations

import concurrent.futures
from typing import Any
from typing import ClassVar

import requests

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import personas
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_MIB = 1 << 20
_PLENTY = {
    'image_size_total': 1000,
    'image_stage_total': 1000,
    'image_count_total': 1000,
    'image_count_uploading': 1000,
}


class _KeystonePersonas(personas.Personas):
    """The people of Keystone's projects, under trusted headers."""

    def __init__(self, projects: dict[str, str]):
        super().__init__()
        self._projects.update({name: projects[name] for name in ('A', 'B')})


class UnifiedLimitsTest(base.ServiceTestCase):
    """Limits are asked of Keystone; identity comes from trusted headers, to keep the test short."""

    keystone: ClassVar[keystone.Keystone]

    @classmethod
    def setUpClass(cls) -> None:
        cls.keystone = keystone.shared()
        super().setUpClass()

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        cls.keystone.register('http://127.0.0.1:9292')
        options = {'DEFAULT': {'use_keystone_limits': True}, 'oslo_limit': cls.keystone.oslo_limit()}
        return service.Service(database_url, options=options)

    def setUp(self) -> None:
        super().setUp()
        self.personas = _KeystonePersonas(self.keystone.projects)
        self.addCleanup(self.keystone.forget_limits)
        self.addCleanup(self._delete_images)

    def _delete_images(self) -> None:
        for image in self.request('admin', 'GET', '/v2/images?limit=1000').json()['images']:
            self.request('admin', 'DELETE', f'/v2/images/{image["id"]}')

    def limit(self, **numbers: int) -> None:
        """Set the limits of all projects; what is not named has plenty."""
        self.keystone.limit(**{**_PLENTY, **numbers})

    def usage(self, who: str = 'alice') -> dict[str, Any]:
        """Return usage and limit as the API tells them."""
        answer = self.request(who, 'GET', '/v2/info/usage')
        self.assertEqual(200, answer.status_code, answer.text)
        return dict(answer.json()['usage'])

    def post(self, who: str = 'alice', **values: Any) -> requests.Response:
        """Try to create an image."""
        return self.request(who, 'POST', '/v2/images', json=values)

    def test_number_of_images(self) -> None:
        self.limit(image_count_total=2)
        self.assertEqual([201, 201, 413], [self.post().status_code for _number in range(3)])
        self.assertEqual({'usage': 2, 'limit': 2}, self.usage()['image_count_total'])
        self.assertEqual(201, self.post('bob').status_code)
        mine = self.post('admin', owner=self.personas.project('alice'))
        self.assertEqual(413, mine.status_code, 'an administrator fills the quota of the owner')

    def test_images_of_tasks_count(self) -> None:
        self.limit(image_count_total=1)
        self.assertEqual(201, self.post('admin').status_code)
        properties = {'disk_format': 'raw', 'container_format': 'bare', 'owner': self.personas.project('admin')}
        wanted = {'import_from': 'http://192.0.2.1/x', 'import_from_format': 'raw', 'image_properties': properties}
        answer = self.request('admin', 'POST', '/v2/tasks', json={'type': 'import', 'input': wanted})
        path = answer.json()['self']
        process.wait_until(lambda: 'expires_at' in self.request('admin', 'GET', path).json(), 10, 'its end', interval=0.1)
        task = self.request('admin', 'GET', path).json()
        self.assertEqual('failure', task['status'])
        self.assertIn('image_count_total', task['message'])
        self.assertNotIn('image_id', task)

    def test_many_images_at_once(self) -> None:
        self.limit(image_count_total=5)
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            statuses = sorted(answer.status_code for answer in pool.map(lambda _n: self.post(), range(12)))
        self.assertEqual([201] * 5 + [413] * 7, statuses)

    def test_stored_bytes(self) -> None:
        self.limit(image_size_total=2)
        first, second = self.create(), self.create()
        self.assertEqual(204, self.upload(first, b'x' * _MIB).status_code)
        refused = self.upload(second, b'x' * 2 * _MIB)
        self.assertEqual(413, refused.status_code)
        self.assertIn('image_size_total', refused.text)
        self.assert_nothing_left(second)
        chunked = self.upload(second, iter([b'x' * _MIB, b'x' * _MIB]))
        self.assertEqual(413, chunked.status_code)
        self.assert_nothing_left(second)
        self.assertEqual(204, self.upload(second, b'x' * _MIB).status_code)
        self.assertEqual({'usage': 2, 'limit': 2}, self.usage()['image_size_total'])
        self.assertEqual({'usage': 0, 'limit': 2}, self.usage('bob')['image_size_total'])

    def test_parts_of_a_mib_add_up(self) -> None:
        self.limit(image_size_total=1)
        statuses = [self.upload(self.create(), b'x' * (_MIB // 2)).status_code for _number in range(5)]
        self.assertEqual([204, 204, 204, 413, 413], statuses)

    def test_uploads_at_the_same_time(self) -> None:
        self.limit(image_count_uploading=0)
        image_id = self.create()
        refused = self.upload(image_id, b'x')
        self.assertEqual(413, refused.status_code)
        self.assertIn('image_count_uploading', refused.text)
        self.assert_nothing_left(image_id)
        self.limit(image_count_uploading=1)
        self.assertEqual(204, self.upload(image_id, b'x').status_code)
        self.assertEqual({'usage': 0, 'limit': 1}, self.usage()['image_count_uploading'])

    def stage(self, image_id: str, size: int) -> int:
        """Stage data; return the status of the answer."""
        headers = {'Content-Type': 'application/octet-stream'}
        return self.request('alice', 'PUT', f'/v2/images/{image_id}/stage', data=b'x' * size, headers=headers).status_code

    def test_staged_bytes(self) -> None:
        self.limit(image_stage_total=2, image_size_total=0, image_count_uploading=2)
        first, second, third = (self.create() for _number in range(3))
        self.assertEqual(413, self.stage(first, 3 * _MIB))
        self.assert_nothing_left(first)
        self.assertEqual(204, self.stage(first, _MIB))
        self.assertEqual(413, self.stage(second, 2 * _MIB))
        self.assertEqual(204, self.stage(second, _MIB))
        usage = self.usage()
        self.assertEqual({'usage': 2, 'limit': 2}, usage['image_stage_total'])
        self.assertEqual({'usage': 2, 'limit': 2}, usage['image_count_uploading'])
        self.assertEqual({'usage': 0, 'limit': 0}, usage['image_size_total'])
        self.assertEqual(413, self.stage(third, 1), 'two are on their way already')
        self.request('alice', 'DELETE', f'/v2/images/{first}')
        self.assertEqual(204, self.stage(third, 1))

    def test_what_is_not_registered_is_not_allowed(self) -> None:
        self.keystone.limit()
        self.assertEqual(413, self.post().status_code)
        self.assertEqual({name: {'usage': 0, 'limit': 0} for name in _PLENTY}, self.usage())

    def test_a_limit_of_the_project_wins(self) -> None:
        self.limit(image_count_total=1)
        self.keystone.limit_project('A', image_count_total=2)
        self.assertEqual([201, 201, 413], [self.post().status_code for _number in range(3)])
        self.assertEqual([201, 413], [self.post('bob').status_code for _number in range(2)])

    def test_unlimited(self) -> None:
        self.limit(image_count_total=-1, image_size_total=-1)
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, b'x' * 10).status_code)
        self.assertEqual({'usage': 1, 'limit': -1}, self.usage()['image_count_total'])

    def test_keystone_is_away(self) -> None:
        """What takes nothing goes on; what takes something can be tried again."""
        self.limit()
        image_id = self.create()
        self.keystone.process.stop()
        try:
            answer = self.post()
            self.assertEqual(503, answer.status_code, answer.text)
            self.assertIn('Retry-After', answer.headers)
            self.assertEqual(503, self.upload(image_id, b'x').status_code)
            self.assertEqual(200, self.request('alice', 'GET', '/v2/images').status_code)
            patch = [{'op': 'add', 'path': '/a', 'value': 'b'}]
            headers = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
            changed = self.request('alice', 'PATCH', f'/v2/images/{image_id}', json=patch, headers=headers)
            self.assertEqual(200, changed.status_code)
        finally:
            self.keystone.process.start()
        process.wait_until(lambda: self.upload(image_id, b'x').status_code == 204, 40, 'Keystone answers again', interval=1)
        self.assert_no_traceback()


class NoLimitsTest(base.ServiceTestCase):
    """Without unified limits there is nothing to be shown."""

    def test_usage(self) -> None:
        answer = self.request('alice', 'GET', '/v2/info/usage')
        self.assertEqual((200, {'usage': {}}), (answer.status_code, answer.json()))
        self.assertEqual(404, self.request('alice', 'POST', '/v2/info/usage', json={}).status_code)
        self.assertEqual(401, self.request(None, 'GET', '/v2/info/usage').status_code)
