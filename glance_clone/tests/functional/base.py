# SPDX-License-Identifier: Apache-2.0
"""What tests of the running service have in common."""

from __future__ import annotations

from typing import Any
from typing import ClassVar

import requests
from testtools import content

from glance_clone.tests import base
from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import personas
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service

TIMEOUT = 60


class ServiceTestCase(base.TestCase):
    """Tests against one service, which the tests of a class share.

    People act by name: ``self.request('alice', 'GET', '/v2/images')``. Every test has projects of its own.

    :cvar launcher: how the service is started
    :cvar database: kind of its database
    :cvar options: further options of the service
    """

    launcher: ClassVar[str] = service.UWSGI
    database: ClassVar[str] = 'sqlite'
    options: ClassVar[service.Options] = {}
    service: ClassVar[service.Service]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        url = cls.share(database.KINDS[cls.database]()).url
        cls.service = cls.share(cls.make_service(url))

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        """Return the service to test, not yet started."""
        return service.Service(database_url, cls.launcher, cls.options)

    def setUp(self) -> None:
        super().setUp()
        self.personas = personas.Personas()
        self._logged = len(self.service.log())
        self.addOnException(self._attach_log)

    def _attach_log(self, _exc_info: object) -> None:
        self.addDetail('service log', content.text_content(self.log()))

    def log(self) -> str:
        """Return what the service has logged since this test began."""
        return self.service.log()[self._logged :]

    def request(self, who: str | None, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request as somebody, or without identity.

        :param kwargs: as for ``requests.request``; ``headers`` are added to those that say who is asking
        """
        headers = {**(self.personas.headers(who) if who else {}), **kwargs.pop('headers', {})}
        kwargs.setdefault('timeout', TIMEOUT)
        return requests.request(method, self.service.url + path, headers=headers, **kwargs)

    def create(self, who: str = 'alice', **values: Any) -> str:
        """Create an image that is ready for raw data, and return its id."""
        values = {'disk_format': 'raw', 'container_format': 'bare', **values}
        answer = self.request(who, 'POST', '/v2/images', json=values)
        self.assertEqual(201, answer.status_code, answer.text)
        return str(answer.json()['id'])

    def upload(self, image_id: str, data: Any, who: str = 'alice', **kwargs: Any) -> requests.Response:
        """Send data for an image; an iterator is sent in chunks, without announcing a length."""
        kwargs['headers'] = {'Content-Type': 'application/octet-stream', **kwargs.get('headers', {})}
        return self.request(who, 'PUT', f'/v2/images/{image_id}/file', data=data, **kwargs)

    def download(self, image_id: str, who: str = 'alice', **kwargs: Any) -> requests.Response:
        """Ask for the data of an image."""
        return self.request(who, 'GET', f'/v2/images/{image_id}/file', **kwargs)

    def show(self, image_id: str, who: str = 'alice') -> dict[str, Any]:
        """Return the image as the API shows it."""
        answer = self.request(who, 'GET', f'/v2/images/{image_id}')
        self.assertEqual(200, answer.status_code, answer.text)
        return dict(answer.json())

    def wait_for_status(self, image_id: str, status: str, seconds: float = 10) -> None:
        """Wait until the image has the status."""
        process.wait_until(lambda: self.show(image_id)['status'] == status, seconds, f'image {image_id} {status}', interval=0.1)

    def assert_no_traceback(self) -> None:
        """Assert that this test made the service log no traceback."""
        self.assertNotIn('Traceback', self.log())

    def assert_nothing_left(self, image_id: str) -> None:
        """Assert that an image waits for data as if none had ever been sent, and that no store holds any."""
        image = self.show(image_id)
        known = {name: image[name] for name in ('status', 'size', 'checksum', 'os_hash_value', 'virtual_size')}
        wanted = {'status': 'queued', 'size': None, 'checksum': None, 'os_hash_value': None, 'virtual_size': None}
        self.assertEqual(wanted, known)
        self.assertEqual([], [name for name in self.service.files() if image_id in name])
