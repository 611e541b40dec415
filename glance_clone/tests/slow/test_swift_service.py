# SPDX-License-Identifier: Apache-2.0
"""The whole service with stores in Swift and S3, under both launchers: upload, ranges, imports, single copies, a crash."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import threading
import unittest
import uuid
from collections.abc import Iterator
from typing import Any
from typing import ClassVar

import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures import swift
from glance_clone.tests.functional import base
from glance_clone.tests.functional.object_stores import build
from glance_clone.tests.functional.object_stores import s3_options
from glance_clone.tests.functional.object_stores import swift_options

_MIB = 1 << 20
_BLOCK = os.urandom(_MIB)


class _Service(base.ServiceTestCase):
    """A service with a file store, one in Swift and one in S3."""

    stores: ClassVar[dict[str, Any]]

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        if importlib.util.find_spec('glance_store') is None:
            raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')
        server = swift.shared()
        name = f'service-{uuid.uuid4().hex[:8]}'
        groups = {'objects': swift_options(server, name), 'bucket': s3_options(server, name)}
        cls.stores = {
            'objects': build('swift', 'objects', groups['objects']),
            'bucket': build('s3', 'bucket', groups['bucket']),
        }
        options: dict[str, Any] = {
            'DEFAULT': {'enabled_backends': 'fast:file,objects:swift,bucket:s3'},
            'leases': {'ttl': 3, 'heartbeat_interval': 1, 'sweep_interval': 1},
            **groups,
        }
        return service.Service(database_url, cls.launcher, options)

    def _held(self, store: str, image_id: str) -> list[str]:
        return [each.name for each in self.stores[store].objects() if image_id in each.name]

    def _assert_round_trip(self, store: str, data: bytes, announced: bool) -> None:
        image_id = self.create()
        body = data if announced else (data[start : start + 100_000] for start in range(0, len(data), 100_000))
        answer = self.upload(image_id, body, headers={'X-Image-Meta-Store': store})
        self.assertEqual(204, answer.status_code, answer.text)
        image = self.show(image_id)
        self.assertEqual(('active', store, len(data)), (image['status'], image['stores'], image['size']))
        self.assertEqual(data, self.download(image_id).content)
        part = self.download(image_id, headers={'Range': f'bytes={len(data) - 7}-{len(data) - 3}'})
        self.assertEqual((206, data[-7:-2]), (part.status_code, part.content))
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual([], self._held(store, image_id))

    def test_round_trips(self) -> None:
        for store, part in (('objects', _MIB), ('bucket', 5 * _MIB)):
            self._assert_round_trip(store, os.urandom(1000), announced=True)
            self._assert_round_trip(store, os.urandom(part + 5), announced=True)
            self._assert_round_trip(store, os.urandom(part + 5), announced=False)
        self.assert_no_traceback()

    def test_imports_into_all_stores_and_single_copies(self) -> None:
        image_id = self.create()
        data = os.urandom(1_500_000)
        kind = {'Content-Type': 'application/octet-stream'}
        staged = self.request('alice', 'PUT', f'/v2/images/{image_id}/stage', data=data, headers=kind)
        self.assertEqual(204, staged.status_code, staged.text)
        wanted = {'method': {'name': 'glance-direct'}, 'all_stores': True}
        answer = self.request('alice', 'POST', f'/v2/images/{image_id}/import', json=wanted)
        self.assertEqual(202, answer.status_code, answer.text)
        self.wait_for_status(image_id, 'active', 120)
        process.wait_until(lambda: 'os_glance_import_task' not in self.show(image_id), 60, 'the import is over')
        self.assertEqual('fast,objects,bucket', self.show(image_id)['stores'])
        for store in ('objects', 'bucket', 'fast'):
            answer = self.download(image_id, params={'prefer': store})
            self.assertEqual(data, answer.content)
        for store, left in (('fast', 'objects,bucket'), ('objects', 'bucket')):
            answer = self.request('admin', 'DELETE', f'/v2/stores/{store}/{image_id}')
            self.assertEqual(204, answer.status_code, answer.text)
            self.assertEqual(left, self.show(image_id)['stores'])
        self.assertEqual([], self._held('objects', image_id))
        self.assertEqual(403, self.request('admin', 'DELETE', f'/v2/stores/bucket/{image_id}').status_code)
        self.assertEqual(data, self.download(image_id).content)

    def test_what_a_killed_worker_left_goes(self) -> None:
        for store, blocks in (('objects', 12), ('bucket', 12)):
            image_id = self.create()
            stop = threading.Event()
            self.addCleanup(stop.set)
            thread = threading.Thread(target=self._send, args=(image_id, store, blocks, stop), daemon=True)
            thread.start()
            process.wait_until(lambda s=store, i=image_id: self._held(s, i), 60, f'bytes are in {store}', 0.5)
            self.service.kill_workers()
            self.wait_for_status(image_id, 'queued', 60)
            process.wait_until(lambda s=store, i=image_id: not self._held(s, i), 30, f'the bytes in {store} go', 0.5)
            stop.set()
            thread.join(10)

    def _send(self, image_id: str, store: str, blocks: int, stop: threading.Event) -> None:
        def body() -> Iterator[bytes]:
            for _ in range(blocks):
                yield _BLOCK
            while not stop.wait(0.2):
                yield b'x'

        with contextlib.suppress(requests.ConnectionError):
            self.upload(image_id, body(), headers={'X-Image-Meta-Store': store})


class UwsgiTest(_Service):
    """Workers of uWSGI: native threads."""


class StandaloneTest(_Service):
    """Workers of the standalone server: green threads."""

    launcher = service.STANDALONE


del _Service
