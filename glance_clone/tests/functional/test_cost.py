# SPDX-License-Identifier: Apache-2.0
"""What requests cost, in figures that do not depend on how busy the machine is.

SQL statements, and calls of Python functions, each of one request to a warm service. Calls are those of the tested
versions of the libraries; the bounds leave a quarter of room for others. Whoever makes a request cheaper lowers its bound.
"""

from __future__ import annotations

import io
import itertools
import json
import sys
from typing import Any

import sqlalchemy as sa

from glance_clone.tests import base
from glance_clone.tests.functional import gabbi_fixtures
from glance_clone.transfer import pipeline

_CALLER = {
    'HTTP_X_IDENTITY_STATUS': 'Confirmed',
    'HTTP_X_USER_ID': 'alice',
    'HTTP_X_PROJECT_ID': 'a',
    'HTTP_X_ROLES': 'member,reader',
}
_PATCH = 'application/openstack-images-v2.1-json-patch'
_PAGE = 25
_WARM_UP = 5


def _document(name: str) -> dict[str, Any]:
    properties = {f'property_{number}': f'value {number}' for number in range(8)}
    formats = {'disk_format': 'raw', 'container_format': 'bare'}
    return {'name': name, 'tags': ['red', 'blue', 'green'], 'visibility': 'shared', **formats, **properties}


class CostTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        service = gabbi_fixtures.ImageService()
        service.start_fixture()
        self.addCleanup(service.stop_fixture)
        self.application = gabbi_fixtures.application()
        self.images = [self._create(str(number)) for number in range(2 * _PAGE)]

    def _call(
        self,
        method: str,
        path: str,
        document: Any = None,
        media_type: str = 'application/json',
        body: bytes = b'',
        **caller: str,
    ) -> bytes:
        body = body if document is None else json.dumps(document).encode()
        path, _, query = path.partition('?')
        statuses: list[str] = []
        environ = {
            'REQUEST_METHOD': method, 'SCRIPT_NAME': '', 'PATH_INFO': path, 'QUERY_STRING': query,
            'SERVER_NAME': 'localhost', 'SERVER_PORT': '80', 'SERVER_PROTOCOL': 'HTTP/1.1', 'HTTP_HOST': 'localhost',
            'CONTENT_LENGTH': str(len(body)), 'CONTENT_TYPE': media_type, 'wsgi.input': io.BytesIO(body),
            'wsgi.errors': sys.stderr, 'wsgi.url_scheme': 'http', 'wsgi.version': (1, 0), 'wsgi.multithread': True,
            'wsgi.multiprocess': True, 'wsgi.run_once': False, **_CALLER, **caller,
        }  # fmt: skip
        answer = b''.join(self.application(environ, lambda status, *_: statuses.append(status)))
        self.assertEqual('2', statuses[0][0], answer)
        return answer

    def _create(self, name: str) -> str:
        return str(json.loads(self._call('POST', '/v2/images', _document(name)))['id'])

    def _require(self, request: Any, statements: int, calls: int) -> None:
        """Assert that a request sends as many statements, and calls at most as many functions."""
        for _ in range(_WARM_UP):
            request()
        self.assertEqual(statements, self._statements(request))
        found = min(self._calls(request) for _ in range(3))
        self.assertTrue(found <= calls * 1.25, f'{found} calls; there were {calls}')

    def _statements(self, request: Any) -> int:
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if not statement.startswith('BEGIN'):
                sent.append(statement)

        sa.event.listen(sa.Engine, 'before_cursor_execute', note)
        try:
            request()
        finally:
            sa.event.remove(sa.Engine, 'before_cursor_execute', note)
        return len(sent)

    @staticmethod
    def _calls(request: Any) -> int:
        count = 0

        def note(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal count
            count += event in ('call', 'c_call')

        sys.setprofile(note)
        try:
            request()
        finally:
            sys.setprofile(None)
        return count

    def test_show(self) -> None:
        self._require(lambda: self._call('GET', f'/v2/images/{self.images[0]}'), 2, 830)

    def test_list(self) -> None:
        for size, calls in ((1, 1060), (_PAGE, 2480)):
            self._require(lambda size=size: self._call('GET', f'/v2/images?limit={size}'), 2, calls)

    def test_filtered_list(self) -> None:
        path = f'/v2/images?tag=red&property_3=value+3&sort=name:asc&limit={_PAGE}'
        self._require(lambda: self._call('GET', path), 2, 2750)

    def test_create(self) -> None:
        self._require(lambda: self._create('new'), 3, 1650)

    def test_patch(self) -> None:
        numbers = itertools.count()

        def change() -> None:
            number = str(next(numbers))
            changes = [{'op': 'replace', 'path': path, 'value': number} for path in ('/name', '/property_1')]
            self._call('PATCH', f'/v2/images/{self.images[0]}', changes, _PATCH)

        self._require(change, 4, 1670)

    def test_add_tag(self) -> None:
        numbers = itertools.count()
        self._require(lambda: self._call('PUT', f'/v2/images/{self.images[0]}/tags/{next(numbers)}'), 5, 1640)

    def test_upload(self) -> None:
        """Of each further block there are few calls in the thread of the request; other threads hash and write."""
        small, large = (min(self._calls_of_upload(blocks) for _ in range(2)) for blocks in (3, 11))
        self.assertTrue(0 < (large - small) / 8 <= 96 * 1.25, f'{(large - small) / 8} calls of a block')

    def _calls_of_upload(self, blocks: int) -> int:
        path, data = f'/v2/images/{self._create("data")}/file', bytes(blocks * pipeline.BLOCK)
        return self._calls(lambda: self._call('PUT', path, media_type='application/octet-stream', body=data))

    def test_list_members(self) -> None:
        for number in range(10):
            self._call('POST', f'/v2/images/{self.images[0]}/members', {'member': f'b{number}'})
        self._require(lambda: self._call('GET', f'/v2/images/{self.images[0]}/members'), 3, 1210)

    def test_show_namespace(self) -> None:
        definitions = {f'property_{number}': {'title': str(number), 'type': 'string'} for number in range(5)}
        document = {
            'namespace': 'OS::Costly',
            'properties': definitions,
            'objects': [{'name': f'object_{number}', 'properties': definitions} for number in range(3)],
            'resource_type_associations': [{'name': f'OS::Type::{number}'} for number in range(3)],
            'tags': [{'name': f'tag_{number}'} for number in range(3)],
            'visibility': 'public',
        }
        self._call('POST', '/v2/metadefs/namespaces', document, HTTP_X_ROLES='admin')
        self._require(lambda: self._call('GET', '/v2/metadefs/namespaces/OS::Costly'), 3, 1690)
