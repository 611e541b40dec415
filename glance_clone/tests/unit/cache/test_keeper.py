# SPDX-License-Identifier: Apache-2.0
"""The background work of the cache."""

from __future__ import annotations

import os
import time
import uuid
from unittest import mock

import fixtures
from oslotest import base

from glance_clone.cache import keeper as keepers
from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import INCOMPLETE
from glance_clone.cache.directory import INVALID
from glance_clone.domain import errors
from glance_clone.domain.image import QUEUED
from glance_clone.domain.location import Location
from glance_clone.tests.unit.cache import fakes


class Images:
    """Records and census of images."""

    def __init__(self):
        self.rows = {}
        self.failing = {}

    def get(self, image_id, caller):
        if image_id in self.failing:
            raise self.failing[image_id]
        if image_id not in self.rows:
            raise errors.ImageNotFound(image_id)
        return self.rows[image_id]

    def existing(self, image_ids):
        return set(image_ids) & self.rows.keys()


class KeeperTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path
        self.cache = fakes.cache(self.path)
        self.images = Images()
        self.store = fakes.Store()
        self.adopt = mock.Mock()
        self.keeper = keepers.Keeper(self.cache, self.images, self.store, self.images, self.adopt)

    def _queued_image(self, **values):
        image = fakes.image(**values)
        self.images.rows[image.id] = image
        self.cache.enqueue(image.id)
        return image

    def _cached(self):
        return {entry.image_id for entry in self.cache.entries()}

    def test_queued_images_are_cached(self):
        images = [self._queued_image() for _ in range(2)]
        self.assertEqual(0, self.keeper.work_off_queue())
        self.assertEqual(({image.id for image in images}, []), (self._cached(), self.cache.queued()))

    def test_one_failure_stops_nothing(self):
        broken, unexpected, good = (self._queued_image() for _ in range(3))
        self.images.failing = {broken.id: errors.DatabaseUnavailable('away'), unexpected.id: RuntimeError('a defect')}
        self.assertEqual(2, self.keeper.work_off_queue())
        self.assertEqual({good.id}, self._cached())
        self.images.failing = {}
        self.assertEqual(0, self.keeper.work_off_queue())
        self.assertEqual([], self.cache.queued())

    def test_store_that_is_away_leaves_the_marker(self):
        image = self._queued_image()
        self.store.away = True
        self.assertEqual(1, self.keeper.work_off_queue())
        self.assertEqual([image.id], self.cache.queued())

    def test_vanished_image_leaves_the_queue(self):
        self.cache.enqueue(str(uuid.uuid4()))
        self.assertEqual(0, self.keeper.work_off_queue())
        self.assertEqual([], self.cache.queued())

    def test_image_that_is_not_active_stays_queued(self):
        image = self._queued_image(status=QUEUED)
        self.assertEqual(0, self.keeper.work_off_queue())
        self.assertEqual(([image.id], set()), (self.cache.queued(), self._cached()))

    def test_image_without_hash_leaves_the_queue(self):
        self._queued_image(checksum=None, os_hash_value=None)
        self.keeper.work_off_queue()
        self.assertEqual(([], set()), (self.cache.queued(), self._cached()))

    def test_other_copies_are_tried_where_one_is_damaged(self):
        image = self._queued_image(locations=[Location('mem://bad'), Location('mem://good')])
        self.store.copies = {'mem://bad': b'x' * len(fakes.DATA), 'mem://good': fakes.DATA}
        self.assertEqual(0, self.keeper.work_off_queue())
        self.assertEqual({image.id}, self._cached())

    def test_entries_of_vanished_images_go(self):
        image = self._queued_image()
        self.keeper.work_off_queue()
        self.keeper.tidy()
        self.assertEqual({image.id}, self._cached())
        del self.images.rows[image.id]
        self.keeper.tidy()
        self.assertEqual(set(), self._cached())

    def test_old_leftovers_go(self):
        for part in (INCOMPLETE, INVALID):
            for age in (10, 1000):
                path = self.cache.directory.path_of(part, str(uuid.uuid4()))
                with open(path, 'w'):
                    pass
                os.utime(path, (time.time() - age,) * 2)
        self.keeper.tidy()
        counts = [len(self.cache.directory.files(part)) for part in (INCOMPLETE, INVALID, COMPLETE)]
        self.assertEqual([1, 1, 0], counts)

    def test_adoption_is_done_once_it_succeeds(self):
        self.adopt.side_effect = errors.DatabaseUnavailable('away')
        self.assertRaises(errors.DatabaseUnavailable, self.keeper.adopt)
        self.adopt.side_effect = None
        self.keeper.adopt()
        self.keeper.adopt()
        self.assertEqual(2, self.adopt.call_count)

    def test_thread_resumes_the_queue_and_wakes_up(self):
        first = self._queued_image()
        self.keeper.start()
        self.addCleanup(self.keeper.stop)
        self._wait_for(first)
        second = self._queued_image()
        self.cache.work_off_queue()
        self._wait_for(second)

    def test_thread_survives_what_nobody_expects(self):
        self.adopt.side_effect = RuntimeError('a defect')
        self.keeper.start()
        self.addCleanup(self.keeper.stop)
        image = self._queued_image()
        self.cache.work_off_queue()
        self._wait_for(image)

    def _wait_for(self, image):
        deadline = time.monotonic() + 10
        while image.id not in self._cached():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
