# SPDX-License-Identifier: Apache-2.0
"""The record while data is staged."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.importing import Staged
from glance_clone.domain.incoming import Incoming
from glance_clone.layers.stage import Stage
from glance_clone.tests.unit.layers import fakes


class StageTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, self.data, self.abandoned = fakes.parts()
        self.layer = Stage(self.data, self.parts)
        self.records.rows['i'] = fakes.queued_image()

    def stage(self):
        return self.layer.stage(self.records.get('i', None), Incoming(b'data'))

    def assert_nothing_left(self):
        self.assertEqual(([], {}), (self.records.held, self.parts.staged.rows))

    def test_success_waits_for_the_import(self):
        self.data.meanwhile = lambda: self.assertEqual(
            (images.UPLOADING, None, 1),
            (self.records.rows['i'].status, self.records.rows['i'].size, len(self.records.held)),
        )
        staged = self.stage()
        row = self.records.rows['i']
        self.assertEqual((images.UPLOADING, 4, None), (row.status, row.size, row.checksum))
        self.assertEqual(([], staged), (self.records.held, self.parts.staged.rows['i']))

    def test_failure_returns_to_queued(self):
        self.data.fail = errors.StoreFull('No room.')
        self.assertRaises(errors.StoreFull, self.stage)
        row = self.records.rows['i']
        self.assertEqual((images.QUEUED, None, 'No room.'), (row.status, row.size, row.properties[images.UPLOAD_ERROR]))
        self.assert_nothing_left()

    def test_only_queued_images_are_staged(self):
        self.stage()
        self.assertRaises(errors.IllegalTransition, self.stage)

    def test_reasons_of_earlier_failures_go(self):
        self.records.rows['i'].properties = {images.UPLOAD_ERROR: 'a', 'os_glance_import_error': 'b', 'mine': 'c'}
        self.stage()
        self.assertEqual({'mine': 'c'}, self.records.rows['i'].properties)

    def test_deleted_meanwhile(self):
        self.data.meanwhile = self.records.rows.clear
        self.assertRaises(errors.ImageGone, self.stage)
        self.assert_nothing_left()
        self.assertEqual({}, self.parts.staging.files)

    def test_what_another_staged_meanwhile_is_not_touched(self):
        later = Staged('i', 'i', 'later', 7, 'md5', 'sha512', 'hash')

        def lose():
            # This worker was taken for dead, and the image staged anew.
            self.records.held.clear()
            self.records.rows['i'].size = 7
            self.parts.staged.rows['i'] = later

        self.data.meanwhile = lose
        self.assertRaises(errors.LeaseLost, self.stage)
        self.assertEqual({'i': later}, self.parts.staged.rows)
        self.assertIn('i', self.parts.staging.files)
        self.assertEqual((images.UPLOADING, 7), (self.records.rows['i'].status, self.records.rows['i'].size))

    def test_a_record_that_cannot_be_written_waits_for_data_again(self):
        keep = self.parts.staged.keep

        def refuse(staged, hold):
            self.parts.staged.keep = keep
            raise OverflowError('too large')

        self.parts.staged.keep = refuse
        self.assertRaises(OverflowError, self.stage)
        row = self.records.rows['i']
        self.assertEqual((images.QUEUED, None, {}), (row.status, row.size, self.parts.staging.files))
        self.assert_nothing_left()

    def test_a_begin_that_nobody_can_tell_of_is_left_to_the_reaper(self):
        self.records.loses_answers = True
        self.assertRaises(errors.DatabaseUnavailable, self.stage)
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def test_a_commit_that_nobody_can_tell_of_is_left_to_the_reaper(self):
        def stage(*args, **kwargs):
            self.records.down = True
            return self.data.stage(*args, **kwargs)

        self.layer = Stage(type('Inner', (), {'stage': staticmethod(stage)}), self.parts)
        self.assertRaises(errors.DatabaseUnavailable, self.stage)
        self.assertEqual(1, len(self.abandoned))
