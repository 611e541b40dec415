# SPDX-License-Identifier: Apache-2.0
"""What the index of the image cache promises, on every database."""

from __future__ import annotations

import threading
import time
import uuid

from glance_clone.db.models import cache as tables
from glance_clone.db.repos.cached_images import CachedImages
from glance_clone.db.repos.census import Census
from glance_clone.domain.cache import CacheEntry
from glance_clone.tests.functional.db import base

_ONE, _OTHER = 'http://node1:9292', 'http://node2:9292'


class _CachedImages:
    def setUp(self) -> None:
        super().setUp()
        self.index = CachedImages(self.database, _ONE)
        self.entry = CacheEntry(str(uuid.uuid4()), 1 << 40, 1_700_000_000.0, 1_600_000_000.0, 3)

    def _known(self) -> CacheEntry:
        (entry,) = self.index.all()
        return entry

    def test_everything_comes_back(self) -> None:
        self.index.add(self.entry)
        known = self._known()
        self.assertIsNotNone(known.number)
        known.number = None
        self.assertEqual(self.entry, known)

    def test_entry_that_is_known_stays(self) -> None:
        self.index.add(self.entry)
        self.index.add(CacheEntry(self.entry.image_id, 1, 1.0, 1.0))
        self.assertEqual(3, self._known().hits)

    def test_uses(self) -> None:
        self.index.touch(self.entry, whole=True)
        later = CacheEntry(self.entry.image_id, 0, self.entry.last_accessed + 60, 0)
        self.index.touch(later, whole=True)
        self.index.touch(later, whole=False)
        known = self._known()
        self.assertEqual((2, later.last_accessed), (known.hits, known.last_accessed))
        self.assertEqual((self.entry.size, self.entry.last_modified), (known.size, known.last_modified))

    def test_nodes_are_apart(self) -> None:
        other = CachedImages(self.database, _OTHER)
        for index in (self.index, other):
            index.add(self.entry)
        self.assertEqual([_ONE, _OTHER], other.nodes(self.entry.image_id))
        other.remove([self.entry.image_id])
        self.assertEqual(([], [_ONE]), (other.all(), other.nodes(self.entry.image_id)))
        self.assertEqual(1, len(self.index.all()))

    def test_many_are_forgotten_at_once(self) -> None:
        for _ in range(3):
            self.index.add(CacheEntry(str(uuid.uuid4()), 1, 1.0, 1.0))
        self.index.remove([*(entry.image_id for entry in self.index.all()), *(str(uuid.uuid4()) for _ in range(1200))])
        self.assertEqual([], self.index.all())

    def test_use_is_one_statement(self) -> None:
        self.index.add(self.entry)
        with self.statements() as sent:
            self.index.touch(self.entry, whole=True)
        self.assertEqual(1, len([statement for statement in sent if 'cached_images' in statement]), sent)

    def test_processes_of_a_new_node_at_once(self) -> None:
        barrier = threading.Barrier(4)

        def use() -> None:
            index = CachedImages(self.database, _OTHER)
            barrier.wait()
            index.touch(self.entry, whole=True)

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(1, len(self.rows(tables.node_reference)))
        self.assertEqual(1, len(self.rows(tables.cached_images)))

    def test_census(self) -> None:
        alive, deleted = self.add(), self.add()
        self.images.remove(deleted)
        ids = {alive.id, deleted.id, *(str(uuid.uuid4()) for _ in range(600))}
        self.assertEqual({alive.id}, Census(self.database).existing(ids))
        self.assertEqual(set(), Census(self.database).existing([]))

    def test_times_are_of_no_zone(self) -> None:
        now = float(int(time.time()))
        self.index.add(CacheEntry(self.entry.image_id, 1, now, now))
        self.assertEqual((now, now), (self._known().last_accessed, self._known().last_modified))


class SQLiteCachedImagesTest(_CachedImages, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBCachedImagesTest(_CachedImages, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLCachedImagesTest(_CachedImages, base.RepositoryTestCase):
    kind = 'postgresql'
