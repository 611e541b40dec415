# SPDX-License-Identifier: Apache-2.0
"""Which cache a configuration makes, and how an index moves to the database."""

from __future__ import annotations

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone import conf as options
from glance_clone.cache import adoption
from glance_clone.cache import build
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.sqlite_index import SqliteIndex
from glance_clone.domain.cache import CacheEntry
from glance_clone.tests.unit.cache import fakes
from glance_clone.transfer.concurrency import NativeThreads


class BuildTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path

    def _conf(self, flavor=None, **values):
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        lines = [f'{name} = {value}' for name, value in {'image_cache_dir': f'{self.path}/cache', **values}.items()]
        config_file = f'{self.path}/glance.conf'
        with open(config_file, 'w') as file:
            file.write('[DEFAULT]\n' + '\n'.join(lines) + f'\n[paste_deploy]\nflavor = {flavor or ""}\n')
        conf([], default_config_files=[config_file])
        return conf

    def _build(self, *args, **values):
        database = fakes.database(f'{self.path}/db.sqlite')
        return build.build_cache(self._conf(*args, **values), lambda url: fakes.CachedImages(database, url), NativeThreads())

    def test_no_directory_is_no_cache(self):
        self.assertIsNone(self._build(image_cache_dir=''))

    def test_drivers(self):
        for driver, kind in (('sqlite', 'SqliteIndex'), ('SQLite', 'SqliteIndex'), ('xattr', 'XattrIndex')):
            self.assertEqual(kind, type(self._build(image_cache_driver=driver).index).__name__)
        made = self._build(worker_self_reference_url='http://node1')
        self.assertEqual('CachedImages', type(made.index).__name__)

    def test_default_driver_without_a_name_of_the_node(self):
        self.assertEqual('SqliteIndex', type(self._build().index).__name__)
        for flavor in ('caching', 'keystone+caching', 'keystone+cachemanagement'):
            self.assertRaises(build.BadCacheConfiguration, self._build, flavor)
        self.assertRaises(build.BadCacheConfiguration, self._build, image_cache_driver='centralized_db')

    def test_directory_that_cannot_be_made(self):
        with open(f'{self.path}/file', 'w'):
            pass
        self.assertRaises(build.BadCacheConfiguration, self._build, image_cache_dir=f'{self.path}/file/cache')

    def test_xattr_without_attributes(self):
        error = self.assertRaises(
            build.BadCacheConfiguration, self._build, image_cache_dir='/proc/self', image_cache_driver='xattr'
        )
        self.assertIn('/proc/self', str(error))


class AdoptionTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path
        self.directory = CacheDirectory(self.path)
        self.directory.prepare()
        self.old = SqliteIndex(f'{self.path}/cache.db')
        self.new = fakes.index('centralized_db', self.directory, f'{self.path}/db.sqlite')

    def test_rows_move_once(self):
        entries = [CacheEntry(fakes.image().id, 10, 1000.5, 900.25, hits) for hits in (3, 4)]
        for entry in entries:
            self.old.add(entry)
        adoption.adopt(self.directory, self.old, self.new)
        self.assertEqual([], self.old.all())
        moved = [(entry.image_id, entry.size, entry.last_accessed, entry.last_modified, entry.hits) for entry in self.new.all()]
        self.assertEqual(
            sorted((entry.image_id, 10, 1000.5, 900.25, entry.hits) for entry in entries),
            sorted(moved),
        )
        adoption.adopt(self.directory, self.old, self.new)
        self.assertEqual(2, len(self.new.all()))

    def test_interrupted_move_is_finished(self):
        entry = CacheEntry(fakes.image().id, 10, 1.0, 1.0, 3)
        self.old.add(entry)
        self.new.add(entry)
        adoption.adopt(self.directory, self.old, self.new)
        self.assertEqual(([], 3), (self.old.all(), self.new.all()[0].hits))

    def test_no_file_is_made(self):
        adoption.adopt(self.directory, self.old, self.new)
        self.assertFalse(self.old.exists)
