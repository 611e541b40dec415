# SPDX-License-Identifier: Apache-2.0
"""Swift with ``swift_store_multi_tenant``: data in the accounts of users, with a real Swift and a real Keystone."""

from __future__ import annotations

import functools
import importlib.util
import unittest
import uuid
from typing import Any
from typing import ClassVar

import requests

from glance_clone.api.context import RequestContext
from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.tests import base
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import swift
from glance_clone.tests.slow.test_swift_store import build
from glance_clone.tests.slow.test_swift_store import swift_options
from glance_clone.tests.unit.stores import contract

_MIB = 1 << 20


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


class SwiftAccountsTest(contract.BlobContract, base.TestCase):
    """The contract, on behalf of a user."""

    BLOB = str(uuid.uuid4())
    OTHER = str(uuid.uuid4())
    server: ClassVar[swift.Swift]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if importlib.util.find_spec('glance_store') is None:
            raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')
        cls.server = swift.shared()

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

    def test_all_objects_are_told(self) -> None:
        self.assertRaises(errors.CannotList, self.store.objects)

    def test_what_is_told_can_be_removed(self) -> None:
        self.assertRaises(errors.CannotList, self.store.remove_object, StoredObject('x', 'x', 1, 1, False))

    def test_locations(self) -> None:
        location = self._put()
        account = self.server.account(keystone.ALICE)
        self.assertEqual(f'swift+{account}/{self.prefix}_{self.BLOB}/{self.BLOB}', location.url)
        self.assertLess(0, self.store.match(location.url))
        for other in (location.url.replace(self.prefix, 'other'), 'swift+http://h/v1/images/x', 'swift://x', 'file:///a_b/c'):
            self.assertEqual(-1, self.store.match(other), other)

    def test_large_objects(self) -> None:
        for parts, announced in ((2.4, True), (2.4, False), (1, True)):
            data = self.server.url.encode() * int(parts * _MIB / len(self.server.url))
            writer = self.store.writer(self.BLOB, 'one', len(data) if announced else None)
            for start in range(0, len(data), 700_000):
                writer.write(data[start : start + 700_000])
            location = writer.commit()
            self.assertEqual((data, len(data)), self._get(location))
            self.assertEqual((data[_MIB - 3 : _MIB + 3], len(data)), self._get(location, _MIB - 3, 6))
            self.store.remove(location)
            self.assertEqual([], self.objects())
        # The service found its own way into the account where the driver asked for one, and kept nothing of it.
        self.assertEqual([], self._trusts())

    def _trusts(self) -> list[Any]:
        return list(self.server.keystone._admin.get('/OS-TRUST/trusts').json()['trusts'])

    def test_nobody_puts_data_into_no_account(self) -> None:
        for context in (None, RequestContext(project_id='p')):
            self.act_for_context(context)
            self.assertRaises(errors.StoreUnavailable, self.store.writer, self.BLOB, 'one', 5)
            self.assertRaises(errors.StoreUnavailable, self.store.account)
        self.act_for_context(RequestContext(auth_token=token_of(self.server, keystone.ALICE), project_id='p'))
        error = self.assertRaises(errors.StoreUnavailable, self.store.writer, self.BLOB, 'one', 5)
        self.assertIn('no account', str(error))

    def test_the_service_reads_and_removes_what_nobody_asks_for(self) -> None:
        location = self._put()
        self.act_for_context(None)
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.assertEqual(len(contract.DATA), self.store.size(location))
        self.store.remove(location)
        self.assertEqual([], self.objects())
        self.assertRaises(errors.BlobNotFound, self.store.remove, location)

    def test_the_service_goes_on_where_a_token_is_worth_nothing_any_more(self) -> None:
        token = self.server.keystone.token(keystone.ALICE)
        self.act_for(keystone.ALICE, token)
        location = self._put()
        self.server.keystone.revoke(token)
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.store.remove(location)

    def test_without_an_account_of_the_service(self) -> None:
        location = self._put()
        values = accounts_options(self.server, self.prefix)
        for name in ('user', 'key', 'auth_address'):
            del values[f'swift_store_{name}']
        self.store = build('swift', 'there', values)
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.act_for(keystone.BOB, token_of(self.server, keystone.BOB))
        for call in (self.store.open, self.store.size, self.store.remove):
            self.assertRaises(errors.StoreUnavailable, call, location)
        self.act_for_context(None)
        for call in (self.store.open, self.store.size, self.store.remove):
            error = self.assertRaises(errors.StoreUnavailable, call, location)
            self.assertIn('nobody asks', str(error))
        self.store.discard_in(self.server.account(keystone.ALICE), self.BLOB, 'one')
        self.store.check()
        self.assertEqual(1, len(self.blobs()))

    def test_what_a_dead_writer_left_in_an_account_is_discarded_without_its_user(self) -> None:
        account = self.store.account()
        for attempt, committed in (('one', False), ('two', True)):
            writer = self.store.writer(self.BLOB, attempt, None)
            for _ in range(3):
                writer.write(b'x' * _MIB)
            process.wait_until(self.objects, 60, 'a part is in the account')
            if committed:
                writer.commit()
            other = build('swift', 'there', accounts_options(self.server, self.prefix))
            context = CONTEXT.get()
            self.act_for_context(None)
            other.discard_in(account, self.BLOB, attempt)
            self.act_for_context(context)
            if not committed:
                writer.abort()
            self.assertEqual([], self.objects())

    def _read_as(self, user: keystone.User, location: Location) -> int:
        """Return the status with which Swift itself answers a user."""
        url = location.url.removeprefix('swift+')
        headers = {'X-Auth-Token': token_of(self.server, user)}
        return requests.get(url, headers=headers, timeout=60).status_code

    def test_sharing(self) -> None:
        location = self._put()
        projects = self.server.keystone.projects
        for public, shared, expected in (
            (False, [], 403),
            (False, [projects['B']], 200),
            (False, [projects['A']], 403),
            (True, [], 200),
            (False, [], 403),
        ):
            self.store.share(location, public, shared)
            self.assertEqual(expected, self._read_as(keystone.BOB, location))
            self.assertEqual(200, self._read_as(keystone.ALICE, location))
        self.store.remove(location)
        self.assertRaises(errors.BlobNotFound, self.store.share, location, True, [])

    def test_sharing_of_large_objects(self) -> None:
        writer = self.store.writer(self.BLOB, 'one', None)
        for _ in range(2):
            writer.write(b'x' * _MIB)
        location = writer.commit()
        self.store.share(location, False, [self.server.keystone.projects['B']])
        self.assertEqual(200, self._read_as(keystone.BOB, location))
        self.act_for(keystone.BOB, token_of(self.server, keystone.BOB))
        self.assertEqual(2 * _MIB, self._get(location)[1])

    def test_projects_of_operators_may_read_and_write(self) -> None:
        values = accounts_options(self.server, self.prefix)
        values['swift_store_admin_tenants'] = self.server.keystone.projects['B']
        self.store = build('swift', 'there', values)
        location = self._put()
        self.store.share(location, False, [])
        self.act_for(keystone.BOB, token_of(self.server, keystone.BOB))
        self.store._service._account = {}
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.store.remove(location)
        self.assertEqual([], self.blobs())
