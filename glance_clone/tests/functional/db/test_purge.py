# SPDX-License-Identifier: Apache-2.0
"""Rows that were deleted long ago leave every database, and ids are never used again."""

from __future__ import annotations

import datetime
import threading
import uuid
from typing import Any

import fixtures
import sqlalchemy as sa

from glance_clone.db import models
from glance_clone.db import purge
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.tests.functional.db import base

_IMAGES = models.image.images
_CHILDREN = purge.PURGED_TABLES[:-1]


class _Purge:
    def setUp(self) -> None:
        super().setUp()
        self.now = self.database.now()

    def deleted(self, days: int, **values: Any) -> Image:
        """Return an image with everything that was deleted some days ago."""
        location = Location('file:///x', {'store': 'a'})
        image = self.add(properties={'a': 'b'}, tags={'t'}, locations=[location], **values)
        self.share_with(image, 'project-b')
        self.images.remove(self.images.get(image.id, base.ADMIN))
        self.age(image.id, days)
        return image

    def age(self, image_id: str, days: int) -> None:
        """Make an image one that was deleted some days ago."""
        then = {'deleted_at': self.now - datetime.timedelta(days=days)}
        with self.database.write() as connection:
            for table in _CHILDREN:
                connection.execute(sa.update(table).where(table.c.image_id == image_id, table.c.deleted).values(**then))
            connection.execute(sa.update(_IMAGES).where(_IMAGES.c.id == image_id).values(**then))

    def purge(self, table: sa.Table, days: int = 30, most: int = -1) -> int:
        advanced: list[int] = []
        done = purge.purge(self.database, table, self.now - datetime.timedelta(days=days), most, advanced.append)
        self.assertEqual(done, sum(advanced))
        return done

    def ids(self) -> set[str]:
        return {row['id'] for row in self.rows(_IMAGES)}

    def test_only_what_was_deleted_long_ago_goes(self) -> None:
        live = self.add(properties={'a': 'b'}, tags={'t'})
        old, recent = self.deleted(31), self.deleted(29)
        for table in _CHILDREN:
            self.assertEqual(1, purge.count(self.database, table, self.now - datetime.timedelta(days=30)))
            self.assertEqual(1, self.purge(table), table.name)
        self.assertEqual(1, self.purge(_IMAGES))
        self.assertEqual({live.id, recent.id}, self.ids())
        self.assertEqual({live.id, recent.id}, {row['image_id'] for row in self.rows(models.image.properties)})
        self.assertEqual('b', self.images.get(live.id, base.ADMIN).properties['a'])
        self.assertEqual([old.id], [row['image_id'] for row in self.rows(models.tombstone.tombstones)])

    def test_ids_are_never_used_again(self) -> None:
        image = self.deleted(31)
        self.assertRaises(errors.DuplicateImage, self.images.add, Image(image.id, owner='p'))
        for table in (*_CHILDREN, _IMAGES):
            self.purge(table)
        self.assertEqual(set(), self.ids())
        self.assertRaises(errors.DuplicateImage, self.images.add, Image(image.id, owner='p'))
        self.assertEqual(set(), self.ids())

    def test_images_wait_for_what_belongs_to_them(self) -> None:
        image = self.deleted(31)
        self.assertRaises(purge.StillReferred, self.purge, _IMAGES)
        self.assertEqual({image.id}, self.ids())
        self.assertEqual([], self.rows(models.tombstone.tombstones))

    def test_oldest_first_and_not_more_than_asked_for(self) -> None:
        images = [self.deleted(days) for days in (32, 35, 31, 34)]
        for table in _CHILDREN:
            self.assertEqual(3, self.purge(table, most=3))
        self.assertEqual({images[2].id}, {row['image_id'] for row in self.rows(models.image.properties)})
        self.assertEqual(0, self.purge(_IMAGES, most=0))
        self.assertEqual(2, self.purge(_IMAGES, most=2))
        self.assertEqual({images[0].id, images[2].id}, self.ids())

    def test_many_transactions(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.db.purge._BATCH', 2))
        self.useFixture(fixtures.MonkeyPatch('glance_clone.db.purge._WINDOW', 3))
        for _ in range(5):
            self.deleted(31)
        self.assertEqual(5, self.purge(models.image.tags))
        self.assertEqual(4, self.purge(models.image.members, most=4))
        self.assertEqual(1, self.purge(models.image.members))

    def test_rows_that_come_back_meanwhile(self) -> None:
        restored, other = self.deleted(32), self.deleted(31)
        for table in _CHILDREN:
            self.purge(table)
        find = purge._oldest

        def find_and_restore(*arguments: Any) -> list[Any]:
            found = find(*arguments)
            with self.database.write() as connection:
                values = {'deleted': False, 'deleted_at': None, 'status': 'active'}
                connection.execute(sa.update(_IMAGES).where(_IMAGES.c.id == restored.id).values(**values))
            return list(found)

        self.useFixture(fixtures.MonkeyPatch('glance_clone.db.purge._oldest', find_and_restore))
        self.assertEqual(1, self.purge(_IMAGES))
        self.assertEqual({restored.id}, self.ids())
        self.assertEqual([other.id], [row['image_id'] for row in self.rows(models.tombstone.tombstones)])

    def test_two_at_once(self) -> None:
        for _ in range(6):
            self.deleted(31)
        for table in _CHILDREN:
            self.purge(table)
        done: list[int] = []
        threads = [threading.Thread(target=lambda: done.append(self.purge(_IMAGES))) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(6, sum(done), done)
        self.assertEqual(6, len(self.rows(models.tombstone.tombstones)))

    def test_images_that_wait_for_their_data_to_be_removed_stay_whole(self) -> None:
        image = self.deleted(31)
        with self.database.write() as connection:
            connection.execute(sa.update(_IMAGES).values(status='pending_delete'))
        for table in (*_CHILDREN, _IMAGES):
            self.assertEqual(0, self.purge(table), table.name)
        self.assertEqual({image.id}, self.ids())

    def test_tasks_go_with_their_contents(self) -> None:
        then = self.now - datetime.timedelta(days=31)
        ids = [str(uuid.uuid4()) for _ in range(2)]
        with self.database.write() as connection:
            for task_id, deleted in zip(ids, (True, False), strict=True):
                row = {'id': task_id, 'type': 'import', 'status': 'success', 'owner': 'p', 'created_at': then}
                connection.execute(
                    sa.insert(models.task.tasks).values(**row, deleted=deleted, deleted_at=then if deleted else None)
                )
                connection.execute(sa.insert(models.task.task_info).values(task_id=task_id, input='{}'))
        self.assertEqual(1, self.purge(models.task.tasks))
        self.assertEqual([ids[1]], [row['id'] for row in self.rows(models.task.tasks)])
        self.assertEqual([ids[1]], [row['task_id'] for row in self.rows(models.task.task_info)])


class SQLiteTest(_Purge, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Purge, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLTest(_Purge, base.RepositoryTestCase):
    kind = 'postgresql'
