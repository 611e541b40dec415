# SPDX-License-Identifier: Apache-2.0
"""Deleted images come back as they were, on every database, however precisely it keeps times."""

from __future__ import annotations

import datetime
from unittest import mock

from glance_clone.db.models import image as tables
from glance_clone.db.repos.delayed_deletes import DelayedDeletes
from glance_clone.db.repos.locations import LocationRepository
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.tests.functional.db import base

#: All that a test does happens in this moment, as within one second on MariaDB.
_NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)


class _Deletes:
    def setUp(self) -> None:
        super().setUp()
        self.deletes = DelayedDeletes(self.database, base.TTL)
        patch = mock.patch.object(self.database, 'now', lambda: _NOW)
        patch.start()
        self.addCleanup(patch.stop)

    def _image(self, status: str = 'active') -> Image:
        locations = [Location('file:///a'), Location('file:///b')]
        image = self.add(status=status, tags={'kept', 'gone'}, properties={'kept': '1', 'gone': '2'}, locations=locations)
        return self.images.get(image.id, self.me)

    def _restored(self, image: Image) -> Image:
        claim = self.lease(image, 'scrub')
        self.deletes.claim(claim)
        self.deletes.restore(image.id, claim)
        return self.images.get(image.id, self.me)

    def _remove_copy(self, image: Image) -> None:
        lease = self.lease(image, 'remove-copy')
        location = image.locations[0]
        location.status, lease.detail['location'] = 'pending_delete', location.id
        self.images.save(image, from_state='active', take=lease)
        LocationRepository(self.database).bury(location.id, lease)

    def test_what_was_taken_off_in_the_moment_of_the_delete_stays_off(self) -> None:
        image = self._image()
        self._remove_copy(image)
        image = self.images.get(image.id, self.me)
        image.tags.remove('gone')
        del image.properties['gone']
        self.images.save(image)
        self.deletes.schedule(image)
        self.assertRaises(errors.ImageNotFound, self.images.get, image.id, self.me)
        image = self._restored(image)
        self.assertEqual(({'kept'}, {'kept': '1'}), (image.tags, image.properties))
        self.assertEqual(['file:///b'], [location.url for location in image.locations])

    def test_what_was_taken_off_and_added_again_is_there(self) -> None:
        image = self._image()
        image.properties, image.tags = {}, set()
        self.images.save(image)
        image.properties, image.tags = {'gone': '3'}, {'gone'}
        self.images.save(image)
        self.deletes.schedule(image)
        image = self._restored(image)
        self.assertEqual(({'gone'}, {'gone': '3'}), (image.tags, image.properties))

    def test_the_status_is_that_of_before(self) -> None:
        image = self._image('deactivated')
        for status in ('deactivated', 'deactivated', 'active'):
            if image.status != status:
                image.status = status
                self.images.save(image, from_state='deactivated')
            self.deletes.schedule(image)
            image = self._restored(image)
            self.assertEqual((status, {'kept', 'gone'}), (image.status, set(image.properties)))
        self.assertEqual([], self.rows(tables.properties, name='os_glance_former_status'))


class SQLiteTest(_Deletes, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Deletes, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLTest(_Deletes, base.RepositoryTestCase):
    kind = 'postgresql'
