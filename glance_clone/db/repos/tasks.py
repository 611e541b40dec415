# SPDX-License-Identifier: Apache-2.0
"""Tasks on SQL, and the import lock that they hold on images."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.models import image as images
from glance_clone.db.models import task as tables
from glance_clone.db.repos import image_rows
from glance_clone.db.repos import image_writes
from glance_clone.db.repos import leases
from glance_clone.db.repos import task_rows
from glance_clone.db.repos.images import write
from glance_clone.domain import errors
from glance_clone.domain import task as domain
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import Image
from glance_clone.domain.importing import LOCK
from glance_clone.domain.lease import REMOVE_COPY
from glance_clone.domain.lease import SCRUB
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.domain.task import TaskQuery

_ENDED = tuple(sorted(domain.TERMINAL))
#: Expired tasks that one request forgets at most.
_BATCH = 1000


class TaskRepository:
    """See :class:`glance_clone.domain.import_ports.TaskRepository`.

    :param lease_ttl: seconds for which a lease holds that begins with a task
    :param hours: for which a task is remembered after it ended
    """

    def __init__(self, database: Database, lease_ttl: int, hours: int):
        self._database = database
        self._ttl = lease_ttl
        self._hours = hours

    def add(self, task: Task, lease: Lease) -> None:
        """Store a new task."""
        task.created_at = task.updated_at = self._database.now()
        self._add(task, lease)

    @retried
    def _add(self, task: Task, lease: Lease, again: bool = False) -> None:
        with self._database.write() as connection:
            if not (again and _exists(connection, task)):
                task_rows.insert(connection, task)
                leases.take(connection, lease, self._ttl)

    def begin(self, task: Task, image: Image, from_state: str, lease: Lease) -> None:
        """Store a task with its lock and its lease."""
        now = task.updated_at = self._database.now()
        is_new, task.created_at = task.created_at is None, task.created_at or now
        changes = image_writes.changes(image, with_data=True)
        self._begin(task, image, changes, now, from_state, lease, is_new)
        image.properties[LOCK] = task.id
        image.updated_at = now
        image.row_version = image_rows.snapshot(image)

    @retried
    def _begin(
        self,
        task: Task,
        image: Image,
        changes: image_writes.Changes,
        now: datetime.datetime,
        from_state: str,
        lease: Lease,
        is_new: bool,
        again: bool = False,
    ) -> None:
        with self._database.write() as connection:
            if again and leases.is_held(connection, lease):
                return
            write(connection, image, changes, now, from_state)
            if from_state == ACTIVE:
                # Whoever removes data would take the new copies for what is to go, where they have the same names.
                leases.require_none(connection, image.id, (REMOVE_COPY, SCRUB))
                image_writes.require_known_locations(connection, image)
            _lock(connection, image.id, task.id, now)
            leases.take(connection, lease, self._ttl)
            if is_new:
                task_rows.insert(connection, task)
            else:
                task_rows.update(connection, task, now, _ENDED)

    def save(self, task: Task) -> None:
        """Store what changed."""
        now = self._database.now()
        self._date_end(task, now)
        self._save(task, now)
        task.updated_at = now

    @repeatable
    def _save(self, task: Task, now: datetime.datetime) -> None:
        # A repetition finds the end that it wrote itself, which is no end by somebody else.
        ended = tuple(status for status in _ENDED if status != task.status)
        with self._database.write() as connection:
            if not task_rows.update(connection, task, now, ended):
                raise errors.Conflict(f'Task {task.id} has ended already.')

    def finish(self, task: Task, image: Image | None, from_state: str | None, lease: Lease) -> None:
        """Store the end of a task and all that ends with it."""
        now = self._database.now()
        self._date_end(task, now)
        changes = image_writes.changes(image, with_data=True) if image is not None else None
        self._finish(task, image, changes, now, from_state, lease)
        task.updated_at = now

    @retried
    def _finish(
        self,
        task: Task,
        image: Image | None,
        changes: image_writes.Changes | None,
        now: datetime.datetime,
        from_state: str | None,
        lease: Lease,
        again: bool = False,
    ) -> None:
        with self._database.write() as connection:
            if again and _has_ended(connection, task):
                return
            if image is not None and changes is not None:
                write(connection, image, changes, now, from_state)
            leases.drop(connection, lease)
            _unlock(connection, lease.image_id, task.id, now)
            task_rows.update(connection, task, now, _ENDED)

    def _date_end(self, task: Task, now: datetime.datetime) -> None:
        if task.status in domain.TERMINAL and task.expires_at is None:
            task.expires_at = now + datetime.timedelta(hours=self._hours)

    @repeatable
    def get(self, task_id: str, caller: Caller) -> Task:
        """Return a task that the caller may see."""
        with self._database.read() as connection:
            row = _row(connection, task_id)
        if row is None or not (caller.is_admin or (caller.project_id and row.owner == caller.project_id)):
            raise errors.TaskNotFound(task_id)
        return task_rows.task_of(row)

    @repeatable
    def of_image(self, image_id: str, caller: Caller) -> Sequence[Task]:
        """Return the tasks on an image, the oldest first."""
        columns = tables.tasks.c
        statement = task_rows.SELECT.where(columns.image_id == image_id, columns.deleted == sa.false(), *_of(caller))
        statement = statement.where(_is_current(self._database.now())).order_by(columns.created_at, columns.id)
        with self._database.read() as connection:
            rows = connection.execute(statement).all()
        return [task_rows.task_of(row) for row in rows]

    @repeatable
    def forget_expired(self, owner: str) -> None:
        """Delete the expired tasks of a project."""
        columns, now = tables.tasks.c, self._database.now()
        expired = sa.select(columns.id).where(columns.owner == owner, columns.deleted == sa.false(), columns.expires_at <= now)
        with self._database.read() as connection:
            found = list(connection.execute(expired.order_by(columns.expires_at).limit(_BATCH)).scalars())
        if not found:
            return
        with self._database.write() as connection:
            statement = sa.update(tables.tasks).where(columns.id.in_(found), columns.deleted == sa.false())
            connection.execute(statement.values(deleted=True, deleted_at=now, updated_at=now))

    @repeatable
    def holder(self, image_id: str) -> tuple[str, Task | None] | None:
        """Return whose lock is on an image."""
        properties = images.properties.c
        locked = sa.select(properties.value).where(
            properties.image_id == image_id, properties.name == LOCK, properties.deleted == sa.false()
        )
        with self._database.read() as connection:
            task_id = connection.execute(locked).scalar()
            if task_id is None:
                return None
            row = _row(connection, task_id)
        return task_id, task_rows.task_of(row) if row is not None else None

    @repeatable
    def unlock(self, image_id: str, task_id: str) -> bool:
        """Remove the lock of a task."""
        with self._database.write() as connection:
            return _unlock(connection, image_id, task_id, self._database.now())

    @repeatable
    def is_held(self, lease: Lease) -> bool:
        """Tell whether a lease is held by its owner."""
        with self._database.read() as connection:
            return leases.is_held(connection, lease)

    @repeatable
    def list(self, query: TaskQuery, caller: Caller) -> Sequence[Task]:
        """Return one page."""
        conditions = [tables.tasks.c.deleted == sa.false(), *_of(caller), *task_rows.conditions(query)]
        if not caller.is_admin:
            conditions.append(_is_current(self._database.now()))
        with self._database.read() as connection:
            marker = None if query.marker is None else _marker(connection, query.marker, caller)
            return [task_rows.task_of(row) for row in connection.execute(*task_rows.page(query, conditions, marker)).all()]


def _of(caller: Caller) -> tuple[sa.ColumnElement[bool], ...]:
    """Return whose tasks a caller sees."""
    return () if caller.is_admin else (tables.tasks.c.owner == (caller.project_id or ''),)


def _is_current(now: datetime.datetime) -> sa.ColumnElement[bool]:
    """Return which tasks have not expired; those that have are forgotten some time later."""
    return sa.or_(tables.tasks.c.expires_at.is_(None), tables.tasks.c.expires_at > now)


def _marker(connection: sa.Connection, marker: str, caller: Caller) -> Task:
    row = _row(connection, marker)
    if row is None or not (caller.is_admin or row.owner == caller.project_id):
        raise errors.Invalid('marker is not the ID of a task.')
    return task_rows.task_of(row)


def _row(connection: sa.Connection, task_id: str) -> sa.Row[Any] | None:
    if len(task_id) > domain.ID_LENGTH or not task_id.isascii() or '\0' in task_id:
        return None
    statement = task_rows.SELECT.where(tables.tasks.c.id == task_id, tables.tasks.c.deleted == sa.false())
    row = connection.execute(statement).first()
    return row if row is not None and row.id == task_id else None


def _exists(connection: sa.Connection, task: Task) -> bool:
    return _row(connection, task.id) is not None


def _has_ended(connection: sa.Connection, task: Task) -> bool:
    row = _row(connection, task.id)
    return row is None or row.status in domain.TERMINAL


def _lock(connection: sa.Connection, image_id: str, task_id: str, now: datetime.datetime) -> None:
    """Create the lock; the row of an earlier one is used again.

    :raises ImageLocked: another task has it
    """
    table, columns = images.properties, images.properties.c
    values = {'value': task_id, 'updated_at': now, 'deleted': False, 'deleted_at': None}
    which = (columns.image_id == image_id, columns.name == LOCK)
    if connection.execute(sa.update(table).where(*which, columns.deleted == sa.true()).values(**values)).rowcount == 1:
        return
    try:
        connection.execute(sa.insert(table).values(image_id=image_id, name=LOCK, created_at=now, **values))
    except db_exc.DBDuplicateEntry:
        raise errors.ImageLocked(image_id) from None


def _unlock(connection: sa.Connection, image_id: str, task_id: str, now: datetime.datetime) -> bool:
    table, columns = images.properties, images.properties.c
    statement = sa.update(table).where(
        columns.image_id == image_id, columns.name == LOCK, columns.value == task_id, columns.deleted == sa.false()
    )
    return connection.execute(statement.values(deleted=True, deleted_at=now, updated_at=now)).rowcount == 1
