# SPDX-License-Identifier: Apache-2.0
"""The record around an upload."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.incoming import Incoming
from glance_clone.layers.upload import Upload
from glance_clone.tests.unit.layers import fakes


class UploadTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, self.data, self.abandoned = fakes.parts()
        self.layer = Upload(self.data, self.parts)
        self.records.rows['i'] = fakes.queued_image()

    def _write(self):
        self.layer.write(self.records.get('i', None), Incoming(b'data'))

    def test_success_makes_active_and_drops_the_lease(self):
        self.data.meanwhile = lambda: self.assertEqual(
            (images.SAVING, 1), (self.records.rows['i'].status, len(self.records.held))
        )
        self._write()
        self.assertEqual(images.ACTIVE, self.records.rows['i'].status)
        self.assertEqual([], self.records.held)

    def test_failure_returns_to_queued_and_tells_why(self):
        self.data.fail = errors.StoreFull('No room.')
        self.assertRaises(errors.StoreFull, self._write)
        row = self.records.rows['i']
        self.assertEqual((images.QUEUED, None, 'No room.'), (row.status, row.size, row.properties[images.UPLOAD_ERROR]))
        self.assertEqual([], self.records.held)

    def test_the_reason_is_gone_with_the_next_upload(self):
        self.records.rows['i'].properties[images.UPLOAD_ERROR] = 'before'
        self._write()
        self.assertEqual({}, self.records.rows['i'].properties)

    def test_unexpected_errors_are_not_told_to_users(self):
        self.data.fail = ZeroDivisionError('secret')
        self.assertRaises(ZeroDivisionError, self._write)
        row = self.records.rows['i']
        self.assertEqual(images.QUEUED, row.status)
        self.assertNotIn('secret', row.properties[images.UPLOAD_ERROR])

    def test_second_upload_is_refused_untouched(self):
        self._write()
        self.records.rows['i'].os_hash_algo, self.records.rows['i'].os_hash_value = 'sha512', 'cafe'
        error = self.assertRaises(errors.IllegalTransition, self._write)
        self.assertIn('bytes, sha512 cafe', str(error), 'nobody can tell whether the data that is there is the same')
        self.assertEqual(images.ACTIVE, self.records.rows['i'].status)

    def test_lost_race_at_the_start(self):
        image = self.records.get('i', None)
        self.records.rows['i'].status = images.SAVING
        self.assertRaises(errors.StateChanged, self.layer.write, image, Incoming(b'data'))
        self.assertEqual(set(), self.data.stored)

    def test_deleted_meanwhile_removes_the_bytes(self):
        self.data.meanwhile = lambda: self.records.rows.pop('i')
        self.assertRaises(errors.ImageGone, self._write)
        self.assertEqual((set(), []), (self.data.stored, self.records.held))

    def test_deleted_meanwhile_and_failed(self):
        self.data.meanwhile = lambda: self.records.rows.pop('i')
        self.data.fail = errors.SizeMismatch('short')
        self.assertRaises(errors.ImageGone, self._write)
        self.assertEqual([], self.records.held)

    def test_a_record_that_cannot_be_written_waits_for_data_again(self):
        save, refused = self.records.save, [OverflowError('too large')]

        def refuse(image, **kwargs):
            if image.status == images.ACTIVE and refused:
                raise refused.pop()
            save(image, **kwargs)

        self.records.save = refuse
        self.assertRaises(OverflowError, self._write)
        row = self.records.rows['i']
        self.assertEqual((images.QUEUED, None, []), (row.status, row.size, self.records.held))
        self.assertEqual(set(), self.data.stored)

    def test_a_begin_that_nobody_can_tell_of_is_left_to_the_reaper(self):
        self.records.loses_answers = True
        self.assertRaises(errors.DatabaseUnavailable, self._write)
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def test_bytes_that_cannot_be_removed_are_left_to_the_reaper(self):
        def delete():
            self.records.rows.clear()
            self.parts.data.remove = self._fail

        self.data.meanwhile = delete
        self.assertRaises(errors.ImageGone, self._write)
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def _fail(self, image):
        raise errors.StoreUnavailable('down')

    def test_a_lease_that_cannot_be_released_is_left_to_the_reaper(self):
        def vanish():
            self.records.rows.clear()
            self.records.release = self._fail

        self.data.meanwhile = vanish
        self.data.fail = errors.SizeMismatch('short')
        self.assertRaises(errors.ImageGone, self._write)
        self.assertEqual((1, self.records.held), (len(self.records.held), self.abandoned))

    def test_database_lost_at_the_end_keeps_bytes_and_lease_for_the_reaper(self):
        def go_down():
            self.records.down = True

        self.data.meanwhile = go_down
        self.assertRaises(errors.DatabaseUnavailable, self._write)
        self.assertEqual(1, len(self.abandoned))
        self.assertEqual(self.records.held, self.abandoned)
        self.assertEqual({'mem://i'}, self.data.stored)
