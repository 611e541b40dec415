# SPDX-License-Identifier: Apache-2.0
"""What the cache does with each of its drivers."""

from __future__ import annotations

import os
import time
import uuid

import fixtures
import testscenarios
from oslotest import base

from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import INCOMPLETE
from glance_clone.cache.directory import INVALID
from glance_clone.cache.directory import QUEUE
from glance_clone.cache.image_cache import DiskCache
from glance_clone.domain import errors
from glance_clone.domain.cache import CacheEntry
from glance_clone.domain.cache import Pruned
from glance_clone.tests.unit.cache import fakes

load_tests = testscenarios.load_tests_apply_scenarios


class DriverTest(base.BaseTestCase):
    scenarios = [(name, {'driver': name}) for name in ('centralized_db', 'sqlite', 'xattr')]
    driver: str

    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path
        if self.driver == 'xattr':
            self._require_attributes()
        self.cache = self._cache()
        self.store = fakes.Store()

    def _require_attributes(self):
        try:
            os.setxattr(self.path, 'user.test', b'1')
        except OSError as error:
            self.skipTest(f'no extended attributes here: {error}')

    def _cache(self, **options) -> DiskCache:
        return fakes.cache(self.path, self.driver, **options)

    def _fill(self, data=fakes.DATA):
        image = fakes.image(data)
        self.assertEqual('COMPLETE', self.cache.fetch(image, fakes.Store(data).fetch).name)
        return image

    def _entry(self, image):
        return next(entry for entry in self.cache.entries() if entry.image_id == image.id)

    def _open(self, image, *span):
        return fakes.read(self.cache.open(image, self.store.fetch, *span))

    def test_nothing_is_cached_at_first(self):
        self.assertEqual(([], []), (self.cache.entries(), self.cache.queued()))

    def test_entry_is_described(self):
        begin = time.time() - 1
        image = self._fill()
        entry = self._entry(image)
        self.assertEqual((image.id, len(fakes.DATA), 0), (entry.image_id, entry.size, entry.hits))
        self.assertTrue(begin <= entry.last_accessed <= time.time() + 1, entry)
        self.assertTrue(begin <= entry.last_modified <= time.time() + 1, entry)
        self.assertEqual(self.driver == 'centralized_db', entry.number is not None)

    def test_hits_serve_and_are_counted(self):
        image = self._fill()
        for _ in range(3):
            self.assertEqual(fakes.DATA, self._open(image))
        self.assertEqual((3, 0), (self._entry(image).hits, self.store.opened))

    def test_ranges_are_served_and_count_as_use_but_not_as_hits(self):
        image = self._fill()
        before = self._entry(image).last_accessed
        self.assertEqual(fakes.DATA[5:15], self._open(image, 5, 10))
        self.assertEqual(fakes.DATA[7:], self._open(image, 7))
        entry = self._entry(image)
        self.assertEqual((0, 0), (entry.hits, self.store.opened))
        self.assertGreaterEqual(entry.last_accessed, before)

    def test_evicted_entries_are_gone(self):
        image = self._fill()
        self.assertTrue(self.cache.evict(image.id))
        self.assertFalse(self.cache.evict(image.id))
        self.assertEqual([], self.cache.entries())
        self.assertEqual(fakes.DATA, self._open(image, 0, None))
        self.assertEqual(1, self.store.opened)

    def test_file_without_a_row_is_an_entry(self):
        image = self._fill()
        self.cache.index.remove([image.id])
        self.assertEqual([image.id], [entry.image_id for entry in self.cache.entries()])

    def test_use_of_a_file_without_a_row_is_noted(self):
        image = self._fill()
        self.cache.index.remove([image.id])
        self._open(image)
        self.assertEqual(1, self._entry(image).hits)

    def test_row_without_a_file_is_none(self):
        image = self._fill()
        os.unlink(self.cache.directory.path_of(COMPLETE, image.id))
        self.assertEqual([], self.cache.entries())
        self.assertEqual([], self.cache.index.all())

    def test_entry_that_is_known_keeps_its_hits(self):
        image = self._fill()
        self._open(image)
        self.cache.index.add(CacheEntry(image.id, image.size, 1.0, 1.0))
        self.assertEqual(1, self._entry(image).hits)

    def test_least_recently_used_are_pruned(self):
        self.cache = self._cache(max_size=2500)
        old, middle, new = (self._fill(bytes(1000)) for _ in range(3))
        now = time.time()
        for age, image in ((300, old), (200, middle), (100, new)):
            self.cache.index.touch(CacheEntry(image.id, 1000, now - age, now - age), whole=True)
        self.assertEqual(Pruned(1, 1000), self.cache.prune())
        self.assertEqual({middle.id, new.id}, {entry.image_id for entry in self.cache.entries()})
        self.assertEqual(Pruned(0, 0), self.cache.prune())

    def test_prune_ends_where_files_have_no_rows(self):
        self.cache = self._cache(max_size=10)
        images = [self._fill(bytes(1000)) for _ in range(3)]
        self.cache.index.remove([image.id for image in images])
        self.assertEqual(Pruned(3, 3000), self.cache.prune())
        self.assertEqual([], self.cache.entries())

    def test_no_maximum_prunes_nothing(self):
        self._fill()
        self.assertEqual(Pruned(0, 0), self.cache.prune())

    def test_begun_reader_goes_on_while_its_entry_is_pruned(self):
        self.cache = self._cache(max_size=1)
        image = self._fill()
        reader = self.cache.open(image, self.store.fetch)
        self.cache.prune()
        self.assertEqual(fakes.DATA, fakes.read(reader))

    def test_clean_removes_what_failed(self):
        self.cache = self._cache(stall_time=1000)
        names = {part: [str(uuid.uuid4()) for _ in range(2)] for part in (INCOMPLETE, INVALID)}
        for part, ids in names.items():
            for image_id in ids:
                with open(self.cache.directory.path_of(part, image_id), 'w') as file:
                    file.write('x')
        stalled = self.cache.directory.path_of(INCOMPLETE, names[INCOMPLETE][0])
        os.utime(stalled, (time.time() - 2000,) * 2)
        kept = self._fill()
        self.assertEqual(3, self.cache.clean())
        self.assertEqual([names[INCOMPLETE][1]], list(self.cache.directory.files(INCOMPLETE)))
        self.assertEqual([], list(self.cache.directory.files(INVALID)))
        self.assertEqual(kept.id, self._entry(kept).image_id)

    def test_queue_is_in_order_and_without_repetition(self):
        ids = [str(uuid.uuid4()) for _ in range(3)]
        for number, image_id in enumerate(ids):
            self.assertTrue(self.cache.enqueue(image_id))
            os.utime(self.cache.directory.path_of(QUEUE, image_id), (number, number))
        self.assertFalse(self.cache.enqueue(ids[1]))
        self.assertEqual(ids, self.cache.queued())
        self.assertTrue(self.cache.dequeue(ids[0]))
        self.assertFalse(self.cache.dequeue(ids[0]))
        self.assertEqual(ids[1:], self.cache.queued())

    def test_cached_image_is_not_queued(self):
        image = self._fill()
        self.assertFalse(self.cache.enqueue(image.id))
        self.assertTrue(self.cache.holds(image.id))

    def test_queue_is_bounded(self):
        for _ in range(10):
            self.cache.enqueue(str(uuid.uuid4()))
        self.assertRaises(errors.LimitExceeded, self.cache.enqueue, str(uuid.uuid4()))

    def test_names_that_are_no_ids_are_refused(self):
        for name in ('', '.', '..', '../x', 'cache.db', str(uuid.uuid4()).upper()):
            for call in (self.cache.enqueue, self.cache.dequeue, self.cache.evict, self.cache.holds):
                self.assertRaises(errors.ImageNotFound, call, name)

    def test_deleted_image_leaves_nothing(self):
        image = self._fill()
        queued = str(uuid.uuid4())
        self.cache.enqueue(queued)
        for image_id in (image.id, queued, 'not-an-id'):
            self.cache.forget(image_id)
        self.assertEqual(([], []), (self.cache.entries(), self.cache.queued()))

    def test_nodes_are_known_to_the_shared_database_alone(self):
        image = self._fill()
        if self.driver == 'centralized_db':
            self.assertEqual([fakes.NODE], self.cache.nodes(image.id))
            self.assertEqual([], self.cache.nodes(str(uuid.uuid4())))
        else:
            self.assertRaises(errors.Conflict, self.cache.nodes, image.id)

    def test_entries_outlive_a_restart(self):
        image = self._fill()
        self._open(image)
        self.cache = self._cache()
        self.assertEqual(1, self._entry(image).hits)
        self._open(image)
        self.assertEqual(0, self.store.opened)
