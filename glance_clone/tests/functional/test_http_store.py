# SPDX-License-Identifier: Apache-2.0
"""The http store: data on web servers, sound ones and others (R11, D-10)."""

from __future__ import annotations

import os
import time

import fixtures
from oslo_config import cfg

from glance_clone.conf import fetching
from glance_clone.conf import stores as options
from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.stores.registry import build_registry
from glance_clone.tests import base
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import ranges
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.unit.stores import contract
from glance_clone.transfer.concurrency import NativeThreads

DATA = bytes(range(256)) * 2000

_CONF = """
[DEFAULT]
enabled_backends = fast:file,web:http
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = ROOT/fast
[web]
store_description = elsewhere
weight = 3
[os_glance_staging_store]
filesystem_store_datadir = ROOT/staging
[os_glance_tasks_store]
filesystem_store_datadir = ROOT/tasks
[import_filtering_opts]
allowed_hosts = [127.0.0.1]
allowed_ports = []
[fetching]
idle_timeout = 1
"""


class _Case(base.TestCase):
    """An http store, and a web server."""

    def setUp(self):
        super().setUp()
        root = self.useFixture(fixtures.TempDir()).path
        conf = cfg.ConfigOpts()
        fetching.register_opts(conf)
        options.register_opts(conf)
        path = os.path.join(root, 'test.conf')
        with open(path, 'w') as file:
            file.write(_CONF.replace('ROOT', root))
        conf(['--config-file', path])
        self.store = build_registry(conf, NativeThreads()).get('web')
        self.server = self.useFixture(HostileServer())

    def location(self, behaviour, path='/image'):
        self.server.paths[path] = behaviour
        return Location(self.server.url + path)


class WithRangesTest(contract.ReadContract, _Case):
    """The half of the contract that is about reading, with a server that gives parts."""

    def _put(self, data=contract.DATA):
        return self.location(ranges(data, lambda: self.server.heads[-1]))

    def test_of_parts_no_more_is_asked_for(self):
        self._get(self._put(), 5, 300)
        self.assertIn('Range: bytes=5-304\r', self.server.heads[-1])
        self.assertEqual(1, len(self.server.heads))


class WithoutRangesTest(contract.ReadContract, _Case):
    """The same with a server that always gives everything."""

    def _put(self, data=contract.DATA):
        return self.location(lambda connection: connection.sendall(self._whole(data)))

    def _whole(self, data):
        return answer(length=len(data)) if self.server.heads[-1].startswith('HEAD ') else answer(data)


class OfUnknownSizeTest(contract.ReadContract, _Case):
    """The same with a server that tells the size in the head only."""

    def _put(self, data=contract.DATA):
        return self.location(lambda connection: connection.sendall(self._whole(data)))

    def _whole(self, data):
        return answer(length=len(data)) if self.server.heads[-1].startswith('HEAD ') else answer(data, length=-1)


class HttpStoreTest(_Case):
    """What web servers do beyond that, sound and not."""

    def read(self, location, *span):
        reader = self.store.open(location, *span)
        try:
            return b''.join(reader), reader.size
        finally:
            reader.close()

    def test_settings(self):
        self.assertEqual(('elsewhere', 3, False), (self.store.description, self.store.weight, self.store.writable))
        self.assertRaises(errors.StoreReadOnly, self.store.writer, 'blob', 'one', 1)

    def test_another_part_than_was_asked_for(self):
        for head, failure in (
            ('bytes 0-9/1000', errors.StoreUnavailable),
            ('bytes 7-16/*', errors.StoreUnavailable),
            ('nonsense', errors.StoreUnavailable),
            (f'bytes 7-11/{len(DATA)}', errors.StoreError),
        ):
            location = self.location(sends(answer(DATA[7:12], '206 Partial Content', Content_Range=head)))
            self.assertRaises(failure, self.read, location, 7, 10)

    def test_nothing_can_be_listed(self):
        self.assertRaises(errors.CannotList, self.store.objects)
        self.assertRaises(errors.CannotList, self.store.remove_object, StoredObject('x', 'x', 1, 1, False))

    def test_size_is_asked_for_without_the_data(self):
        self.assertEqual(len(DATA), self.store.size(self.location(sends(answer(length=len(DATA))))))
        self.assertTrue(self.server.heads[0].startswith('HEAD /image '))

    def test_data_of_unknown_size_is_refused(self):
        location = self.location(sends(answer(DATA, length=-1)))
        self.assertRaises(errors.StoreUnavailable, self.store.size, location)
        self.assertRaises(errors.StoreUnavailable, self.store.open, location)

    def test_size_that_only_the_head_tells(self):
        def behave(connection):
            only_head = self.server.heads[-1].startswith('HEAD ')
            connection.sendall(answer(length=len(DATA)) if only_head else answer(DATA, length=-1))

        self.assertEqual((DATA, len(DATA)), self.read(self.location(behave)))

    def test_what_is_not_there(self):
        for status in ('404 Not Found', '410 Gone'):
            location = self.location(sends(answer(status=status)))
            self.assertRaises(errors.BlobNotFound, self.store.open, location)
            self.assertRaises(errors.BlobNotFound, self.store.size, location)

    def test_what_cannot_be_read_now(self):
        for behaviour in (sends(answer(status='500 Broken')), sends(answer(status='403 No')), sends(b''), sends(wait=20)):
            begin = time.monotonic()
            self.assertRaises(errors.StoreUnavailable, self.store.open, self.location(behaviour))
            self.assertLess(time.monotonic() - begin, 8)

    def test_redirects_are_not_followed(self):
        self.location(sends(answer(DATA)), '/there')
        location = self.location(sends(answer(status='302 Found', Location='/there')))
        self.assertRaises(errors.StoreUnavailable, self.store.open, location)
        self.assertRaises(errors.StoreUnavailable, self.store.size, location)
        self.assertTrue(all(' /image ' in head for head in self.server.heads))

    def test_what_may_not_be_fetched_is_not_contacted(self):
        url = self.server.url.replace('127.0.0.1', '127.0.0.2')
        self.assertRaises(errors.StoreUnavailable, self.store.open, Location(url + '/image'))
        self.assertEqual([], self.server.heads)

    def test_data_that_ends_early_or_stalls(self):
        for behaviour in (sends(answer(DATA, length=len(DATA) + 1)), sends(answer(DATA, length=len(DATA) + 1), wait=20)):
            reader = self.store.open(self.location(behaviour))
            self.assertRaises(errors.StoreError, list, reader)
            reader.close()

    def test_removing_leaves_the_data_where_it_is(self):
        location = self.location(sends(answer(DATA)))
        self.store.remove(location)
        self.store.discard('blob', 'one')
        self.assertEqual([], self.server.heads)


del _Case
