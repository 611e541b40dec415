# SPDX-License-Identifier: Apache-2.0
"""How many rows databases look at for a page of a list: not more, the more images or tasks there are.

Of the images here a third is public, a third is the caller's, and a third that of another project. Whoever read all of one
third for a page would be found out.
"""

from __future__ import annotations

import datetime
import functools
import uuid
from collections.abc import Callable
from typing import Any
from typing import ClassVar

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.db.models.task import tasks as task_table
from glance_clone.db.repos.members import MemberRepository
from glance_clone.db.repos.tasks import TaskRepository
from glance_clone.domain import query as q
from glance_clone.domain.caller import Caller
from glance_clone.domain.query import SORT_KEYS
from glance_clone.domain.query import Condition
from glance_clone.domain.query import ImageQuery
from glance_clone.domain.task import TaskQuery
from glance_clone.tests.functional.db import base

_THIRD = 800
_FEW = 9
_PAGE = 5
#: Steps that SQLite takes for a row, at least.
_STEPS = 10
_SOME_TIME = datetime.datetime(2026, 1, 1)
_MEMBER = Caller('a')
_ADMIN = Caller('a', is_admin=True)
#: Most images are alike in the first key.
_ALIKE = [('status', 'desc'), ('created_at', 'asc')]
_OWNERS = (('b', 'public'), ('a', 'private'), ('b', 'private'))


def _image(number: int) -> dict[str, Any]:
    owner, visibility = _OWNERS[number % 3]
    created = _SOME_TIME + datetime.timedelta(seconds=number)
    return {
        'id': str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))),
        'name': f'image {number}',
        'size': number,
        'owner': owner,
        'visibility': visibility,
        'status': 'queued' if number < _FEW else 'active',
        'disk_format': 'iso' if number < _FEW else 'raw',
        'container_format': None if number % 7 else 'bare',
        'created_at': created,
        'updated_at': created,
        'min_disk': 0,
        'min_ram': 0,
        'protected': False,
        'os_hidden': False,
        'deleted': number % 11 == 10,
    }


def _task(image: dict[str, Any]) -> dict[str, Any]:
    """Return the task that made an image, with its id, owner and times."""
    same = {name: image[name] for name in ('id', 'owner', 'created_at', 'updated_at', 'deleted')}
    status = 'pending' if image['status'] == 'queued' else 'success'
    return {**same, 'type': 'import', 'status': status, 'image_id': image['id']}


def _child(image: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    return {'image_id': image['id'], **{name: image[name] for name in ('created_at', 'updated_at', 'deleted')}, **values}


#: What every image has one of.
_CHILDREN: dict[sa.Table, dict[str, Any]] = {
    tables.properties: {'name': 'os_distro', 'value': 'some'},
    tables.tags: {'value': 'red'},
    tables.members: {'member': 'x', 'status': 'pending', 'can_share': False},
    tables.locations: {'value': 'file:///x', 'meta_data': '{}', 'status': 'active'},
}


def _queries(marker: str) -> list[ImageQuery]:
    """Return every order in both directions, from the beginning and from the middle."""
    found = [
        ImageQuery(sort=[(key, direction)], tie_direction=direction, limit=_PAGE, marker=after)
        for key in SORT_KEYS
        for direction in ('asc', 'desc')
        for after in (None, marker)
    ]
    found += [ImageQuery(sort=[('name', 'asc'), ('size', 'desc')], limit=_PAGE, marker=after) for after in (None, marker)]
    return [*found, ImageQuery(sort=_ALIKE, limit=_PAGE)]


def _few() -> list[ImageQuery]:
    """Return what few images are, in an order that says nothing about it."""
    few = (
        Condition('status', q.EQ, 'queued'),
        Condition('disk_format', q.IN, ('iso', 'vdi')),
        Condition('size', q.LT, _FEW),
        Condition('updated_at', q.LTE, _SOME_TIME + datetime.timedelta(seconds=_FEW)),
        Condition('name', q.EQ, 'image 7'),
    )
    return [ImageQuery(conditions=[condition], sort=[('id', 'asc')], limit=_PAGE) for condition in few]


class _Costs:
    #: Tables of which the database gets to know how many rows they have, and of what kind.
    analysed: ClassVar[tuple[sa.Table, ...]] = (tables.images, task_table, *_CHILDREN)

    def setUp(self: Any) -> None:
        super().setUp()  # type: ignore[misc]
        rows = [_image(number) for number in range(3 * _THIRD)]
        self.marker = next(row['id'] for row in rows[len(rows) // 2 :] if row['owner'] == 'a' and not row['deleted'])
        with self.database.write() as connection:
            connection.execute(sa.insert(tables.images), rows)
            connection.execute(sa.insert(task_table), [_task(row) for row in rows])
            for table, values in _CHILDREN.items():
                connection.execute(sa.insert(table), [_child(row, values) for row in rows])
        with self.database.engine.connect().execution_options(isolation_level='AUTOCOMMIT') as connection:
            for table in self.analysed:
                connection.exec_driver_sql(f'{self.analyse} {table.name}')
        # One session from here on, whose counters tell of all that it does.
        self.database.engine.dispose()

    def test_no_list_looks_at_all_images(self: Any) -> None:
        for caller in (_MEMBER, _ADMIN):
            for query in [*_queries(self.marker), *self.more_queries()]:
                self.require_few(functools.partial(self.images.list, query, caller), query)

    def test_no_list_looks_at_all_tasks(self: Any) -> None:
        tasks = TaskRepository(self.database, base.TTL, 48)
        found = [
            TaskQuery(filters, ('created_at', direction), marker, _PAGE)
            for filters in ({}, {'status': 'success'})
            for direction in ('asc', 'desc')
            for marker in (None, self.marker)
        ]
        found += [TaskQuery({}, ('updated_at', direction), limit=_PAGE) for direction in ('asc', 'desc')]
        for caller in (_MEMBER, _ADMIN):
            for query in [*found, TaskQuery({'status': 'pending'}, limit=_PAGE)]:
                self.require_few(functools.partial(tasks.list, query, caller), query)

    def test_no_image_looks_at_what_others_have(self: Any) -> None:
        self.require_few(functools.partial(self.images.get, self.marker, _MEMBER), 'show')
        self.require_few(functools.partial(MemberRepository(self.database).list, self.marker), 'members')

    def require_few(self: Any, read: Callable[[], object], query: object) -> None:
        """Require that a page is found, and found without many rows."""
        self.assertTrue(read(), query)
        self.assertLess(self.rows_looked_at(read), _THIRD / 2, query)

    def many(self: Any) -> list[ImageQuery]:
        """Return pages of the many that are alike in the first key, in the order of another."""
        sort = [('container_format', 'asc'), ('name', 'asc')]
        return [ImageQuery(sort=sort, tie_direction='asc', limit=_PAGE, marker=marker) for marker in (None, self.marker)]

    def more_queries(self) -> list[ImageQuery]:
        """Return what only some databases read along an index: those that count how many rows have which values."""
        return [*_few(), *self.many()]


class MariaDBCostsTest(_Costs, base.RepositoryTestCase):
    kind = 'mariadb'
    analyse: ClassVar[str] = 'ANALYZE TABLE'

    def rows_looked_at(self, read: Callable[[], object]) -> int:
        """Return how many rows a page makes the database read, those of its own temporary tables included."""
        before = self._reads()
        read()
        return self._reads() - before

    def _reads(self) -> int:
        with self.database.read() as connection:
            rows = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
        return sum(int(count) for _, count in rows)


class PostgreSQLCostsTest(_Costs, base.RepositoryTestCase):
    kind = 'postgresql'
    analyse: ClassVar[str] = 'VACUUM ANALYZE'

    def more_queries(self) -> list[ImageQuery]:
        """Return also a page from the middle of those that are alike, which MariaDB sorts."""
        return [*_few(), *self.many(), ImageQuery(sort=_ALIKE, limit=_PAGE, marker=self.marker)]

    def rows_looked_at(self, read: Callable[[], object]) -> int:
        """Return how many rows a page makes it read, were the tables too large to be read whole."""
        sent: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
            sent.append((statement, parameters))

        sa.event.listen(self.database.engine, 'before_cursor_execute', note)
        try:
            read()
        finally:
            sa.event.remove(self.database.engine, 'before_cursor_execute', note)
        with self.database.read() as connection:
            connection.exec_driver_sql('SET LOCAL enable_seqscan = off')
            connection.exec_driver_sql('SET LOCAL enable_bitmapscan = off')
            plans = [
                connection.exec_driver_sql(f'EXPLAIN (ANALYZE, FORMAT JSON) {statement}', parameters).scalar_one()
                for statement, parameters in sent
            ]
        return sum(_rows(plan[0]['Plan']) for plan in plans)


class SQLiteCostsTest(_Costs, base.RepositoryTestCase):
    kind = 'sqlite'
    #: Nobody lets SQLite count; what it is told when the schema is made must be enough.
    analysed: ClassVar[tuple[sa.Table, ...]] = ()

    def more_queries(self) -> list[ImageQuery]:
        """Return nothing."""
        return []

    def rows_looked_at(self, read: Callable[[], object]) -> int:
        """Return about how many rows a page makes the database read: each takes some steps of its virtual machine."""
        found = 0

        def count() -> int:
            nonlocal found
            found += 1
            return 0

        with self.database.engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.set_progress_handler(count, _STEPS)
        read()
        driver.set_progress_handler(None, 0)
        return found


def _rows(node: dict[str, Any]) -> int:
    """Return how many rows are read in a node of a plan, and beneath it."""
    beneath = sum(_rows(child) for child in node.get('Plans', ()))
    if 'Relation Name' not in node:
        return beneath
    return beneath + int((node['Actual Rows'] + node.get('Rows Removed by Filter', 0)) * node['Actual Loops'])
