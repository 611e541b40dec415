# SPDX-License-Identifier: Apache-2.0
"""What is removed from the staging directory, and what is not."""

import os
import pathlib
import time
import uuid

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.jobs.staging import StagingKeeper
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.staging import StagingStore

_GRACE = 600


class Rows:
    def __init__(self):
        self.status, self.leases, self.forgotten, self.down = {}, set(), [], False

    def leased(self, ids):
        if self.down:
            raise errors.DatabaseUnavailable('down')
        return self.leases & set(ids)

    def status_of(self, ids):
        return {image_id: self.status[image_id] for image_id in ids if image_id in self.status}

    def forget(self, image_id, attempt=None):
        self.forgotten.append(image_id)


class StagingKeeperTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.logged = self.useFixture(fixtures.FakeLogger())
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.rows = Rows()
        self.keeper = StagingKeeper([StagingStore('s', Directory(str(self.root)))], self.rows, _GRACE)

    def add(self, name='{}', status=None, age=10 * _GRACE, is_leased=False):
        image_id = str(uuid.uuid4())
        path = self.root / name.format(image_id)
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
        if status:
            self.rows.status[image_id] = status
        if is_leased:
            self.rows.leases.add(image_id)
        return path

    def assert_kept(self, *expected):
        self.keeper.sweep()
        self.assertEqual(sorted(expected), sorted(self.root.iterdir()))

    def test_files_of_deleted_images_go_at_once(self):
        for name in ('{}', '{}.attempt.uc', '.{}.attempt.part'):
            self.add(name, age=0)
        self.assert_kept()

    def test_files_that_belong_to_nothing_stay(self):
        self.assert_kept(*(self.add(name) for name in ('notes.txt', 'x{}', '.hidden')))

    def test_every_directory_is_looked_through(self):
        store = StagingStore('s', Directory(str(self.root)))
        empty = StagingStore('t', Directory(self.useFixture(fixtures.TempDir()).path))
        self.keeper = StagingKeeper([empty, store], self.rows, _GRACE)
        self.add()
        self.assert_kept()

    def test_old_marks_of_other_software_go_at_the_start(self):
        old, new = self.add('running-task-{}'), self.add('running-task-{}', age=0)
        self.assert_kept(old, new)
        self.add('{}')
        self.keeper.begin()
        self.assert_kept(new)

    def test_data_that_waits_stays(self):
        staged = self.add(status=images.UPLOADING)
        self.add('{}.attempt.uc', status=images.UPLOADING)
        self.add('.{}.attempt.part', status=images.UPLOADING)
        self.assert_kept(staged)

    def test_old_leftovers_of_living_images_go(self):
        for status in (images.ACTIVE, images.QUEUED, images.DEACTIVATED):
            self.add(status=status)
        young = self.add(status=images.ACTIVE, age=_GRACE / 2)
        self.assert_kept(young)
        self.assertEqual(3, len(self.rows.forgotten))

    def test_whoever_works_keeps_his_files(self):
        mine = self.add('.{}.attempt.part', status=images.QUEUED, is_leased=True)
        self.assert_kept(mine, self.add(is_leased=True), self.add(status=images.IMPORTING))

    def test_a_database_that_is_away(self):
        path = self.add()
        self.rows.down = True
        self.assert_kept(path)
        self.rows.down = False
        self.assert_kept()

    def test_links_are_not_followed(self):
        elsewhere = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'file')
        elsewhere.touch()
        link = self.root / str(uuid.uuid4())
        link.symlink_to(elsewhere)
        self.assert_kept(link)
        self.assertTrue(elsewhere.exists())
