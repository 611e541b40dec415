# SPDX-License-Identifier: Apache-2.0
"""Writing to stores: what comes into the record, and what is taken back."""

import threading

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import patience
from glance_clone.domain.image import Image
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.task import Task
from glance_clone.imports.copies import Copies
from glance_clone.imports.work import Tools
from glance_clone.imports.work import Work
from glance_clone.transfer.concurrency import NativeThreads


class Data:
    """Stores; those in ``broken`` fail."""

    def __init__(self, broken=()):
        self.broken, self.written, self.taken_back = dict(broken), [], []
        self.submitters = []

    def add_copy(self, image, material, store_id, attempt, submitter=None):
        self.submitters.append(submitter)
        if store_id in self.broken:
            raise self.broken[store_id]
        self.written.append((store_id, material.share))
        return Location(f'mem://{store_id}', {'store': store_id})

    def take_back(self, image, location):
        self.taken_back.append(location.store)


class Records:
    """The record; keeps what each save wrote."""

    def __init__(self, failure=None):
        self.saves, self.failure, self.lock = [], failure, threading.Lock()
        #: Status that somebody else gives the image once it is active.
        self.becomes = images.ACTIVE

    def save(self, image, from_state=None, hold=None, **kwargs):
        with self.lock:
            if self.failure and image.locations:
                raise self.failure
            if from_state == images.ACTIVE != self.becomes:
                raise errors.StateChanged('deactivated')
            self.saves.append((from_state, image.status, [location.store for location in image.locations]))


class CopiesTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())

    def work(self, stores=('a', 'b', 'c'), must_succeed=True, broken=(), failure=None, quota=-1, most=1):
        self.data, self.records = Data(broken), Records(failure)
        image = Image('i', status=images.IMPORTING, disk_format='raw', container_format='bare')
        tools = Tools(self.records, self.data, None, None, None)
        request = ImportRequest('glance-direct', must_succeed=must_succeed)
        work = Work(tools, Task('t', 'me'), image, request, list(stores), Submitter(), Lease('i', 'import', 'w', 'a'))
        work.staged = Staged('i', 'i', 'a', 4, 'md5', 'sha512', 'hash', '/staging/i')
        self.copies = Copies(NativeThreads(), most, quota)
        return work

    def fail(self, work, error):
        self.assertRaises(error, self.copies.run, work)
        self.copies.undo(work)

    def test_all_come_into_the_record_at_once(self):
        for most in (1, 3):
            work = self.work(most=most)
            self.copies.run(work)
            self.assertEqual((images.ACTIVE, 'md5'), (work.image.status, work.image.checksum))
            from_state, status, stores = self.records.saves[-1]
            self.assertEqual((images.IMPORTING, images.ACTIVE, ['a', 'b', 'c']), (from_state, status, sorted(stores)))
            self.assertTrue(all(not stores for _from, _status, stores in self.records.saves[:-1]))
            self.assertEqual([], self.data.taken_back)

    def test_one_store_alone_gets_the_file_itself(self):
        for most in (1, 3):
            work = self.work(most=most)
            self.copies.run(work)
            self.assertEqual(['c'], [store for store, share in self.data.written if share])

    def test_each_comes_into_the_record_where_some_may_fail(self):
        work = self.work(must_succeed=False, broken={'a': errors.StoreFull('full')})
        self.copies.run(work)
        self.assertEqual((images.ACTIVE, ['a']), (work.image.status, work.failed))
        self.assertEqual([['b'], ['b', 'c']], [stores for _from, _status, stores in self.records.saves if stores][:2])
        self.assertIn('full', work.image.properties['os_glance_import_error'])

    def test_the_order_is_that_in_which_stores_were_named(self):
        work = self.work(most=3)
        add, first = self.data.add_copy, threading.Event()

        def slow(image, material, store_id, *args):
            location = add(image, material, store_id, *args)
            first.wait(10) if store_id == 'a' else first.set()
            return location

        self.data.add_copy = slow
        self.copies.run(work)
        self.assertEqual(['a', 'b', 'c'], [location.store for location in work.image.locations])

    def test_an_image_that_is_deactivated_meanwhile_gets_its_copies(self):
        for is_copy in (True, False):
            work = self.work(must_succeed=is_copy)
            if is_copy:
                work.is_copy, work.status, work.image.status, work.image.size = True, images.ACTIVE, images.ACTIVE, 4
            self.records.becomes = images.DEACTIVATED
            self.copies.run(work)
            self.assertEqual((images.DEACTIVATED, images.DEACTIVATED), (work.status, work.image.status))
            self.assertEqual(['a', 'b', 'c'], self.records.saves[-1][2])

    def test_nothing_stays_if_one_fails_that_must_not(self):
        for most in (1, 3):
            work = self.work(broken={'c': errors.StoreFull('full')}, most=most)
            self.fail(work, errors.StoreFull)
            self.assertEqual(['a', 'b'], sorted(self.data.taken_back))
            self.assertEqual((images.IMPORTING, [], ['c']), (work.image.status, work.image.locations, work.failed))

    def test_all_fail(self):
        failure = errors.StoreFull('full')
        work = self.work(must_succeed=False, broken=dict.fromkeys('abc', failure))
        self.fail(work, errors.StoreFull)
        self.assertEqual(['a', 'b', 'c'], work.failed)

    def test_an_unforeseen_failure_tells_users_nothing(self):
        work = self.work(must_succeed=False, broken={'a': ZeroDivisionError('secret')})
        self.copies.run(work)
        self.assertNotIn('secret', work.image.properties['os_glance_import_error'])

    def test_a_commit_that_nobody_can_tell_of_is_not_taken_back(self):
        """The copies may be in the record, so only whoever ends the lease may remove them."""
        for must_succeed in (True, False):
            work = self.work(must_succeed=must_succeed, failure=errors.DatabaseUnavailable('down'))
            self.fail(work, errors.DatabaseUnavailable)
            self.assertEqual([], self.data.taken_back)
            self.assertEqual([], work.image.locations)

    def test_a_commit_that_was_refused_is_taken_back(self):
        work = self.work(failure=errors.ImageNotFound('i'))
        self.fail(work, errors.ImageNotFound)
        self.assertEqual(['a', 'b', 'c'], sorted(self.data.taken_back))
        self.assertEqual([], work.image.locations)

    def test_the_quota_of_locations(self):
        work = self.work(must_succeed=False, quota=2)
        self.copies.run(work)
        self.assertEqual((['c'], 2), (work.failed, len(work.image.locations)))

    def test_the_signature_of_staged_data_was_verified_before(self):
        work = self.work()
        self.copies.run(work)
        self.assertEqual([None, None, None], self.data.submitters)

    def test_every_thread_waits_for_the_database_as_long_as_tasks_do(self):
        for most in (1, 3):
            work, waits = self.work(must_succeed=False, most=most), set()
            save = self.records.save

            def note(*args, save=save, waits=waits, **kwargs):
                waits.add(patience.seconds())
                save(*args, **kwargs)

            self.records.save = note
            with patience.patient():
                self.copies.run(work)
            self.assertEqual({patience.LONG}, waits)

    def test_copies_of_an_active_image_are_verified_with_the_rights_of_whoever_wants_them(self):
        work = self.work()
        work.is_copy, work.image.status, work.image.size = True, images.ACTIVE, 4
        self.copies.run(work)
        self.assertEqual([work.submitter] * 3, self.data.submitters)
