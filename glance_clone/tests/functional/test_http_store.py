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
from glance_clone.stores.registry import build_registry
from glance_clone.tests import base
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import sends
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


class HttpStoreTest(base.TestCase):
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

    def read(self, location, *span):
        reader = self.store.open(location, *span)
        try:
            return b''.join(reader), reader.size
        finally:
            reader.close()

    def test_settings(self):
        self.assertEqual(('elsewhere', 3, False), (self.store.description, self.store.weight, self.store.writable))
        self.assertRaises(errors.StoreReadOnly, self.store.writer, 'blob', 'one', 1)

    def test_whole_and_parts(self):
        location = self.location(sends(answer(DATA)))
        self.assertEqual((DATA, len(DATA)), self.read(location))
        for offset, length in ((0, 1), (5, 300), (len(DATA) - 3, None), (len(DATA) - 3, 10), (len(DATA), None)):
            expected = DATA[offset:] if length is None else DATA[offset : offset + length]
            self.assertEqual((expected, len(DATA)), self.read(location, offset, length))

    def test_parts_of_a_server_that_gives_parts(self):
        head = {'status': '206 Partial Content', 'Content_Range': f'bytes 7-16/{len(DATA)}'}
        self.assertEqual((DATA[7:17], len(DATA)), self.read(self.location(sends(answer(DATA[7:17], **head))), 7, 10))

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
