# SPDX-License-Identifier: Apache-2.0
"""One image from its record to its end, on every launcher and every database."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator

from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

#: Some blocks of the transfer and a part of one.
_SIZE = 9 * 1024 * 1024 + 12345


def _in_pieces(data: bytes, size: int = 70_000) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


class _RoundTrip:
    """The tests; the classes below say where they run."""

    def _active(self, data: bytes, **values: object) -> str:
        image_id = self.create(**values)
        answer = self.upload(image_id, data)
        self.assertEqual((204, b''), (answer.status_code, answer.content))
        return image_id

    def _assert_describes(self, image: dict[str, object], data: bytes) -> None:
        self.assertEqual('active', image['status'])
        self.assertEqual(len(data), image['size'])
        self.assertEqual(hashlib.md5(data, usedforsecurity=False).hexdigest(), image['checksum'])
        self.assertEqual('sha512', image['os_hash_algo'])
        self.assertEqual(hashlib.sha512(data).hexdigest(), image['os_hash_value'])

    def test_life_of_an_image(self) -> None:
        data = os.urandom(_SIZE)
        image_id = self.create(name='a disk', tags=['x', 'y'], os_distro='debian', min_disk=1)
        created = self.show(image_id)
        self.assertEqual('queued', created['status'])
        self.assertIsNone(created['size'])

        self.assertEqual(204, self.upload(image_id, data).status_code)

        image = self.show(image_id)
        self._assert_describes(image, data)
        self.assertEqual(['x', 'y'], sorted(image['tags']))
        self.assertEqual(('a disk', 'debian', 1), (image['name'], image['os_distro'], image['min_disk']))
        listed = self.request('alice', 'GET', '/v2/images').json()['images']
        self.assertEqual([image], listed)
        self.assertEqual([], self.request('bob', 'GET', '/v2/images').json()['images'])

        answer = self.download(image_id)
        self.assertEqual(200, answer.status_code)
        self.assertEqual(str(len(data)), answer.headers['Content-Length'])
        self.assertEqual(image['checksum'], answer.headers['Content-MD5'])
        self.assertTrue(data == answer.content, 'the data differ')

        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.request('alice', 'GET', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.download(image_id).status_code)
        self.assertEqual(404, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertNotIn(image_id, ' '.join(self.service.files()))
        self.assert_no_traceback()

    def test_body_in_chunks(self) -> None:
        data = os.urandom(_SIZE)
        image_id = self.create()
        answer = self.upload(image_id, _in_pieces(data))
        self.assertEqual(204, answer.status_code, answer.text)
        self._assert_describes(self.show(image_id), data)
        self.assertTrue(data == self.download(image_id).content, 'the data differ')

    def test_empty_data(self) -> None:
        image_id = self._active(b'')
        self._assert_describes(self.show(image_id), b'')

    def test_ranges(self) -> None:
        data = os.urandom(3_000_001)
        image_id = self._active(data)
        size = len(data)
        for asked, start, end in (
            ('bytes=0-0', 0, 1),
            ('bytes=100-1999999', 100, 2_000_000),
            ('bytes=2999999-', 2_999_999, size),
            ('bytes=-5', size - 5, size),
            ('bytes=10-99999999', 10, size),
        ):
            answer = self.download(image_id, headers={'Range': asked})
            self.assertEqual(206, answer.status_code, asked)
            self.assertEqual(f'bytes {start}-{end - 1}/{size}', answer.headers['Content-Range'])
            self.assertTrue(data[start:end] == answer.content, asked)

    def test_pages(self) -> None:
        ids = [self.create(name=f'image {number}') for number in range(5)]
        found = []
        path = '/v2/images?limit=2'
        for _page in range(3):
            page = self.request('alice', 'GET', path).json()
            found.extend(image['id'] for image in page['images'])
            path = page.get('next')
        self.assertIsNone(path)
        self.assertEqual(sorted(ids), sorted(found))

    def test_one_of_two_uploads_wins(self) -> None:
        image_id = self._active(b'first')
        answer = self.upload(image_id, b'second')
        self.assertEqual(409, answer.status_code)
        self.assertEqual(b'first', self.download(image_id).content)

    def test_image_without_data(self) -> None:
        answer = self.download(self.create())
        self.assertEqual((204, b''), (answer.status_code, answer.content))

    def test_deleted_id_is_not_free(self) -> None:
        image_id = self._active(b'data')
        self.request('alice', 'DELETE', f'/v2/images/{image_id}')
        answer = self.request('alice', 'POST', '/v2/images', json={'id': image_id})
        self.assertEqual(409, answer.status_code)

    def test_deleted_while_uploading(self) -> None:
        image_id = self.create()
        block = os.urandom(64 * 1024)
        deleted = []

        def body() -> Iterator[bytes]:
            yield from itertools.repeat(block, 6)
            # What was sent may wait in buffers; the upload begins when the service reads it.
            self.wait_for_status(image_id, 'saving')
            deleted.append(self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
            yield from itertools.repeat(block, 2)

        answer = self.upload(image_id, body())
        self.assertEqual([204], deleted)
        self.assertEqual(410, answer.status_code, answer.text)
        self.assertEqual(404, self.request('alice', 'GET', f'/v2/images/{image_id}').status_code)
        self.assertNotIn(image_id, ' '.join(self.service.files()))
        self.assert_no_traceback()


class UwsgiTest(_RoundTrip, base.ServiceTestCase):
    """uWSGI on SQLite."""


class UwsgiMariaDBTest(_RoundTrip, base.ServiceTestCase):
    """uWSGI on MariaDB."""

    database = 'mariadb'


class UwsgiPostgreSQLTest(_RoundTrip, base.ServiceTestCase):
    """uWSGI on PostgreSQL."""

    database = 'postgresql'


class StandaloneTest(_RoundTrip, base.ServiceTestCase):
    """The standalone server on SQLite."""

    launcher = service.STANDALONE


class StandaloneMariaDBTest(_RoundTrip, base.ServiceTestCase):
    """The standalone server on MariaDB."""

    launcher = service.STANDALONE
    database = 'mariadb'


class StandalonePostgreSQLTest(_RoundTrip, base.ServiceTestCase):
    """The standalone server on PostgreSQL."""

    launcher = service.STANDALONE
    database = 'postgresql'
