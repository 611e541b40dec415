# SPDX-License-Identifier: Apache-2.0
"""What the repositories of tasks and of staged data promise, on every database."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from unittest import mock

import sqlalchemy as sa

from glance_clone.db.models import image as image_tables
from glance_clone.db.models.lease import leases
from glance_clone.db.models.task import tasks as task_table
from glance_clone.db.repos import tasks
from glance_clone.db.repos.staged import StagedRepository
from glance_clone.db.repos.tasks import TaskRepository
from glance_clone.domain import errors
from glance_clone.domain import task as domain
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.importing import LOCK
from glance_clone.domain.importing import Staged
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.domain.task import TaskQuery
from glance_clone.tests.functional.db import base

_HOURS = 48


class _Tasks:
    def setUp(self) -> None:
        super().setUp()
        self.tasks = TaskRepository(self.database, base.TTL, _HOURS)
        self.staged = StagedRepository(self.database)

    def begin(self, image: Image | None = None, owner: str = 'me') -> tuple[Task, Image, Lease]:
        """Store a task that imports into an image, a new one by default."""
        image = self.images.get((image or self.add()).id, SERVICE)
        task = Task(domain.IMAGE_IMPORT, owner, input={'x': 'ü'}, image_id=image.id)
        lease = self.lease(image, 'import', 'worker')
        image.status = 'importing'
        self.tasks.begin(task, image, 'queued', lease)
        return task, image, lease

    def lock_of(self, image_id: str) -> str | None:
        """Return the lock as the record shows it."""
        return self.images.get(image_id, SERVICE).properties.get(LOCK)

    def test_a_task_begins_with_lock_and_lease(self) -> None:
        task, image, lease = self.begin()
        self.assertEqual('importing', self.images.get(image.id, SERVICE).status)
        self.assertEqual(task.id, self.lock_of(image.id))
        self.assertTrue(self.tasks.is_held(lease))
        found = self.tasks.get(task.id, SERVICE)
        self.assertEqual((domain.PENDING, {'x': 'ü'}, image.id), (found.status, found.input, found.image_id))
        holder, held = self.tasks.holder(image.id)
        self.assertEqual((task.id, task.id), (holder, held.id))

    def test_a_second_task_leaves_no_trace(self) -> None:
        _task, image, _lease = self.begin()
        second = self.images.get(image.id, SERVICE)
        other = Task(domain.IMAGE_IMPORT, 'me', image_id=image.id)
        self.assertRaises(
            errors.ImageLocked, self.tasks.begin, other, second, 'importing', self.lease(image, 'other', 'worker')
        )
        self.assertRaises(errors.TaskNotFound, self.tasks.get, other.id, SERVICE)
        self.assertEqual(1, len(self.rows(leases)))

    def test_an_image_in_another_status_is_refused(self) -> None:
        image = self.images.get(self.add().id, SERVICE)
        task = Task(domain.IMAGE_IMPORT, 'me', image_id=image.id)
        lease = self.lease(image, 'import', 'worker')
        self.assertRaises(errors.StateChanged, self.tasks.begin, task, image, 'uploading', lease)
        self.assertIsNone(self.lock_of(image.id))
        self.assertEqual([], self.rows(leases))

    def test_one_of_many_wins(self) -> None:
        image = self.add()
        found = [self.images.get(image.id, SERVICE) for _ in range(5)]
        outcomes: list[str] = []

        def begin(mine: Image) -> None:
            mine.status = 'importing'
            task = Task(domain.IMAGE_IMPORT, 'me', image_id=mine.id)
            try:
                self.tasks.begin(task, mine, 'queued', self.lease(mine, 'import', 'worker'))
            except errors.Conflict:
                outcomes.append('conflict')
            else:
                outcomes.append('won')

        threads = [threading.Thread(target=begin, args=(mine,)) for mine in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(['conflict'] * 4 + ['won'], sorted(outcomes))
        self.assertEqual(1, len(self.rows(task_table)))

    def test_the_end_of_a_task_is_one_step(self) -> None:
        task, image, lease = self.begin()
        task.move_to(domain.PROCESSING)
        self.tasks.save(task)
        task.move_to(domain.SUCCESS)
        task.result, image.status, image.size = {'image_id': image.id}, 'active', 4
        self.tasks.finish(task, image, 'importing', lease)
        found = self.tasks.get(task.id, SERVICE)
        self.assertEqual((domain.SUCCESS, {'image_id': image.id}), (found.status, found.result))
        self.assertEqual(_HOURS, round((found.expires_at - found.updated_at).total_seconds() / 3600))
        self.assertIsNone(self.lock_of(image.id))
        self.assertEqual([], self.rows(leases))
        self.assertRaises(errors.Conflict, self.tasks.save, Task(task.type, 'me', id=task.id, status=domain.FAILURE))

    def test_whoever_lost_the_lease_ends_nothing(self) -> None:
        task, image, lease = self.begin()
        image.status, task.status = 'active', domain.SUCCESS
        stranger = Lease(lease.image_id, lease.operation, 'another', lease.attempt)
        self.assertRaises(errors.LeaseLost, self.tasks.finish, task, image, 'importing', stranger)
        self.assertEqual('importing', self.images.get(image.id, SERVICE).status)
        self.assertEqual(task.id, self.lock_of(image.id))
        self.assertEqual(domain.PENDING, self.tasks.get(task.id, SERVICE).status)

    def test_a_save_that_holds_a_lease(self) -> None:
        _task, image, lease = self.begin()
        image.properties['x'] = 'y'
        self.images.save(image, from_state='importing', hold=lease)
        self.assertTrue(self.tasks.is_held(lease))
        image.properties['x'] = 'z'
        stranger = Lease(lease.image_id, lease.operation, 'another', lease.attempt)
        self.assertRaises(errors.LeaseLost, self.images.save, image, from_state='importing', hold=stranger)
        self.assertEqual('y', self.images.get(image.id, SERVICE).properties['x'])

    def test_ordinary_saves_leave_the_lock_alone(self) -> None:
        task, image, _lease = self.begin()
        mine = self.images.get(image.id, SERVICE)
        del mine.properties[LOCK]
        mine.name = 'new'
        self.images.save(mine)
        self.assertEqual(task.id, self.lock_of(image.id))

    def test_a_lock_can_be_taken_again(self) -> None:
        task, image, lease = self.begin()
        task.status, image.status = domain.FAILURE, 'queued'
        self.tasks.finish(task, image, 'importing', lease)
        again, _image, _lease = self.begin(image)
        self.assertEqual(again.id, self.lock_of(image.id))
        rows = [row for row in self.rows(image_tables.properties) if row['name'] == LOCK]
        self.assertEqual(1, len(rows))

    def test_unlocking_asks_for_the_task(self) -> None:
        task, image, _lease = self.begin()
        self.assertFalse(self.tasks.unlock(image.id, 'another'))
        self.assertTrue(self.tasks.unlock(image.id, task.id))
        self.assertIsNone(self.tasks.holder(image.id))

    def test_a_task_without_image(self) -> None:
        task = Task(domain.LEGACY_IMPORT, 'me', input={})
        self.tasks.add(task, Lease(task.id, 'task', 'worker', 'attempt'))
        self.assertEqual(1, len(self.rows(leases)))
        image = self.images.get(self.add().id, SERVICE)
        task.image_id, image.status = image.id, 'importing'
        self.tasks.begin(task, image, 'queued', self.lease(image, 'import', 'worker'))
        self.assertEqual(image.id, self.tasks.get(task.id, SERVICE).image_id)

    def test_projects_see_their_own(self) -> None:
        mine, image, _lease = self.begin()
        theirs, _image, _lease = self.begin(owner='them')
        me, them = Caller('me'), Caller('them')
        self.assertEqual([mine.id], [task.id for task in self.tasks.list(TaskQuery(), me)])
        self.assertEqual({mine.id, theirs.id}, {task.id for task in self.tasks.list(TaskQuery(), SERVICE)})
        self.assertEqual([mine.id], [task.id for task in self.tasks.of_image(image.id, me)])
        self.assertEqual([], self.tasks.of_image(image.id, them))
        self.assertRaises(errors.TaskNotFound, self.tasks.get, mine.id, them)
        self.assertRaises(errors.Invalid, self.tasks.list, TaskQuery(marker=theirs.id), me)

    def test_pages(self) -> None:
        wanted = {self.begin()[0].id for _ in range(5)}
        for sort in (('created_at', 'desc'), ('expires_at', 'asc'), ('status', 'desc'), ('id', 'asc')):
            with self.subTest(sort=sort):
                found: list[str] = []
                while page := self.tasks.list(TaskQuery(sort=sort, limit=2, marker=found[-1] if found else None), SERVICE):
                    found += [task.id for task in page]
                self.assertEqual((5, wanted), (len(found), set(found)))
        self.assertRaises(errors.Invalid, self.tasks.list, TaskQuery(sort=('input', 'asc')), SERVICE)

    def test_filters(self) -> None:
        task, image, _lease = self.begin()
        for name, value in (('image_id', image.id), ('status', 'pending'), ('nonsense', 'x')):
            self.assertEqual([task.id], [found.id for found in self.tasks.list(TaskQuery({name: value}), SERVICE)])
        self.assertEqual([], self.tasks.list(TaskQuery({'created_at': '2001-01-01T00:00:00Z'}), SERVICE))
        self.assertRaises(errors.Invalid, self.tasks.list, TaskQuery({'created_at': 'soon'}), SERVICE)
        for value in ('\U0001f600', 'x' * 10_000, '0', "' or 1=1 --", 'A' * 36):
            for name in ('owner', 'status', 'id', 'user_id', 'image_id'):
                self.assertEqual([], self.tasks.list(TaskQuery({name: value}), SERVICE), (name, value))
        self.assertEqual([], self.tasks.list(TaskQuery({'expires_at': '2001-01-01T00:00:00+05:00'}), SERVICE))

    def test_expired_tasks_are_forgotten(self) -> None:
        task, image, lease = self.begin()
        task.status, image.status = domain.FAILURE, 'queued'
        self.tasks.finish(task, image, 'importing', lease)
        with self.database.write() as connection:
            past = datetime.datetime(2001, 1, 1)
            connection.execute(sa.update(task_table).values(expires_at=past))
        self.assertEqual([], self.tasks.of_image(image.id, SERVICE))
        self.assertEqual([], self.tasks.list(TaskQuery(), Caller('me')))
        self.tasks.forget_expired('them')
        self.assertEqual(1, len(self.tasks.list(TaskQuery(), SERVICE)))
        self.tasks.forget_expired('me')
        self.assertEqual([], self.tasks.list(TaskQuery(), SERVICE))

    def test_expired_tasks_are_forgotten_some_at_a_time(self) -> None:
        past = datetime.datetime(2001, 1, 1)
        with self.database.write() as connection:
            values = {'type': 'import', 'status': 'success', 'owner': 'me', 'expires_at': past, 'created_at': past}
            connection.execute(sa.insert(task_table), [{'id': str(n), 'deleted': False, **values} for n in range(5)])
        with mock.patch.object(tasks, '_BATCH', 3):
            for left in (2, 0, 0):
                self.tasks.forget_expired('me')
                self.assertEqual(left, len(self.tasks.list(TaskQuery(), SERVICE)))

    def test_staged_data(self) -> None:
        _task, image, lease = self.begin()
        for attempt in ('one', 'two'):
            self.staged.keep(Staged(image.id, image.id, attempt, 1 << 40, 'md5', 'sha512', 'x'), lease)
        self.assertEqual(('two', 1 << 40), (self.staged.find(image.id).attempt, self.staged.find(image.id).size))
        self.staged.forget(image.id, 'one')
        self.assertIsNotNone(self.staged.find(image.id))
        self.staged.forget(image.id)
        self.assertIsNone(self.staged.find(image.id))

    def test_nothing_is_staged_without_the_lease(self) -> None:
        """Whoever was taken for dead must not replace what was staged after that."""
        _task, image, lease = self.begin()
        late = Staged(image.id, image.id, 'late', 1, 'md5', 'sha512', 'x')
        lost = dataclasses.replace(lease, attempt='late')
        self.assertRaises(errors.LeaseLost, self.staged.keep, late, lost)
        self.assertIsNone(self.staged.find(image.id))

    def test_who_works_on_what(self) -> None:
        _task, busy, _lease = self.begin()
        idle = self.add()
        ids = [busy.id, idle.id, 'unknown']
        self.assertEqual({busy.id}, self.staged.leased(ids))
        self.assertEqual({busy.id: 'importing', idle.id: 'queued'}, self.staged.status_of(ids))


class SQLiteTasksTest(_Tasks, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTasksTest(_Tasks, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLTasksTest(_Tasks, base.RepositoryTestCase):
    kind = 'postgresql'
