# SPDX-License-Identifier: Apache-2.0
"""Adding locations: what becomes of the image when something fails on the way (W-13, R2)."""

import copy
import threading
import types
from unittest import mock

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Worker
from glance_clone.domain.location import Location
from glance_clone.domain.location_ports import NamedLocation
from glance_clone.imports.locations import LocationService

_HASHES = {'md5': 'm', 'sha512': 's'}


class _Foreign:
    """Data of four bytes; ``failures`` are raised by examinations, one each."""

    def __init__(self):
        self.failures = []
        self.tries = 0

    def locate(self, url, metadata=None):
        return Location(url)

    def measure(self, location):
        return 4

    def look_at(self, image, location):
        pass

    def examine(self, image, location, algorithms, advance):
        self.tries += 1
        advance(4)
        if self.failures:
            raise self.failures.pop(0)
        return {algorithm: _HASHES[algorithm] for algorithm in algorithms}


class _Tasks:
    """Tasks and the one image that they work on."""

    def __init__(self, image):
        self.row = copy.deepcopy(image)
        self.ended = None

    def holder(self, image_id):
        return None

    def begin(self, task, image, from_state, lease):
        pass

    def is_held(self, lease):
        return True

    def save(self, task):
        """Tasks are looked at when they end."""

    def save_image(self, image, from_state, hold, limits):
        assert self.row.status == from_state, (self.row.status, from_state)
        self.row = copy.deepcopy(image)

    def finish(self, task, image, from_state, lease):
        assert self.row.status == from_state, (self.row.status, from_state)
        self.row, self.ended = copy.deepcopy(image), task


class LocationServiceTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self._prepare()
        pauses = mock.patch('glance_clone.imports.locations._PAUSE', 0)
        pauses.start()
        self.addCleanup(pauses.stop)

    def _prepare(self):
        self.image = Image('i', disk_format='raw', container_format='bare')
        self.foreign, self.tasks = _Foreign(), _Tasks(self.image)
        images = types.SimpleNamespace(save=self.tasks.save_image)
        tools = types.SimpleNamespace(images=images, tasks=self.tasks, stopping=threading.Event())
        self.abandoned = []
        leases = types.SimpleNamespace(image_of=lambda lease: self.tasks.row)
        parts = types.SimpleNamespace(worker=Worker(), leases=leases, quota=mock.MagicMock(), abandon=self.abandoned.append)
        conf = types.SimpleNamespace(do_secure_hash=True, http_retries=2, hashing_algorithm='sha512')
        pool = types.SimpleNamespace(submit=lambda work, *args: work(*args))
        self.service = LocationService(conf, tools, parts, pool, self.foreign)

    def _add(self, *failures, **named):
        self.foreign.failures = list(failures)
        self.service.start(self.image, NamedLocation('http://h/a', **named), Submitter())
        return self.tasks.row

    def test_hashes_follow(self):
        image = self._add()
        self.assertEqual(('active', 4, 'm', 'sha512', 's'), (
            image.status, image.size, image.checksum, image.os_hash_algo, image.os_hash_value))  # fmt: skip
        self.assertEqual('success', self.tasks.ended.status)

    def test_data_that_cannot_be_read_is_tried_again(self):
        unreadable = errors.LocationUnreadable('away')
        self.assertEqual('s', self._add(unreadable, unreadable).os_hash_value)
        self.assertEqual(3, self.foreign.tries)

    def test_without_hashes_an_active_image_keeps_its_location(self):
        for failure in (errors.SizeMismatch('short'), RuntimeError('a bug'), errors.LimitExceeded('long')):
            self._prepare()
            image = self._add(failure)
            self.assertEqual(('active', 4, None), (image.status, image.size, image.os_hash_value))
            self.assertEqual(['http://h/a'], [location.url for location in image.locations])
            self.assertEqual('success', self.tasks.ended.status)

    def test_dangerous_data_is_taken_out_of_circulation(self):
        image = self._add(errors.UnsafeContent('a backing file'))
        self.assertEqual('deactivated', image.status)
        self.assertIn('backing file', self.tasks.ended.message)

    def test_where_the_hash_is_named_nothing_stays_of_a_failure(self):
        for failure in (errors.UnsafeContent('bad'), errors.SizeMismatch('short'), RuntimeError('a bug'), None):
            self._prepare()
            image = self._add(*[failure] if failure else [], algorithm='sha512', value='other')
            known = (image.status, image.size, image.checksum, image.os_hash_algo, image.os_hash_value, image.locations)
            self.assertEqual(('queued', None, None, None, None, []), known)
            self.assertEqual('failure', self.tasks.ended.status)

    def test_what_the_database_does_not_tell_is_left_to_the_reaper(self):
        self._add(errors.DatabaseUnavailable('away'))
        self.assertEqual(1, len(self.abandoned))
        self.assertIsNone(self.tasks.ended)
