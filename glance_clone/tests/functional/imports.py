# SPDX-License-Identifier: Apache-2.0
"""What tests of imports have in common."""

from __future__ import annotations

import os
from typing import Any

import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

#: Seconds in which an import of little data ends, on a slow machine.
SOON = 30


class ImportTestCase(base.ServiceTestCase):
    """Tests against a service with two file stores, ``fast`` and ``cheap``."""

    options: service.Options = {
        'DEFAULT': {'enabled_backends': 'fast:file,cheap:file'},
        'cheap': {'filesystem_store_datadir': '${STATE_DIR}/cheap'},
        'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
    }

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        """Return the service, whose workers can be made to die at named places."""
        return service.Service(database_url, cls.launcher, cls.options, with_faults=True)

    def stage(self, image_id: str, data: Any, who: str = 'alice', **kwargs: Any) -> requests.Response:
        """Send data to wait for its import."""
        kwargs['headers'] = {'Content-Type': 'application/octet-stream', **kwargs.get('headers', {})}
        return self.request(who, 'PUT', f'/v2/images/{image_id}/stage', data=data, **kwargs)

    def start_import(self, image_id: str, method: Any = 'glance-direct', who: str = 'alice', **body: Any) -> requests.Response:
        """Ask for an import."""
        method = {'name': method} if isinstance(method, str) else method
        return self.request(who, 'POST', f'/v2/images/{image_id}/import', json={'method': method, **body})

    def tasks(self, image_id: str, who: str = 'admin') -> list[dict[str, Any]]:
        """Return the tasks on an image."""
        return list(self.request(who, 'GET', f'/v2/images/{image_id}/tasks').json()['tasks'])

    def wait_for_import(self, image_id: str, seconds: float = SOON) -> dict[str, Any]:
        """Wait until no import works on an image; return the image."""
        process.wait_until(
            lambda: 'os_glance_import_task' not in self.show(image_id),
            seconds,
            f'end of the import of {image_id}',
            interval=0.1,
        )
        return self.show(image_id)

    def import_now(self, image_id: str, data: bytes, **body: Any) -> dict[str, Any]:
        """Stage data and import it; return the image."""
        self.assertEqual(204, self.stage(image_id, data).status_code)
        answer = self.start_import(image_id, **body)
        self.assertEqual(202, answer.status_code, answer.text)
        return self.wait_for_import(image_id)

    def left(self, image_id: str, *directories: str) -> list[str]:
        """Return the files of an image in some directories; by default in all of them."""
        places = directories or ('staging', 'fast', 'cheap')
        return [f'{place}/{name}' for place in places for name in self.service.files(place) if image_id in name]

    def assert_active(self, image_id: str, data: bytes, stores: str) -> None:
        """Assert that an image has its data, in these stores and nowhere else."""
        image = self.show(image_id)
        self.assertEqual(('active', len(data)), (image['status'], image['size']))
        self.assertEqual(sorted(stores.split(',')), sorted(image['stores'].split(',')))
        self.assertEqual(data, self.download(image_id).content)
        wanted = [f'{store}/{image_id}' for store in ('fast', 'cheap') if store in stores.split(',')]
        self.assertEqual(wanted, self.left(image_id))


def some(size: int) -> bytes:
    """Return random bytes."""
    return os.urandom(size)
