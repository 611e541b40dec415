# SPDX-License-Identifier: Apache-2.0
"""What becomes of the work of dead workers."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import lease as leases
from glance_clone.domain.location import Location
from glance_clone.jobs.finishers import DataFinishers
from glance_clone.jobs.reaper import Reaper
from glance_clone.tests.unit.layers import fakes


class ReaperTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.parts, self.records, self.data, _ = fakes.parts()
        self.stores = self.parts.stores
        self.reaper = Reaper(self.records, self.parts.worker, 60)
        self.reaper.register(DataFinishers(self.parts).table())
        self.image = self.records.rows['i'] = fakes.queued_image()

    def _expire(self, operation, **detail):
        lease = self.parts.worker.lease('i', operation, **detail)
        self.records.held.append(lease)
        self.records.expired = [lease]
        return lease

    def test_interrupted_upload_is_queued_again_without_bytes(self):
        self.image.status = images.SAVING
        lease = self._expire(leases.UPLOAD, store='fast')
        self.reaper.sweep()
        row = self.records.rows['i']
        self.assertEqual((images.QUEUED, []), (row.status, self.records.held))
        self.assertEqual([('i', lease.attempt)], self.stores.discarded)
        self.assertIn('interrupted', row.properties[images.UPLOAD_ERROR])

    def test_upload_of_a_deleted_image_leaves_no_bytes(self):
        del self.records.rows['i']
        lease = self._expire(leases.UPLOAD)
        self.reaper.sweep()
        self.assertEqual(([('i', lease.attempt)], []), (self.stores.discarded, self.records.held))

    def test_data_of_an_active_image_is_never_touched(self):
        self.image.status, self.image.locations = images.ACTIVE, [Location('mem://i')]
        self._expire(leases.UPLOAD)
        self.reaper.sweep()
        self.assertEqual(([], []), (self.stores.discarded, self.records.held))

    def test_interrupted_delete_is_finished(self):
        self.image.status, self.image.locations = images.PENDING_DELETE, [Location('mem://i')]
        self.data.stored.add('mem://i')
        self._expire(leases.DELETE, status=images.ACTIVE)
        self.reaper.sweep()
        self.assertEqual(({}, set(), []), (self.records.rows, self.data.stored, self.records.held))

    def test_interrupted_delete_of_data_in_use_gives_the_image_back(self):
        self.image.status, self.image.locations = images.PENDING_DELETE, [Location('mem://i')]
        self.data.fail = errors.BlobInUse('in use')
        self._expire(leases.DELETE, status=images.DEACTIVATED)
        self.reaper.sweep()
        self.assertEqual((images.DEACTIVATED, []), (self.records.rows['i'].status, self.records.held))

    def _mark_copy(self):
        self.image.status, self.image.locations = images.ACTIVE, [Location('mem://other')]
        self.parts.locations.marked[7] = Location('mem://i', status='pending_delete', id=7)
        self.data.stored.add('mem://i')
        return self._expire(leases.REMOVE_COPY, location=7)

    def test_interrupted_removal_of_a_copy_is_finished(self):
        self._mark_copy()
        self.reaper.sweep()
        self.assertEqual((set(), [7], []), (self.data.stored, self.parts.locations.buried, self.records.held))

    def test_the_copy_of_an_image_that_is_gone_is_removed_too(self):
        self._mark_copy()
        del self.records.rows['i']
        self.reaper.sweep()
        self.assertEqual((set(), [7], []), (self.data.stored, self.parts.locations.buried, self.records.held))

    def test_a_new_copy_of_the_same_name_is_not_touched(self):
        self._mark_copy()
        self.image.locations.append(Location('mem://i', id=8))
        self.reaper.sweep()
        self.assertEqual(({'mem://i'}, [7], []), (self.data.stored, self.parts.locations.buried, self.records.held))

    def test_a_copy_in_use_is_given_back(self):
        self._mark_copy()
        self.data.fail = errors.BlobInUse('in use')
        self.reaper.sweep()
        self.assertEqual(({'mem://i'}, [], []), (self.data.stored, self.parts.locations.buried, self.records.held))

    def test_a_copy_that_was_given_back_stays(self):
        self._mark_copy()
        self.parts.locations.marked[7].status = 'active'
        self.reaper.sweep()
        self.assertEqual(({'mem://i'}, [], []), (self.data.stored, self.parts.locations.buried, self.records.held))

    def test_an_abandoned_lease_that_ran_out_meanwhile_is_nobodys(self):
        self.image.status = images.SAVING
        self.reaper.abandon(self.parts.worker.lease('i', leases.UPLOAD))
        self.records.held.append(self.parts.worker.lease('i', leases.UPLOAD))
        self.reaper.sweep()
        self.assertEqual([], self.stores.discarded, 'the data of a later upload was removed')
        self.assertEqual((images.SAVING, 1), (self.records.rows['i'].status, len(self.records.held)))

    def test_what_fails_now_is_tried_again(self):
        self.image.status = images.SAVING
        self._expire(leases.UPLOAD)
        self.stores.down = True
        self.reaper.sweep()
        self.assertEqual(images.SAVING, self.records.rows['i'].status)
        self.stores.down = False
        self.reaper.sweep()
        self.assertEqual(images.QUEUED, self.records.rows['i'].status)
