# SPDX-License-Identifier: Apache-2.0
"""Removing one of several copies."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.location import Location
from glance_clone.layers.copies import Copies
from glance_clone.tests.unit.layers import fakes


class CopiesTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, self.data, self.abandoned = fakes.parts()
        self.layer = Copies(self.data, self.parts)
        row = self.records.rows['i'] = fakes.queued_image()
        row.status, row.locations = images.ACTIVE, [Location('mem://a', id=1), Location('mem://b', id=2)]
        self.data.stored.update(('mem://a', 'mem://b'))
        self.image = self.records.get('i', None)

    def _statuses(self):
        return [location.status for location in self.records.rows['i'].locations]

    def test_bytes_go_between_the_mark_and_the_burial(self):
        seen = []
        self.data.meanwhile = lambda: seen.append((self._statuses(), len(self.records.held)))
        self.layer.remove_copy(self.image, self.image.locations[0])
        self.assertEqual([(['pending_delete', 'active'], 1)], seen)
        self.assertEqual(({'mem://b'}, [1], []), (self.data.stored, self.parts.locations.buried, self.records.held))
        self.assertEqual(['mem://b'], [location.url for location in self.image.locations])

    def test_a_copy_in_use_is_given_back(self):
        self.data.fail = errors.BlobInUse('a clone depends on it')
        self.assertRaises(errors.BlobInUse, self.layer.remove_copy, self.image, self.image.locations[0])
        self.assertEqual((['active', 'active'], []), (self._statuses(), self.records.held))

    def test_an_image_that_is_not_active_any_more_keeps_it(self):
        self.records.rows['i'].status = images.DEACTIVATED
        self.assertRaises(errors.StateChanged, self.layer.remove_copy, self.image, self.image.locations[0])
        self.assertEqual({'mem://a', 'mem://b'}, self.data.stored)
        self.assertEqual('active', self.image.locations[0].status)

    def test_a_reaper_that_was_faster_is_no_error(self):
        self.data.meanwhile = self.records.held.clear
        self.layer.remove_copy(self.image, self.image.locations[0])
        self.assertEqual({'mem://b'}, self.data.stored)

    def test_a_mark_that_nobody_can_tell_of_is_left_to_the_reaper(self):
        self.records.loses_answers = True
        self.assertRaises(errors.DatabaseUnavailable, self.layer.remove_copy, self.image, self.image.locations[0])
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def test_what_the_database_does_not_take_is_left_to_the_reaper(self):
        def fail(*_args):
            raise errors.DatabaseUnavailable('down')

        self.parts.locations.bury = fail
        self.assertRaises(errors.DatabaseUnavailable, self.layer.remove_copy, self.image, self.image.locations[0])
        self.assertEqual(self.records.held, self.abandoned)
