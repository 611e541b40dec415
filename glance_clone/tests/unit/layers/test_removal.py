# SPDX-License-Identifier: Apache-2.0
"""Removing records and data together."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.location import Location
from glance_clone.layers.protection import Protection
from glance_clone.layers.removal import Removal
from glance_clone.tests.unit.layers import fakes


class RemovalTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, self.data, self.abandoned = fakes.parts()
        self.layer = Removal(self.records, self.parts)
        image = self.records.rows['i'] = fakes.queued_image()
        image.status, image.locations = images.ACTIVE, [Location('mem://i')]
        self.data.stored.add('mem://i')

    def test_bytes_and_row_go(self):
        self.layer.remove(self.records.get('i', None))
        self.assertEqual(({}, set(), []), (self.records.rows, self.data.stored, self.records.held))

    def test_data_in_use_gives_the_image_back(self):
        self.data.fail = errors.BlobInUse('a clone depends on it')
        self.assertRaises(errors.BlobInUse, self.layer.remove, self.records.get('i', None))
        self.assertEqual((images.ACTIVE, []), (self.records.rows['i'].status, self.records.held))
        self.assertEqual({'mem://i'}, self.data.stored)

    def test_second_delete_finds_nothing(self):
        image = self.records.get('i', None)
        self.layer.remove(self.records.get('i', None))
        self.assertRaises(errors.ImageNotFound, self.layer.remove, image)

    def test_data_that_arrived_since_the_image_was_read_goes_too(self):
        image = self.records.get('i', None)
        image.status, image.locations = images.SAVING, []
        self.layer.remove(image)
        self.assertEqual(({}, set()), (self.records.rows, self.data.stored))

    def test_a_mark_that_nobody_can_tell_of_is_left_to_the_reaper(self):
        self.records.loses_answers = True
        self.assertRaises(errors.DatabaseUnavailable, self.layer.remove, self.records.get('i', None))
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def _assert_left_to_the_reaper(self, method):
        def fail(*_args, **_kwargs):
            raise errors.DatabaseUnavailable('down')

        setattr(self.records, method, fail)
        self.assertRaises(errors.DatabaseUnavailable, self.layer.remove, self.records.get('i', None))
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def test_a_removal_that_the_database_does_not_take_is_left_to_the_reaper(self):
        self._assert_left_to_the_reaper('remove')

    def test_a_marked_image_that_cannot_be_read_is_left_to_the_reaper(self):
        self._assert_left_to_the_reaper('image_of')

    def test_protected_images_stay(self):
        self.records.rows['i'].protected = True
        layer = Protection(self.layer, self.parts)
        self.assertRaises(errors.Forbidden, layer.remove, self.records.get('i', None))
        self.assertEqual(images.ACTIVE, self.records.rows['i'].status)
