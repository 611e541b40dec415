# SPDX-License-Identifier: Apache-2.0
"""The whole service with data in the accounts of users, under both launchers: who asks owns the data, who may read it may."""

from __future__ import annotations

import contextlib
import importlib.util
import threading
import unittest
import uuid
from collections.abc import Iterator
from typing import Any
from typing import ClassVar

import requests

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures import swift
from glance_clone.tests.functional import base
from glance_clone.tests.functional.object_stores import accounts_options
from glance_clone.tests.functional.object_stores import containers

_MIB = 1 << 20
_DATA = b'data of alice' * 1000


class _Service(base.ServiceTestCase):
    """A service with a file store and one in the accounts of users; people are those of Keystone."""

    server: ClassVar[swift.Swift]
    prefix: ClassVar[str]
    tokens: ClassVar[dict[str, str]]

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        if importlib.util.find_spec('glance_store') is None:
            raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')
        cls.server = swift.shared()
        cls.prefix = f'service-{uuid.uuid4().hex[:8]}'
        cls.tokens = {user.name: cls.server.keystone.token(user) for user in (keystone.ALICE, keystone.BOB, keystone.ADMIN)}
        options: dict[str, Any] = {
            'DEFAULT': {'enabled_backends': 'fast:file,objects:swift'},
            'glance_store': {'default_backend': 'objects'},
            'leases': {'ttl': 3, 'heartbeat_interval': 1, 'sweep_interval': 1},
            'keystone_authtoken': cls.server.keystone.authtoken(),
            'objects': accounts_options(cls.server, cls.prefix),
        }
        return service.Service(database_url, cls.launcher, options, trust_headers=False)

    def request(self, who: str | None, method: str, path: str, **kwargs: Any) -> requests.Response:
        """Send a request with the token of somebody."""
        headers = {'X-Auth-Token': self.tokens[who], **kwargs.pop('headers', {})} if who else {}
        return super().request(None, method, path, headers=headers, **kwargs)

    def _uploaded(self) -> str:
        image_id = self.create()
        answer = self.upload(image_id, _DATA)
        self.assertEqual(204, answer.status_code, answer.text)
        return image_id

    def _held(self, image_id: str, user: keystone.User = keystone.ALICE) -> dict[str, list[str]]:
        return containers(self.server, user, f'{self.prefix}_{image_id}')

    def _direct(self, who: str, image_id: str, holder: keystone.User) -> int:
        """Return the status with which Swift itself answers somebody who asks for the data in the account of a holder."""
        url = f'{self.server.account(holder)}/{self.prefix}_{image_id}/{image_id}'
        return requests.get(url, headers={'X-Auth-Token': self.tokens[who]}, timeout=60).status_code

    def _assert_direct(self, expected: int, image_id: str, holder: keystone.User = keystone.ALICE) -> None:
        self.assertEqual([200, expected], [self._direct(who, image_id, holder) for who in ('alice', 'bob')])

    def test_members_and_visibility(self) -> None:
        image_id = self._uploaded()
        path, bob = f'/v2/images/{image_id}', self.server.keystone.projects['B']
        self.assertEqual({f'{self.prefix}_{image_id}': [image_id]}, self._held(image_id))
        self._assert_direct(403, image_id)
        for method, url, body, status, direct in (
            ('POST', f'{path}/members', {'member': bob}, 200, 200),
            ('DELETE', f'{path}/members/{bob}', None, 204, 403),
            ('POST', f'{path}/members', {'member': bob}, 200, 200),
            ('PATCH', path, [{'op': 'replace', 'path': '/visibility', 'value': 'private'}], 200, 403),
            ('PATCH', path, [{'op': 'replace', 'path': '/visibility', 'value': 'community'}], 200, 200),
            ('PATCH', path, [{'op': 'replace', 'path': '/visibility', 'value': 'shared'}], 200, 200),
        ):
            kind = {'Content-Type': 'application/openstack-images-v2.1-json-patch'} if method == 'PATCH' else {}
            answer = self.request('alice', method, url, json=body, headers=kind)
            self.assertEqual(status, answer.status_code, answer.text)
            self._assert_direct(direct, image_id)
        answer = self.request('bob', 'PUT', f'{path}/members/{bob}', json={'status': 'accepted'})
        self.assertEqual(200, answer.status_code, answer.text)
        self._assert_direct(200, image_id)
        self.assertEqual(_DATA, self.download(image_id, 'bob').content)
        self.assertEqual(204, self.request('alice', 'DELETE', path).status_code)
        self.assertEqual({}, self._held(image_id))
        self.assert_no_traceback()

    def test_administrators_publish_and_delete_what_is_in_the_account_of_others(self) -> None:
        image_id = self._uploaded()
        change = [{'op': 'replace', 'path': '/visibility', 'value': 'public'}]
        kind = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
        answer = self.request('admin', 'PATCH', f'/v2/images/{image_id}', json=change, headers=kind)
        self.assertEqual(200, answer.status_code, answer.text)
        self._assert_direct(200, image_id)
        self.assertEqual(_DATA, self.download(image_id, 'bob').content)
        self.assertEqual(204, self.request('admin', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual({}, self._held(image_id))

    def _import(self, image_id: str, who: str, method: str, store: str) -> None:
        wanted: dict[str, Any] = {'method': {'name': method}, 'stores': [store]}
        answer = self.request(who, 'POST', f'/v2/images/{image_id}/import', json=wanted)
        self.assertEqual(202, answer.status_code, answer.text)

    def _stage(self, image_id: str) -> None:
        kind = {'Content-Type': 'application/octet-stream'}
        answer = self.request('alice', 'PUT', f'/v2/images/{image_id}/stage', data=_DATA, headers=kind)
        self.assertEqual(204, answer.status_code, answer.text)

    def test_imports_go_to_the_account_of_whoever_asks(self) -> None:
        image_id = self.create(visibility='community')
        self._stage(image_id)
        self._import(image_id, 'alice', 'glance-direct', 'objects')
        self._wait_for_stores(image_id, 'objects')
        self.assertEqual({f'{self.prefix}_{image_id}': [image_id]}, self._held(image_id))
        self._assert_direct(200, image_id)
        self.assertEqual(_DATA, self.download(image_id, 'bob').content)

    def test_owners_read_what_an_administrator_copied(self) -> None:
        image_id = self.create()
        self._stage(image_id)
        self._import(image_id, 'alice', 'glance-direct', 'fast')
        self._wait_for_stores(image_id, 'fast')
        self._import(image_id, 'admin', 'copy-image', 'objects')
        self._wait_for_stores(image_id, 'fast,objects')
        self.assertEqual({f'{self.prefix}_{image_id}': [image_id]}, self._held(image_id, keystone.ADMIN))
        self.assertEqual({}, self._held(image_id))
        self._assert_direct(403, image_id, keystone.ADMIN)
        self.assertEqual(_DATA, self.download(image_id, params={'prefer': 'objects'}).content)
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual({}, self._held(image_id, keystone.ADMIN))

    def _wait_for_stores(self, image_id: str, stores: str) -> None:
        process.wait_until(lambda: self.show(image_id).get('stores') == stores, 60, f'image {image_id} in {stores}', 0.2)
        process.wait_until(lambda: 'os_glance_import_task' not in self.show(image_id), 60, 'the import is over', 0.2)

    def test_what_a_killed_worker_left_in_an_account_goes(self) -> None:
        image_id = self.create()
        stop = threading.Event()
        self.addCleanup(stop.set)
        thread = threading.Thread(target=self._send, args=(image_id, stop), daemon=True)
        thread.start()
        process.wait_until(lambda: any(self._held(image_id).values()), 60, 'bytes are in the account', 0.5)
        self.service.kill_workers()
        self.wait_for_status(image_id, 'queued', 60)
        process.wait_until(lambda: not self._held(image_id), 30, 'the bytes in the account go', 0.5)
        stop.set()
        thread.join(10)
        self.assertEqual(204, self.upload(image_id, _DATA).status_code)

    def _send(self, image_id: str, stop: threading.Event) -> None:
        def body() -> Iterator[bytes]:
            for _ in range(12):
                yield b'x' * _MIB
            while not stop.wait(0.2):
                yield b'x'

        with contextlib.suppress(requests.ConnectionError):
            self.upload(image_id, body())


class UwsgiTest(_Service):
    """Workers of uWSGI: native threads."""


class StandaloneTest(_Service):
    """Workers of the standalone server: green threads."""

    launcher = service.STANDALONE


del _Service
