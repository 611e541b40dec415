# SPDX-License-Identifier: Apache-2.0
"""What nobody should send: each has its status, and leaves no row, no bytes and no traceback behind."""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import disk
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_MIB = 1024 * 1024
_SIZE_CAP = 32 * _MIB
#: As large as clients send them; uWSGI takes chunks of less than 1 MiB unless it is told otherwise.
_CHUNK = 64 * 1024


def _nested(levels: int) -> bytes:
    return b'{"a":' * levels + b'1' + b'}' * levels


_MALFORMED = {
    'nothing': b'',
    'an open brace': b'{',
    'a list': b'[]',
    'a list of objects': b'[{"name": "x"}]',
    'a string': b'"x"',
    'a number': b'5',
    'null': b'null',
    'no value': b'{"name": }',
    'a comma too many': b'{"name": "x",}',
    'single quotes': b"{'name': 'x'}",
    'more than one document': b'{} {}',
    'not a number': b'{"min_disk": NaN}',
    'infinity': b'{"min_disk": -Infinity}',
    'a number beyond all bounds': b'{"min_disk": 1e999}',
    'a byte order mark': b'\xef\xbb\xbf{}',
    'bytes that are no UTF-8': b'{"name": "\xff\xfe"}',
    'a number of many digits': b'{"min_disk": ' + b'9' * 5000 + b'}',
    '40 levels': _nested(40),
    '20000 levels': _nested(20_000),
    '60000 levels without end': b'[' * 60_000,
    '20000 values': json.dumps({'tags': ['x'] * 20_000}).encode(),
    'a NUL': b'{"name": "a\\u0000b"}',
    'a NUL in a property name': b'{"a\\u0000b": "x"}',
    'half a surrogate pair': b'{"name": "\\ud800"}',
    'half a surrogate pair in a tag': b'{"tags": ["\\udfff"]}',
}

_EMOJI = '\U0001f600'

_WRONG_VALUES: dict[str, dict[str, Any]] = {
    'name is a number': {'name': 5},
    'name is too long': {'name': 'x' * 256},
    'name beyond the BMP': {'name': _EMOJI},
    'protected is a string': {'protected': 'true'},
    'min_disk is a string': {'min_disk': '1'},
    'min_disk is a boolean': {'min_disk': True},
    'min_disk is negative': {'min_disk': -1},
    'min_ram is too large': {'min_ram': 2**31},
    'min_ram is a fraction': {'min_ram': 1.5},
    'visibility is unknown': {'visibility': 'secret'},
    'visibility is null': {'visibility': None},
    'disk_format is unknown': {'disk_format': 'nonesuch'},
    'container_format is empty': {'container_format': ''},
    'id is no UUID': {'id': 'my-image'},
    'id is null': {'id': None},
    'owner is too long': {'owner': 'x' * 256},
    'tags is a string': {'tags': 'x'},
    'a tag is a number': {'tags': [5]},
    'a tag is too long': {'tags': ['x' * 256]},
    'a tag beyond the BMP': {'tags': [_EMOJI]},
    'a property is a number': {'os_version': 12},
    'a property is null': {'os_version': None},
    'a property is an object': {'os_version': {}},
    'a property name is too long': {'x' * 256: 'x'},
    'a property name beyond the BMP': {_EMOJI: 'x'},
    'a property beyond the BMP': {'os_version': _EMOJI},
}

_FORBIDDEN: dict[str, dict[str, Any]] = {
    'status': {'status': 'active'},
    'checksum': {'checksum': 'd41d8cd98f00b204e9800998ecf8427e'},
    'locations': {'locations': []},
    'location': {'location': 'file:///etc/passwd'},
    'reserved property': {'os_glance_import_task': 'x'},
    'a link': {'self': '/v2/images/x'},
    'the owner': {'owner': 'somebody-else'},
    'public': {'visibility': 'public'},
}

_TOO_MANY: dict[str, dict[str, Any]] = {
    'properties': {f'property{number}': 'x' for number in range(129)},
    'tags': {'tags': [f'tag{number}' for number in range(129)]},
    'bytes': {f'property{number}': 'x' * 60_000 for number in range(5)},
}


class _BadInput:
    """The tests; the classes below say where they run."""

    options = {'DEFAULT': {'image_size_cap': _SIZE_CAP}}

    def _post(self, body: bytes) -> int:
        headers = {'Content-Type': 'application/json'}
        return int(self.request('alice', 'POST', '/v2/images', data=body, headers=headers).status_code)

    def _assert_refused(self, status: int, bodies: dict[str, bytes]) -> None:
        """Assert that each body has the status, and that none of them made an image or a traceback."""
        found = {what: self._post(body) for what, body in bodies.items()}
        self.assertEqual(dict.fromkeys(bodies, status), found)
        self.assertEqual([], self.request('admin', 'GET', f'/v2/images?owner={self.personas.project("alice")}')
                         .json()['images'])  # fmt: skip
        self.assert_no_traceback()

    def test_malformed_json(self) -> None:
        self._assert_refused(400, _MALFORMED)

    def test_wrong_values(self) -> None:
        self._assert_refused(400, {what: json.dumps(body).encode() for what, body in _WRONG_VALUES.items()})

    def test_what_the_service_decides(self) -> None:
        self._assert_refused(403, {what: json.dumps(body).encode() for what, body in _FORBIDDEN.items()})

    def test_too_many(self) -> None:
        self._assert_refused(413, {what: json.dumps(body).encode() for what, body in _TOO_MANY.items()})

    def test_malformed_json_is_cheap(self) -> None:
        started = time.monotonic()
        self.assertEqual(400, self._post(b'[' * 250_000))
        self.assertLess(time.monotonic() - started, 2)

    def test_unknown_images(self) -> None:
        octets = {'Content-Type': 'application/octet-stream'}
        for image_id in (str(uuid.uuid4()), str(uuid.uuid4()).upper(), 'x', 'x' * 300, '-', '..%2f..%2fetc', '%C3%BC'):
            path = f'/v2/images/{image_id}'
            for method, url, headers in (
                ('GET', path, {}),
                ('DELETE', path, {}),
                ('GET', f'{path}/file', {}),
                ('PUT', f'{path}/file', octets),
            ):
                answer = self.request('alice', method, url, data=b'x' if headers else None, headers=headers)
                self.assertEqual(404, answer.status_code, f'{method} {url}')
        for image_id in ('%00', '%ff', '%ed%a0%80'):
            answer = self.request('alice', 'GET', f'/v2/images/{image_id}')
            self.assertIn(answer.status_code, (400, 404), image_id)
        self.assert_no_traceback()

    def test_bad_list_parameters(self) -> None:
        for query in (
            'limit=-1',
            'limit=x',
            'limit=1.5',
            'limit=',
            'marker=' + str(uuid.uuid4()),
            'marker=' + 'x' * 1000,
            'marker=%00',
            'marker=%ff',
            'limit=' + '9' * 4000,
        ):
            answer = self.request('alice', 'GET', f'/v2/images?{query}')
            wanted = 200 if query.startswith('limit=999') else 400
            self.assertEqual(wanted, answer.status_code, query[:40])
        self.assert_no_traceback()

    def test_wrong_methods(self) -> None:
        image = f'/v2/images/{self.create()}'
        for method, path, allowed in (
            ('DELETE', '/v2/images', 'GET, POST'),
            ('HEAD', '/v2/images', 'GET, POST'),
            ('POST', image, 'GET, PATCH, DELETE'),
            ('FROB', image, 'GET, PATCH, DELETE'),
            ('POST', f'{image}/file', 'GET, PUT'),
            ('DELETE', '/v2/schemas/image', 'GET'),
        ):
            answer = self.request('alice', method, path)
            self.assertEqual(405, answer.status_code, f'{method} {path}')
            self.assertLessEqual(set(answer.headers['Allow'].split(', ')), set(allowed.split(', ')), path)
        self.assertEqual(404, self.request('alice', 'GET', '/v2/nonesuch').status_code)
        self.assertEqual(501, self.request('alice', 'FROB', '/v2/nonesuch').status_code)
        self.assert_no_traceback()

    def test_wrong_media_types(self) -> None:
        image_id = self.create()
        for media_type in ('text/plain', 'application/json', 'application/octet', '', 'x' * 3000):
            answer = self.upload(image_id, b'data', headers={'Content-Type': media_type})
            self.assertEqual(415, answer.status_code, media_type[:40])
        self.assert_nothing_left(image_id)

    def test_bad_ranges(self) -> None:
        image_id = self.create()
        self.upload(image_id, b'x' * 1024)
        for asked, status in (
            ('bytes=1024-', 416),
            ('bytes=5-4', 416),
            ('bytes=a-b', 416),
            ('bytes=', 416),
            ('bytes=-', 416),
            ('lines=1-2', 416),
            ('0-1', 416),
            ('bytes=' + '9' * 5000 + '-', 416),
            ('bytes=0-1,3-4', 400),
            ('bytes=' + '0-1,' * 1000, 400),
        ):
            answer = self.download(image_id, headers={'Range': asked})
            self.assertEqual(status, answer.status_code, asked[:40])
        self.assert_no_traceback()

    def test_wrong_sizes(self) -> None:
        for size in ('3', '5', '-4', 'four', '4.0', '9' * 4000):
            image_id = self.create()
            answer = self.upload(image_id, b'data', headers={'x-openstack-image-size': size})
            self.assertEqual(400, answer.status_code, size[:40])
            self.assert_nothing_left(image_id)
            self.assertEqual(204, self.upload(image_id, b'data').status_code)
        self.assert_no_traceback()

    def test_unknown_store(self) -> None:
        image_id = self.create()
        answer = self.upload(image_id, b'data', headers={'X-Image-Meta-Store': 'nonesuch'})
        self.assertEqual(400, answer.status_code)
        self.assert_nothing_left(image_id)

    def test_data_before_formats(self) -> None:
        image_id = self.create(disk_format=None)
        self.assertEqual(400, self.upload(image_id, b'data').status_code)
        self.assert_nothing_left(image_id)

    def test_data_of_another_format(self) -> None:
        image_id = self.create(disk_format='qcow2')
        self.assertEqual(415, self.upload(image_id, os.urandom(3 * _MIB)).status_code)
        self.assert_nothing_left(image_id)
        self.assert_no_traceback()

    def test_more_than_the_cap(self) -> None:
        image_id = self.create()
        self.assertEqual(413, self._send_too_much(image_id).status_code)
        self.assert_nothing_left(image_id)
        self.assertEqual(413, self.upload(image_id, iter([b'x' * _CHUNK] * (_SIZE_CAP // _CHUNK + 1))).status_code)
        self.assert_nothing_left(image_id)
        self.assertEqual(204, self.upload(image_id, b'less').status_code)
        self.assert_no_traceback()

    def _send_too_much(self, image_id: str) -> Any:
        return self.upload(image_id, b'x' * (_SIZE_CAP + 1))

    def test_upload_to_a_deleted_image(self) -> None:
        image_id = self.create()
        self.request('alice', 'DELETE', f'/v2/images/{image_id}')
        self.assertEqual(404, self.upload(image_id, b'data').status_code)
        self.assertNotIn(image_id, ' '.join(self.service.files()))

    def test_second_upload_while_the_first_runs(self) -> None:
        image_id = self.create()
        data = os.urandom(6 * _MIB)
        second = []

        def body() -> Iterator[bytes]:
            for start in range(0, len(data), _CHUNK):
                if start == 4 * _MIB:
                    self.wait_for_status(image_id, 'saving')
                    second.append(self.upload(image_id, b'other').status_code)
                yield data[start : start + _CHUNK]

        self.assertEqual(204, self.upload(image_id, body()).status_code)
        self.assertEqual([409], second)
        self.assertTrue(data == self.download(image_id).content, 'the data differ')

    def _connect(self, head: str, *headers: str) -> socket.socket:
        """Send the head of a request of alice, and return the connection to send the body."""
        lines = [f'{head} HTTP/1.1', 'Host: image', *headers]
        lines += [f'{name}: {value}' for name, value in self.personas.headers('alice').items()]
        connection = socket.create_connection(('127.0.0.1', self.service.port), timeout=base.TIMEOUT)
        self.addCleanup(connection.close)
        connection.sendall('\r\n'.join([*lines, '', '']).encode())
        return connection

    def _cut_upload(self, *headers: str, body: bytes) -> None:
        """Assert that an image waits for data again after its upload ended before the end of the body."""
        image_id = self.create()
        octets = 'Content-Type: application/octet-stream'
        connection = self._connect(f'PUT /v2/images/{image_id}/file', octets, *headers)
        connection.sendall(body)
        self.wait_for_status(image_id, 'saving')
        connection.close()
        self.wait_for_status(image_id, 'queued')
        process.wait_until(lambda: image_id not in ' '.join(self.service.files()), 10, f'the bytes of {image_id} are removed')
        self.assert_nothing_left(image_id)
        self.assertIn(image_id, self.log())
        self.assert_no_traceback()
        self.assertEqual(204, self.upload(image_id, b'all of it').status_code)

    def test_cut_body(self) -> None:
        self._cut_upload(f'Content-Length: {10 * _MIB}', body=b'x' * 3 * _MIB)

    def test_cut_body_at_once(self) -> None:
        self._cut_upload('Content-Length: 10', body=b'')

    def test_cut_chunks(self) -> None:
        chunk = b'10000\r\n' + b'x' * _CHUNK + b'\r\n'
        self._cut_upload('Transfer-Encoding: chunked', body=chunk * 48)

    def test_cut_inside_of_a_chunk(self) -> None:
        self._cut_upload('Transfer-Encoding: chunked', body=b'10000\r\n' + b'x' * 5000)

    def test_cut_json(self) -> None:
        connection = self._connect('POST /v2/images', 'Content-Type: application/json', 'Content-Length: 100')
        connection.sendall(b'{"name": "x"}')
        connection.shutdown(socket.SHUT_WR)
        self.assertNotIn(b' 201 ', connection.recv(4096)[:20])
        self.assertEqual([], self.request('alice', 'GET', '/v2/images').json()['images'])
        self.assert_no_traceback()

    def test_control_characters_do_not_break_log_lines(self) -> None:
        self._post(json.dumps({'name': 'x', 'tags': ['a\r\nERROR forged'], 'min_disk': '1'}).encode())
        self.request('alice', 'GET', '/v2/images/a%0d%0aERROR%20forged')
        self.assertNotIn('\nERROR forged', self.log().replace('\r', '\n'))


class UwsgiTest(_BadInput, base.ServiceTestCase):
    """Under uWSGI."""


class StandaloneTest(_BadInput, base.ServiceTestCase):
    """Under the standalone server, which reads chunks itself."""

    launcher = service.STANDALONE

    def test_malformed_chunks(self) -> None:
        image_id = self.create()
        octets = 'Content-Type: application/octet-stream'
        connection = self._connect(f'PUT /v2/images/{image_id}/file', octets, 'Transfer-Encoding: chunked')
        connection.sendall(b'4\r\ndata\r\nzz\r\nmore\r\n0\r\n\r\n')
        self.assertNotIn(b' 204 ', connection.recv(4096)[:20])
        self.wait_for_status(image_id, 'queued')
        self.assert_nothing_left(image_id)
        self.assert_no_traceback()


class _FullDisk:
    """A store that has less room than an image needs."""

    #: More than a block, less than there is room for.
    fits = 3 * _MIB
    too_much = 24 * _MIB

    def _assert_full(self, send: Any) -> None:
        image_id = self.create()
        answer = send(image_id)
        self.assertEqual(413, answer.status_code, answer.text)
        self.assert_nothing_left(image_id)
        self.assertIn(image_id, self.log())
        self.assert_no_traceback()
        self.assertEqual(204, self.upload(image_id, b'x' * self.fits).status_code)
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)

    def test_announced_size_does_not_fit(self) -> None:
        self._assert_full(lambda image_id: self.upload(image_id, b'x' * self.too_much))

    def test_unknown_size_does_not_fit(self) -> None:
        blocks = [b'x' * _CHUNK] * (self.too_much // _CHUNK)
        self._assert_full(lambda image_id: self.upload(image_id, iter(blocks)))


class FullDiskTest(_FullDisk, base.ServiceTestCase):
    """A file system without room."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        room = cls.share(disk.SmallDisk(16 * _MIB))
        return service.Service(database_url, options={'fast': {'filesystem_store_datadir': room.path}})


class FullDiskStandaloneTest(_FullDisk, base.ServiceTestCase):
    """A file system without room, below the standalone server."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        room = cls.share(disk.SmallDisk(16 * _MIB))
        return service.Service(database_url, service.STANDALONE, options={'fast': {'filesystem_store_datadir': room.path}})


class FileSizeLimitTest(_FullDisk, base.ServiceTestCase):
    """A limit on the size of files, which needs no special rights to set up."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        prlimit = process.find_program('prlimit', 'util-linux')
        return service.Service(database_url, wrapper=[prlimit, f'--fsize={16 * _MIB}', '--'])


class StrictColumnsTest(base.ServiceTestCase):
    """Columns that refuse what does not fit: none of it may reach them."""

    database = database.MariaDB.kind

    def test_wrong_values(self) -> None:
        too_long = {'a property is too long for its column': {'os_version': 'x' * 65_536}}
        for what, values in {**_WRONG_VALUES, **too_long}.items():
            answer = self.request('alice', 'POST', '/v2/images', json=values)
            self.assertEqual(400, answer.status_code, what)
        self.assertEqual([], self.request('alice', 'GET', '/v2/images').json()['images'])
        self.assert_no_traceback()
