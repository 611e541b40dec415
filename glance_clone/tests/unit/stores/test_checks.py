# SPDX-License-Identifier: Apache-2.0
"""Stores that are asked whether they work."""

from __future__ import annotations

import os
from unittest import mock

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.store_ports import CheckedStore
from glance_clone.stores import glance_store_adapter
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.staging import StagingStore


class FileCheckTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path
        self.directory = Directory(self.path)
        self.store = FileStore('fast', [self.directory])

    def test_directory_that_works(self):
        self.assertIsInstance(self.store, CheckedStore)
        self.store.check()

    def test_directory_that_is_gone(self):
        os.rmdir(self.path)
        self.assertRaises(errors.StoreUnavailable, self.store.check)
        os.mkdir(self.path)

    def test_directory_without_permission(self):
        with mock.patch('os.access', return_value=False):
            self.assertRaises(errors.StoreUnavailable, self.store.check)

    def test_read_only_file_system(self):
        with mock.patch('os.fstatvfs', return_value=mock.Mock(f_flag=os.ST_RDONLY)):
            self.assertRaises(errors.StoreUnavailable, self.store.check)

    def test_staging_needs_room(self):
        staging = StagingStore('staging', self.directory)
        staging.check()
        with mock.patch.object(self.directory, 'free', return_value=1000):
            self.assertRaises(errors.StoreFull, staging.check)


class _Driven(glance_store_adapter.GlanceStore):
    """A store of glance_store without its driver."""

    def __init__(self, failure=None, location=None):
        self.id = 'far'
        self._failure = failure
        self._location = location

    def location_of(self, blob_id):
        return self._location

    def size(self, location):
        if self._failure:
            raise self._failure
        return 1


class DrivenCheckTest(base.BaseTestCase):
    def test_nothing_found_is_well(self):
        _Driven(errors.BlobNotFound('nothing'), Location('swift://x/y')).check()

    def test_store_that_is_away(self):
        store = _Driven(errors.StoreUnavailable('away'), Location('swift://x/y'))
        self.assertRaises(errors.StoreUnavailable, store.check)

    def test_store_without_names_is_not_asked(self):
        _Driven(errors.StoreUnavailable('away')).check()
