# SPDX-License-Identifier: Apache-2.0
"""Stores in a real Swift, in accounts of users there, and in its S3 gateway: how they are built, and tests of large objects."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import tempfile
import unittest
import uuid
from typing import Any
from typing import ClassVar

import requests
from oslo_config import cfg

from glance_clone.api.context import RequestContext
from glance_clone.conf import stores as options
from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
from glance_clone.domain.location import Location
from glance_clone.stores.glance_store_config import build_store
from glance_clone.tests import base
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import swift
from glance_clone.tests.unit.stores import contract
from glance_clone.transfer.concurrency import NativeThreads

#: Bytes of a segment in Swift.
MIB = 1 << 20


def swift_options(server: swift.Swift, container: str) -> dict[str, object]:
    """Return the options of a store in the account of the project ``service``, with segments of 1 MiB."""
    return {
        'swift_store_auth_version': '3',
        'swift_store_auth_address': server.keystone.url,
        'swift_store_user': 'service:glance',
        'swift_store_key': keystone.GLANCE.password,
        'swift_store_container': container,
        'swift_store_create_container_on_put': True,
        'swift_store_large_object_size': 1,
        'swift_store_large_object_chunk_size': 1,
    }


def s3_options(server: swift.Swift, bucket: str) -> dict[str, object]:
    """Return the options of a store in a bucket of the gateway, with the smallest parts that S3 knows."""
    return {
        's3_store_host': server.s3_url,
        's3_store_region_name': 'us-east-1',
        's3_store_access_key': swift.ACCESS_KEY,
        's3_store_secret_key': swift.SECRET_KEY,
        's3_store_bucket': bucket,
        's3_store_create_bucket_on_put': True,
        's3_store_bucket_url_format': 'path',
        's3_store_large_object_size': 5,
        's3_store_large_object_chunk_size': 5,
        's3_store_thread_pools': 2,
    }


def build(kind: str, store_id: str, values: dict[str, object]) -> Any:
    """Return a store of its own, as a service with these options has it."""
    conf = cfg.ConfigOpts()
    options.register_opts(conf)
    options.register_backend_opts(conf, store_id)
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
        lines = [f'{name} = {value}' for name, value in values.items()]
        file.write('\n'.join(['[DEFAULT]', f'enabled_backends = {store_id}:{kind}', f'[{store_id}]', *lines, '']))
        file.flush()
        conf(['--config-file', file.name], default_config_files=[], default_config_dirs=[])
        return build_store(conf, kind, store_id, NativeThreads())


class _OnSwift(base.TestCase):
    """A test with the objects of a real Swift."""

    BLOB = str(uuid.uuid4())
    OTHER = str(uuid.uuid4())
    server: ClassVar[swift.Swift]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if importlib.util.find_spec('glance_store') is None:
            raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')
        cls.server = swift.shared()


class ObjectStoreCase(_OnSwift):
    """A store of objects; every test has a container of its own.

    :cvar part: bytes of a segment
    """

    kind: ClassVar[str]
    part: ClassVar[int]

    def setUp(self) -> None:
        super().setUp()
        self.container = f'images-{uuid.uuid4().hex[:8]}'
        self.store = self.build('there', **self.values(self.server, self.container))

    def build(self, store_id: str, **values: object) -> Any:
        """Return a store with these options."""
        return build(self.kind, store_id, values)

    def objects(self) -> list[str]:
        """Return the names of all that is in the store, temporary or not."""
        return sorted(each.name for each in self.store.objects())

    def blobs(self) -> list[str]:
        """Return the names of what can be read as a whole."""
        return [each.name for each in self.store.objects() if not each.temporary]


class LargeObjects(contract.ReadContract):
    """What large objects add to the contract."""

    def _put(self, name: str | None = None, data: bytes = contract.DATA, attempt: str = 'one') -> Location:
        writer = self.store.writer(name or self.BLOB, attempt, len(data))
        writer.write(data)
        return writer.commit()

    def _random(self, parts: float) -> bytes:
        return os.urandom(int(parts * self.part))

    def test_large_objects(self) -> None:
        """Of announced size or not, of whole parts or not, written in blocks of another size."""
        for parts, announced in ((2.4, True), (2.4, False), (2, False), (1, True)):
            data = self._random(parts)
            writer = self.store.writer(str(uuid.uuid4()), 'one', len(data) if announced else None)
            for start in range(0, len(data), 700_000):
                writer.write(data[start : start + 700_000])
            location = writer.commit()
            self.assertEqual((data, len(data)), self._get(location))
            for offset, length in ((0, 5), (self.part - 3, 6), (len(data) - 4, None), (len(data), None)):
                expected = data[offset:] if length is None else data[offset : offset + length]
                self.assertEqual((expected, len(data)), self._get(location, offset, length))
            self.store.remove(location)
        self.assertEqual([], self.objects())

    def test_abort_of_a_large_object_leaves_nothing(self) -> None:
        for announced in (True, False):
            data = self._random(2.4)
            writer = self.store.writer(self.BLOB, 'one', len(data) if announced else None)
            writer.write(data[: self.part * 2])
            writer.write(data[self.part * 2 : -1])
            writer.abort()
            self.assertEqual([], self.objects())
            writer = self.store.writer(self.BLOB, 'one', None)
            writer.write(data)
            writer.commit()
            writer.abort()
            self.assertEqual([], self.objects())

    def test_discard_removes_what_a_dead_writer_left(self) -> None:
        """The writer belongs to another process: the store that discards knows nothing of it."""
        writer = self.store.writer(self.BLOB, 'one', None)
        for _ in range(3):
            writer.write(self._random(1))
        self._wait_for_parts()
        other = self.build('there', **self.values(self.server, self.container))
        other.discard(self.BLOB, 'one')
        writer.abort()
        self.assertEqual([], self.objects())
        data = self._random(2)
        writer = self.store.writer(self.BLOB, 'one', None)
        writer.write(data)
        writer.commit()
        other.discard(self.BLOB, 'one')
        self.assertEqual([], self.objects())

    def _wait_for_parts(self) -> None:
        process.wait_until(lambda: any(each.temporary for each in self.store.objects()), 60, 'a part is in the store')

    def test_parts_of_one_attempt_are_never_part_of_another(self) -> None:
        zombie = self.store.writer(self.BLOB, 'one', None)
        zombie.write(self._random(1))
        data = self._random(2)
        writer = self.store.writer(self.BLOB, 'two', None)
        writer.write(data)
        location = writer.commit()
        zombie.write(self._random(1))
        self.assertRaises(errors.BlobExists, zombie.commit)
        zombie.abort()
        self.assertEqual((data, len(data)), self._get(location))

    def test_urls_have_no_credentials(self) -> None:
        location = self._put()
        for secret in (keystone.GLANCE.password, swift.SECRET_KEY, 'images:glance', '@'):
            self.assertNotIn(secret, location.url)
        self.assertLess(0, self.store.match(location.url))
        self.assertEqual(-1, self.store.match('file:///x'))

    def test_a_store_that_is_away(self) -> None:
        location = self._put()
        away = self.build('there', **self.values(_Away(self.server), self.container))
        for call in (away.open, away.size, away.remove):
            self.assertRaises(errors.StoreUnavailable, call, location)
        writer = away.writer('x', 'one', 5)
        with contextlib.suppress(errors.StoreUnavailable):
            writer.write(b'12345')
        self.assertRaises(errors.StoreUnavailable, writer.commit)
        with contextlib.suppress(errors.StoreUnavailable):
            writer.abort()


class _Away:
    """Addresses at which nobody is."""

    def __init__(self, server: swift.Swift):
        self.s3_url = 'http://127.0.0.1:9'
        self.keystone = self
        self.url = 'http://127.0.0.1:9/v3'


class InSwift(ObjectStoreCase):
    """A store in the account of the service."""

    kind = 'swift'
    part = MIB
    values = staticmethod(swift_options)


class InS3(ObjectStoreCase):
    """A store in a bucket of the gateway."""

    kind = 's3'
    part = 5 * MIB
    values = staticmethod(s3_options)


def accounts_options(server: swift.Swift, container: str) -> dict[str, object]:
    """Return the options of a store that keeps data in the accounts of users."""
    return {**swift_options(server, container), 'swift_store_multi_tenant': True}


@functools.cache
def token_of(server: swift.Swift, user: keystone.User) -> str:
    """Return a token of a user that no test revokes."""
    return server.keystone.token(user)


def containers(server: swift.Swift, user: keystone.User, prefix: str) -> dict[str, list[str]]:
    """Return what is in the containers of an account, as the user sees it."""
    headers = {'X-Auth-Token': token_of(server, user)}
    account = server.account(user)
    found = requests.get(account, params={'format': 'json', 'prefix': prefix}, headers=headers, timeout=60)
    names = [each['name'] for each in found.json()] if found.status_code == 200 else []
    listed = {name: requests.get(f'{account}/{name}', headers=headers, timeout=60).text.split() for name in names}
    return {name: sorted(objects) for name, objects in listed.items()}


class InAccounts(_OnSwift):
    """A store in the accounts of users, used on behalf of one."""

    def setUp(self) -> None:
        super().setUp()
        self.prefix = f'images-{uuid.uuid4().hex[:8]}'
        self.store = build('swift', 'there', accounts_options(self.server, self.prefix))
        self.act_for(keystone.ALICE, token_of(self.server, keystone.ALICE))

    def act_for(self, user: keystone.User, token: str | None) -> None:
        """Let the store work for a user from now on."""
        endpoint = {'region': 'RegionOne', 'publicURL': self.server.account(user)}
        context = RequestContext(
            auth_token=token,
            project_id=self.server.keystone.projects[user.project],
            service_catalog=[{'type': 'object-store', 'name': 'swift', 'endpoints': [endpoint]}],
        )
        self.act_for_context(context)

    def act_for_context(self, context: RequestContext | None) -> None:
        """Let the store work for somebody or nobody from now on."""
        self.addCleanup(CONTEXT.reset, CONTEXT.set(context))

    def objects(self) -> list[str]:
        """Return the names of all that is in the account, empty containers included."""
        found = containers(self.server, keystone.ALICE, self.prefix)
        return sorted(f'{name}/{each}' for name, each in found.items() for each in each or [''])

    def blobs(self) -> list[str]:
        """Return the names of what can be read as a whole."""
        return [name for name in self.objects() if len(name.rpartition('/')[2]) == len(self.BLOB)]
