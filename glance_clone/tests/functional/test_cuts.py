# SPDX-License-Identifier: Apache-2.0
"""Clients that are cut off at random points of whatever they do (F12): it is done wholly or not at all, and nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import struct

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_MIB = 1024 * 1024
_CUTS = 24
_OCTETS = {'Content-Type': 'application/octet-stream'}
_PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
#: Closes a connection by a reset.
_ABRUPT = struct.pack('ii', 1, 0)


class _Cuts:
    """The tests; the classes below say where they run."""

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        # Not for secrets; the same points in every run, so that a failure can be seen again.
        self.random = random.Random(self.id())

    def _request(self, method: str, path: str, headers: dict[str, str], body: bytes = b'') -> tuple[bytes, int]:
        """Return a request as bytes, and where its body begins."""
        lines = {'Host': 'image', 'Connection': 'close', **self.personas.headers('alice'), **headers}
        head = f'{method} {path} HTTP/1.1\r\n' + ''.join(f'{name}: {value}\r\n' for name, value in lines.items()) + '\r\n'
        return head.encode() + body, len(head)

    def _cut(self, request: bytes, at: int, read: int = 0) -> None:
        """Send so much of a request, read so much of its answer, and go away, politely or not."""
        with socket.create_connection(('127.0.0.1', self.service.port), 10) as connection, contextlib.suppress(OSError):
            connection.sendall(request[:at])
            while read > 0 and (block := connection.recv(read)):
                read -= len(block)
            if self.random.random() < 0.5:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)

    def _somewhere(self, request: bytes, body: int) -> int:
        inside = self.random.randrange(body, len(request))
        return self.random.choice([inside, inside, self.random.randrange(body), len(request) - 1, len(request)])

    def _transfer(self, verb: str, done: str) -> None:
        images = [self.create() for _ in range(_CUTS)]
        for number, image_id in enumerate(images):
            length, body = _chunked(3 * _MIB) if number % 2 else _whole(3 * _MIB)
            request, begin = self._request('PUT', f'/v2/images/{image_id}/{verb}', {**_OCTETS, **length}, body)
            self._cut(request, self._somewhere(request, begin))
        for image_id in images:
            process.wait_until(lambda: self._is_settled(image_id, done), 20, f'{image_id} queued or {done}')  # noqa: B023
        queued = [image_id for image_id in images if self.show(image_id)['status'] == 'queued']
        self.assertNotEqual([], queued)
        for image_id in queued:
            answer = self.request('alice', 'PUT', f'/v2/images/{image_id}/{verb}', data=b'again', headers=_OCTETS)
            self.assertEqual(204, answer.status_code)
        self.assert_no_traceback()

    def _is_settled(self, image_id: str, done: str) -> bool:
        """Tell whether an image has all of its data in one place, or waits for data and has none anywhere."""
        image = self.show(image_id)
        files = [name for store in ('fast', 'staging') for name in self.service.files(store) if image_id in name]
        found = (image['status'], image['size'], len(files))
        return found in (('queued', None, 0), (done, 3 * _MIB, 1))

    def test_upload(self) -> None:
        self._transfer('file', 'active')

    def test_stage(self) -> None:
        self._transfer('stage', 'uploading')

    def test_download(self) -> None:
        image_id, data = self.create(), os.urandom(8 * _MIB)
        self.assertEqual(204, self.upload(image_id, data).status_code)
        for number in range(_CUTS):
            request, _ = self._request('GET', f'/v2/images/{image_id}/file', {'Range': 'bytes=5-'} if number % 3 else {})
            at = len(request) if number % 4 else self.random.randrange(len(request))
            self._cut(request, at, read=self.random.choice([0, 1, 500, _MIB, 7 * _MIB]) if at == len(request) else 0)
        self.assertEqual(data, self.download(image_id).content)
        self.assert_no_traceback()

    def test_create(self) -> None:
        wanted = {'name': 'cut', 'disk_format': 'raw', 'long': 'v' * 20_000, 'tags': ['a']}
        length, body = _document(wanted)
        for _ in range(_CUTS):
            request, begin = self._request('POST', '/v2/images', {'Content-Type': 'application/json', **length}, body)
            self._cut(request, self._somewhere(request, begin))
        # One at least is created, however early the others are cut.
        self.create(**wanted)
        images = self.request('alice', 'GET', '/v2/images?limit=100&name=cut').json()['images']
        self.assertNotEqual([], images)
        for image in images:
            self.assertEqual(wanted, {name: image.get(name) for name in wanted})
        self.assert_no_traceback()

    def test_patch(self) -> None:
        image_id = self.create()
        for number in range(_CUTS):
            names = (f'first{number}', f'second{number}', f'third{number}')
            length, body = _document([{'op': 'add', 'path': f'/{name}', 'value': 'v' * 3000} for name in names])
            request, begin = self._request('PATCH', f'/v2/images/{image_id}', {**_PATCH, **length}, body)
            self._cut(request, self._somewhere(request, begin))
        self.create(name='last')
        image = self.show(image_id)
        for number in range(_CUTS):
            present = [name for name in ('first', 'second', 'third') if f'{name}{number}' in image]
            self.assertIn(len(present), (0, 3), present)
        self.assert_no_traceback()


def _whole(size: int) -> tuple[dict[str, str], bytes]:
    return {'Content-Length': str(size)}, os.urandom(size)


def _chunked(size: int) -> tuple[dict[str, str], bytes]:
    data = os.urandom(size)
    chunks = (data[start : start + 70_000] for start in range(0, size, 70_000))
    return {'Transfer-Encoding': 'chunked'}, b''.join(b'%x\r\n%b\r\n' % (len(chunk), chunk) for chunk in chunks) + b'0\r\n\r\n'


def _document(document: object) -> tuple[dict[str, str], bytes]:
    body = json.dumps(document).encode()
    return {'Content-Length': str(len(body))}, body


class UwsgiTest(_Cuts, base.ServiceTestCase):
    """Under uWSGI, on MariaDB."""

    database = 'mariadb'


class StandaloneTest(_Cuts, base.ServiceTestCase):
    """Under the standalone server."""

    launcher = service.STANDALONE
