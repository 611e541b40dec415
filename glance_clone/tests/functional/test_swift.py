# SPDX-License-Identifier: Apache-2.0
"""Stores in a real Swift, in accounts of users there, and in its S3 gateway; the slow tier has the rest of the contract."""

from __future__ import annotations

from typing import Any

import requests

from glance_clone.api.context import RequestContext
from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
from glance_clone.domain.location import Location
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import swift
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.functional import object_stores
from glance_clone.tests.functional.object_stores import MIB
from glance_clone.tests.unit.stores import contract


class SwiftTest(object_stores.InSwift, object_stores.LargeObjects):
    """A store in the account of the service."""

    def test_older_locations_with_credentials_are_read(self) -> None:
        location = self._put()
        auth = self.server.keystone.url.removeprefix('http://')
        name = location.url.rsplit('/', 1)[1]
        old = f'swift+http://service%3Aglance:{keystone.GLANCE.password}@{auth}/{self.container}/{name}'
        self.assertEqual(contract.DATA, self._get(Location(old))[0])
        self.store.remove(Location(old))
        self.assertEqual([], self.objects())

    def test_a_token_that_is_refused_is_replaced(self) -> None:
        location = self._put()
        self.store.size(location)
        self.store._manager.client.session.auth.auth_ref._auth_token = 'nonesuch'
        self.assertEqual(len(contract.DATA), self.store.size(location))
        self.assertEqual(contract.DATA[5:8], self._get(location, 5, 3)[0])


class S3Test(object_stores.InS3, object_stores.LargeObjects):
    """A store in a bucket of the gateway."""

    def test_keys_are_taken_out_of_older_locations(self) -> None:
        location = self._put()
        old = location.url.replace('://', f'://{swift.ACCESS_KEY}:{swift.SECRET_KEY}@')
        self.assertEqual(location.url, self.store.canonical(old))
        self.assertEqual(contract.DATA, self._get(Location(old))[0])


class AccountsTest(object_stores.InAccounts, contract.ReadContract):
    """A store in the accounts of users."""

    def _put(self, data: bytes = contract.DATA) -> Location:
        writer = self.store.writer(self.BLOB, 'one', len(data))
        writer.write(data)
        return writer.commit()

    def test_locations(self) -> None:
        location = self._put()
        account = self.server.account(keystone.ALICE)
        self.assertEqual(f'swift+{account}/{self.prefix}_{self.BLOB}/{self.BLOB}', location.url)
        self.assertLess(0, self.store.match(location.url))
        for other in (location.url.replace(self.prefix, 'other'), 'swift+http://h/v1/images/x', 'swift://x', 'file:///a_b/c'):
            self.assertEqual(-1, self.store.match(other), other)

    def test_nobody_names_the_data_of_others(self) -> None:
        location = self._put()
        self.store.require_own(location)
        mine = self.server.account(keystone.BOB)
        self.act_for(keystone.BOB, object_stores.token_of(self.server, keystone.BOB))
        for url in (
            location.url,
            f'swift+{mine}/other_x/x',
            f'swift+{mine}/../x',
            f'swift+{mine}/{self.prefix}_x/..',
            f'swift+{mine}/../AUTH_a/{self.prefix}_x/x',
        ):
            self.assertRaises(errors.Invalid, self.store.require_own, Location(url))
        self.store.require_own(Location(f'swift+{mine}/{self.prefix}_x/x'))

    def test_tokens_go_to_no_other_server(self) -> None:
        location = self._put()
        server = self.useFixture(HostileServer())
        url = server.url + location.url.partition('://')[2].partition('/')[1] + location.url.split('/', 3)[3]
        for context in (CONTEXT.get(), None):
            self.act_for_context(context)
            for call in (self.store.open, self.store.size, self.store.remove):
                self.assertRaises(errors.StoreUnavailable, call, Location(f'swift+{url}'))
        self.assertEqual([], server.heads)

    def test_large_objects(self) -> None:
        for parts, announced in ((2.4, True), (2.4, False), (1, True)):
            data = self.server.url.encode() * int(parts * MIB / len(self.server.url))
            writer = self.store.writer(self.BLOB, 'one', len(data) if announced else None)
            for start in range(0, len(data), 700_000):
                writer.write(data[start : start + 700_000])
            location = writer.commit()
            self.assertEqual((data, len(data)), self._get(location))
            self.assertEqual((data[MIB - 3 : MIB + 3], len(data)), self._get(location, MIB - 3, 6))
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
        self.act_for_context(RequestContext(auth_token=object_stores.token_of(self.server, keystone.ALICE), project_id='p'))
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
        location = self._put()
        self.act_for(keystone.ALICE, 'nonesuch')
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.store._service.session().auth.auth_ref._auth_token = 'nonesuch'
        self.assertEqual(len(contract.DATA), self.store.size(location))
        self.store.remove(location)

    def test_without_an_account_of_the_service(self) -> None:
        location = self._put()
        values = object_stores.accounts_options(self.server, self.prefix)
        for name in ('user', 'key', 'auth_address'):
            del values[f'swift_store_{name}']
        self.store = object_stores.build('swift', 'there', values)
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.act_for(keystone.BOB, object_stores.token_of(self.server, keystone.BOB))
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
                writer.write(b'x' * MIB)
            process.wait_until(self.objects, 60, 'a part is in the account')
            if committed:
                writer.commit()
            other = object_stores.build('swift', 'there', object_stores.accounts_options(self.server, self.prefix))
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
        headers = {'X-Auth-Token': object_stores.token_of(self.server, user)}
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
            writer.write(b'x' * MIB)
        location = writer.commit()
        self.store.share(location, False, [self.server.keystone.projects['B']])
        self.assertEqual(200, self._read_as(keystone.BOB, location))
        self.act_for(keystone.BOB, object_stores.token_of(self.server, keystone.BOB))
        self.assertEqual(2 * MIB, self._get(location)[1])

    def test_projects_of_operators_may_read_and_write(self) -> None:
        values = object_stores.accounts_options(self.server, self.prefix)
        values['swift_store_admin_tenants'] = self.server.keystone.projects['B']
        self.store = object_stores.build('swift', 'there', values)
        location = self._put()
        self.store.share(location, False, [])
        self.act_for(keystone.BOB, object_stores.token_of(self.server, keystone.BOB))
        self.store._service._account = {}
        self.assertEqual(contract.DATA, self._get(location)[0])
        self.store.remove(location)
        self.assertEqual([], self.blobs())
