# SPDX-License-Identifier: Apache-2.0
"""Two API nodes with one database and the same stores, each with a staging directory of its own (contract, section 6)."""

from __future__ import annotations

import os
from typing import Any

import requests
import sqlalchemy as sa

from glance_clone.tests import base
from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import hostile
from glance_clone.tests.fixtures import personas
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures import tokens

_SOON = 30
_OCTETS = {'Content-Type': 'application/octet-stream'}


def _node(database_url: str, store: str | None = None) -> service.Service:
    """Return one node, which names itself by its own address."""
    paste = service.etc_file(service.PASTE_FILE).read_text().replace(tokens.SHIPPED, tokens.FILTER)
    options: dict[str, dict[str, Any]] = {
        'DEFAULT': {'worker_self_reference_url': 'http://127.0.0.1:${PORT}', 'enabled_backends': 'fast:file,cheap:file'},
        'cheap': {'filesystem_store_datadir': '${STATE_DIR}/cheap'},
    }
    if store:
        options['fast'] = {'filesystem_store_datadir': store}
    return service.Service(database_url, options=options, paste=paste, processes=1)


class NodesTest(base.TestCase):
    """Requests that reach the node which has not the staged data."""

    here: service.Service
    there: service.Service

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        url = cls.share(database.KINDS['sqlite']()).url
        cls.here = cls.share(_node(url))
        cls.there = cls.share(_node(url, str(cls.here.state / 'fast')))

    def setUp(self) -> None:
        super().setUp()
        self.personas = personas.Personas()
        self.data = os.urandom(300_000)

    def request(self, node: service.Service, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request of alice to a node."""
        headers = {'X-Auth-Token': tokens.token(self.personas.headers('alice')), **kwargs.pop('headers', {})}
        return requests.request(method, node.url + path, headers=headers, timeout=60, **kwargs)

    def staged(self, node: service.Service) -> str:
        """Return an image whose data is staged at a node."""
        values = {'disk_format': 'raw', 'container_format': 'bare'}
        image_id = str(self.request(node, 'POST', '/v2/images', json=values).json()['id'])
        answer = self.request(node, 'PUT', f'/v2/images/{image_id}/stage', data=self.data, headers=_OCTETS)
        self.assertEqual(204, answer.status_code, answer.text)
        self.assertIn(image_id, node.files('staging'))
        return image_id

    def start_import(self, node: service.Service, image_id: str, **headers: str) -> requests.Response:
        """Ask a node for an import."""
        method = {'method': {'name': 'glance-direct'}}
        return self.request(node, 'POST', f'/v2/images/{image_id}/import', json=method, headers=headers)

    def move(self, image_id: str, url: str) -> None:
        """Pretend that the data of an image is staged at another address."""
        statement = "UPDATE image_properties SET value = :url WHERE image_id = :id AND name = 'os_glance_stage_host'"
        engine = sa.create_engine(self.here.database)
        with engine.begin() as connection:
            self.assertEqual(1, connection.execute(sa.text(statement), {'url': url, 'id': image_id}).rowcount)
        engine.dispose()

    def test_the_host_is_no_business_of_clients(self) -> None:
        image_id = self.staged(self.here)
        self.assertNotIn('os_glance_stage_host', self.request(self.here, 'GET', f'/v2/images/{image_id}').json())
        for query, count in (('', 1), (f'?os_glance_stage_host={self.here.url}', 0)):
            self.assertEqual(count, len(self.request(self.here, 'GET', f'/v2/images{query}').json()['images']), query)

    def test_an_import_is_sent_on_to_the_node_that_has_the_data(self) -> None:
        image_id = self.staged(self.there)
        answer = self.start_import(self.here, image_id)
        self.assertEqual((202, ''), (answer.status_code, answer.text))

        def is_active() -> bool:
            return bool(self.request(self.here, 'GET', f'/v2/images/{image_id}').json()['status'] == 'active')

        process.wait_until(is_active, _SOON, 'the image is active')
        self.assertEqual(self.data, self.request(self.here, 'GET', f'/v2/images/{image_id}/file').content)
        self.assertEqual([], [name for name in self.there.files('staging') if image_id in name])
        task = self.request(self.here, 'GET', f'/v2/images/{image_id}/tasks').json()['tasks'][0]
        self.assertEqual(task['request_id'], answer.headers['x-openstack-request-id'])

    def test_the_store_that_a_header_names_is_sent_on(self) -> None:
        image_id = self.staged(self.there)
        self.assertEqual(202, self.start_import(self.here, image_id, **{'X-Image-Meta-Store': 'cheap'}).status_code)
        path = f'/v2/images/{image_id}'
        process.wait_until(
            lambda: self.request(self.here, 'GET', path).json()['status'] == 'active', _SOON, 'the image is active'
        )
        self.assertEqual('cheap', self.request(self.here, 'GET', path).json()['stores'])

    def test_a_delete_is_sent_on_too(self) -> None:
        image_id = self.staged(self.there)
        self.assertEqual(204, self.request(self.here, 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.request(self.here, 'GET', f'/v2/images/{image_id}').status_code)
        self.assertEqual([], [name for name in self.there.files('staging') if image_id in name])

    def test_a_dead_node(self) -> None:
        image_id = self.staged(self.there)
        self.move(image_id, f'http://127.0.0.1:{process.free_port()}')
        self.assertEqual(504, self.start_import(self.here, image_id).status_code)
        self.assertEqual('uploading', self.request(self.here, 'GET', f'/v2/images/{image_id}').json()['status'])
        self.assertEqual(204, self.request(self.here, 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.request(self.here, 'GET', f'/v2/images/{image_id}').status_code)

    def test_a_node_that_answers_wrongly(self) -> None:
        cases = (
            (hostile.answer(status='500 Internal Server Error'), 500, 204),
            (hostile.answer(status='409 Conflict'), 409, 409),
            (hostile.answer(status='302 Found', Location='http://127.0.0.1/'), 502, 204),
            (b'nonsense\r\n\r\n', (502, 504), 204),
        )
        for answer, imported, deleted in cases:
            with self.subTest(answer=answer):
                image_id = self.staged(self.here)
                path = f'/v2/images/{image_id}'
                behaviour = hostile.sends(answer)
                web = self.useFixture(hostile.HostileServer({path: behaviour, f'{path}/import': behaviour}))
                self.move(image_id, web.url)
                status = self.start_import(self.here, image_id).status_code
                self.assertIn(status, imported if isinstance(imported, tuple) else (imported,))
                self.assertEqual(deleted, self.request(self.here, 'DELETE', path).status_code)

    def test_data_that_is_not_where_it_should_be(self) -> None:
        image_id = self.staged(self.here)
        self.move(image_id, self.there.url)
        self.assertEqual(202, self.start_import(self.here, image_id).status_code)
        path = f'/v2/images/{image_id}'
        process.wait_until(
            lambda: self.request(self.here, 'GET', path).json()['status'] == 'queued', _SOON, 'the image is queued'
        )
        self.assertIn('not on this node', self.request(self.here, 'GET', path).json()['os_glance_import_error'])

    def test_a_request_that_was_sent_on_stays(self) -> None:
        image_id = self.staged(self.there)
        answer = self.start_import(self.here, image_id, **{'X-OpenStack-Glance-Forwarded': 'true'})
        self.assertEqual(409, answer.status_code)
        self.assertEqual('uploading', self.request(self.here, 'GET', f'/v2/images/{image_id}').json()['status'])
