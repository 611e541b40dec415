# SPDX-License-Identifier: Apache-2.0
"""Tasks between objects and the rows of two tables; which rows a list has."""

from __future__ import annotations

import datetime
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glance_clone.db import pagination
from glance_clone.db.models import task as tables
from glance_clone.domain import errors
from glance_clone.domain.task import Task
from glance_clone.domain.task import TaskQuery

_TASK = (
    'id',
    'type',
    'status',
    'owner',
    'image_id',
    'request_id',
    'user_id',
    'expires_at',
    'created_at',
    'updated_at',
)

#: A statement and its values.
Page = tuple[sa.Select[Any], dict[str, Any]]

SELECT: sa.Select[Any] = sa.select(
    *(tables.tasks.c[name] for name in _TASK),
    tables.task_info.c.input,
    tables.task_info.c.result,
    tables.task_info.c.message,
).select_from(tables.tasks.outerjoin(tables.task_info, tables.task_info.c.task_id == tables.tasks.c.id))


def task_of(row: sa.Row[Any]) -> Task:
    """Return the task of a row of :data:`SELECT`."""
    values = {name: getattr(row, name) for name in _TASK}
    return Task(**values, input=_loaded(row.input), result=_loaded(row.result), message=row.message or '')


def insert(connection: sa.Connection, task: Task) -> None:
    """Insert a task."""
    values = {name: getattr(task, name) for name in _TASK}
    connection.execute(sa.insert(tables.tasks).values(**values, deleted=False))
    connection.execute(sa.insert(tables.task_info).values(task_id=task.id, **_info(task)))


def update(connection: sa.Connection, task: Task, now: datetime.datetime, ended: tuple[str, ...]) -> bool:
    """Write what changes in a task; False if it has ended, or is gone."""
    columns = tables.tasks.c
    statement = sa.update(tables.tasks).where(
        columns.id == task.id, columns.deleted == sa.false(), columns.status.not_in(ended)
    )
    values = {'status': task.status, 'expires_at': task.expires_at, 'image_id': task.image_id, 'updated_at': now}
    if connection.execute(statement.values(**values)).rowcount != 1:
        return False
    connection.execute(sa.update(tables.task_info).where(tables.task_info.c.task_id == task.id).values(**_info(task)))
    return True


def conditions(query: TaskQuery) -> list[sa.ColumnElement[bool]]:
    """Return what the filters of a query mean; names that are no attributes of tasks are passed over.

    :raises Invalid: a time that is none
    """
    found: list[sa.ColumnElement[bool]] = []
    for name, value in query.filters.items():
        if name in _TASK:
            column = tables.tasks.c[name]
            found.append(column == (_time(name, value) if isinstance(column.type, sa.DateTime) else value))
    return found


def page(query: TaskQuery, conditions: Sequence[sa.ColumnElement[bool]], marker: Task | None) -> Page:
    """Return the statement of a page and its values; texts are looked up for its own tasks only.

    :raises Invalid: there is no such attribute to sort by
    """
    tasks, (name, direction) = tables.tasks, query.sort
    if name not in _TASK:
        raise errors.Invalid(f'sort_key is {name[:64]}; tasks can be sorted by {", ".join(_TASK)}.')
    order = pagination.without_ties([query.sort], direction)
    in_order = pagination.order_by(order, tasks)
    beyond = [] if marker is None else [pagination.after(order, pagination.nulls_of(order, marker), tasks)]
    found = sa.select(tasks.c.id).where(*conditions, *beyond).order_by(*in_order).limit(query.limit).subquery('page')
    values = {} if marker is None else pagination.place(order, marker)
    return SELECT.join(found, found.c.id == tasks.c.id).order_by(*in_order), values


def _time(name: str, value: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(value)
    except ValueError:
        raise errors.Invalid(f'{name} must be a time such as 2026-01-31T12:00:00Z.') from None
    return moment.astimezone(datetime.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _info(task: Task) -> dict[str, str | None]:
    return {'input': _dumped(task.input), 'result': _dumped(task.result), 'message': task.message}


def _dumped(document: Any) -> str | None:
    return None if document is None else json.dumps(document)


def _loaded(text: str | None) -> Any:
    return None if text is None else json.loads(text)
