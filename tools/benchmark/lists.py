# SPDX-License-Identifier: Apache-2.0
"""Pages of lists as members of projects and administrators read them, measured at the repository of images."""

from __future__ import annotations

import functools
import re
import time
import types
import urllib.parse
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import webob
from oslo_config import cfg

from benchmark import fill
from glance_clone import conf as options
from glance_clone.api.serial import image_list
from glance_clone.db.engine import Database
from glance_clone.db.migrations import steps
from glance_clone.db.repos.images import ImageRepository
from glance_clone.db.repos.tasks import TaskRepository
from glance_clone.domain.caller import Caller
from glance_clone.domain.query import SORT_KEYS
from glance_clone.domain.query import ImageQuery
from glance_clone.domain.task import TaskQuery

#: Who asks: the large project, a project with few images, an administrator.
CALLERS = {
    'large': Caller(fill.PROJECT),
    'small': Caller(fill.SMALL_PROJECT),
    'admin': Caller(fill.PROJECT, is_admin=True),
}
_ORDERS = [f'sort={key}:{direction}' for key in SORT_KEYS for direction in ('asc', 'desc')]
_MIXED = [
    'sort=name:asc,created_at:desc',
    'sort=name:desc,size:asc',
    'sort=size:asc,name:desc',
    'sort=updated_at:desc,id:asc',
    'sort=status:asc,created_at:desc',
    'sort=disk_format:asc,name:asc',
]
#: Image 520 is one of those with rare values.
_FILTERS = [
    'name=image 520',
    'name=common name',
    'name=in:"image 520","image 620"',
    'name=common name&sort=size:desc',
    'id=in:@rare',
    'status=queued',
    'status=importing',
    'status=in:queued,importing',
    'status=importing&sort=name:asc',
    'status=queued&sort=size:asc',
    'disk_format=raw',
    'disk_format=iso',
    'disk_format=iso&sort=updated_at:desc',
    'container_format=bare',
    'container_format=in:docker,ovf',
    'size_min=20000000',
    'size_min=2000000000000',
    'size_max=20000000&sort=size:asc',
    'size_min=2000000000000&sort=name:asc',
    'min_ram=512',
    'checksum=@checksum',
    'os_hash_value=@hash',
    'created_at=gt:2020-01-01T00:05:00Z',
    'created_at=lt:2020-01-01T00:16:00Z',
    'created_at=lt:2020-01-01T00:16:00Z&sort=name:asc',
    'updated_at=gt:2020-01-01T00:05:00Z',
    'updated_at=lt:2020-01-01T12:00:00Z&sort=updated_at:asc',
    'updated_at=lt:2020-01-01T02:00:00Z',
    'protected=true',
    'os_hidden=true',
    'os_hidden=true&sort=name:asc',
    'tag=common',
    'tag=team-1',
    'tag=rare',
    'tag=rare&tag=team-1&sort=name:asc',
    'os_distro=distribution-1',
    'build=build-520',
    'rare=yes&sort=size:desc',
    'tag=common&architecture=x86_64&sort=name:asc',
    'tag=common&architecture=x86_64&os_distro=distribution-1',
    'visibility=public',
    'visibility=private',
    'visibility=shared',
    'visibility=community',
    'visibility=all',
    'visibility=all&sort=name:asc',
    'visibility=shared&member_status=pending',
    'visibility=shared&member_status=all&sort=name:asc',
    'owner=project-0',
    'owner=project-0&sort=size:desc',
]
#: After this word stands a list of tasks.
_TASKS = 'tasks '
_OF_TASKS = [
    'sort_key=created_at',
    'sort_key=created_at&sort_dir=asc',
    'sort_key=created_at&marker=',
    'sort_key=updated_at',
    'status=success',
    'status=processing',
    'type=import',
]
_OF_SMALL = [
    '',
    'sort=name:asc',
    'sort=size:desc',
    'visibility=shared',
    'tag=common',
    'status=queued',
    'os_distro=distribution-1',
]


def queries() -> Iterator[tuple[str, str]]:
    """Yield (caller, query string) of every list; ``marker=`` stands for that of a page in the middle."""
    orders = ['', *_ORDERS, *_MIXED]
    for caller in ('large', 'admin'):
        yield from ((caller, query) for query in (*orders, *(f'{order}&marker=' for order in orders), *_FILTERS))
    yield from (('small', query) for query in _OF_SMALL)
    yield from ((caller, _TASKS + query) for caller in ('large', 'admin') for query in _OF_TASKS)


class Lists:
    """Reads pages from a database, in which the schema is made if it is not there.

    :param url: SQLAlchemy URL
    """

    def __init__(self, url: str):
        self._conf = cfg.ConfigOpts()
        options.register_opts(self._conf)
        self._conf([], default_config_files=[])
        self._conf.set_override('connection', url, group='database')
        self.database = Database(self._conf, patient=True)
        steps.sync(self.database)
        self._images = ImageRepository(self.database, 60)
        self._tasks = TaskRepository(self.database, 60, 48)

    def count(self) -> int:
        """Return how many images the database has."""
        with self.database.read() as connection:
            return int(connection.exec_driver_sql('SELECT count(*) FROM images').scalar_one())

    def measure(self, caller: str, text: str, rounds: int) -> tuple[int, float]:
        """Return how many images or tasks a page has, and the least seconds that one of several reads of it took."""
        read, times = self._reader(caller, text), []
        found = len(read())
        for _ in range(rounds):
            began = time.perf_counter()
            read()
            times.append(time.perf_counter() - began)
        return found, min(times)

    def _reader(self, caller: str, text: str) -> Callable[[], Sequence[Any]]:
        """Return what reads a page."""
        if text.startswith(_TASKS):
            return functools.partial(self._tasks.list, self._task_query(text.removeprefix(_TASKS)), CALLERS[caller])
        return functools.partial(self._images.list, self._query(text), CALLERS[caller])

    def work(self, caller: str, text: str) -> int:
        """Return what the database looks at for a page: rows on MariaDB, blocks of 8 KiB on PostgreSQL."""
        if self.database.backend == 'mysql':
            read, before = self._reader(caller, text), self._rows_read()
            read()
            return self._rows_read() - before
        # The first line about blocks of each plan is that of the whole statement.
        firsts = [next(line for line in plan if 'Buffers:' in line) for plan in self.plans(caller, text)]
        return sum(int(count) for line in firsts for count in re.findall(r'(?:hit|read)=([0-9]+)', line))

    def _rows_read(self) -> int:
        with self.database.read() as connection:
            found = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
        return sum(int(count) for _, count in found)

    def explain(self, caller: str, text: str) -> str:
        """Return how the database finds a page."""
        return '\n'.join('\n'.join(plan) for plan in self.plans(caller, text))

    def plans(self, caller: str, text: str) -> list[list[str]]:
        """Return the plan of each statement for a page, as lines of text."""
        read = self._reader(caller, text)
        seen: list[tuple[str, Any]] = []
        engine = self.database.engine

        def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            seen.append((statement, parameters))

        sa.event.listen(engine, 'before_cursor_execute', remember)
        try:
            read()
        finally:
            sa.event.remove(engine, 'before_cursor_execute', remember)
        word = 'ANALYZE FORMAT=JSON' if engine.dialect.name == 'mysql' else 'EXPLAIN (ANALYZE, BUFFERS)'
        with self.database.read() as connection:
            plans = [connection.exec_driver_sql(f'{word} {statement}', parameters).all() for statement, parameters in seen]
        return [[str(row[0]) for row in plan] for plan in plans]

    def _query(self, text: str) -> ImageQuery:
        """Parse a query string as the service does; its placeholders stand for what only the database knows."""
        for word, statement in _PLACEHOLDERS.items():
            if word in text:
                text = text.replace(word, ','.join(self._values(statement)))
        query = image_list.parse(types.SimpleNamespace(conf=self._conf), webob.Request.blank(f'/v2/images?{text}'))  # type: ignore[arg-type]
        if query.marker == '':
            query.marker = self._middle(*query.sort[0])
        return query

    def _task_query(self, text: str) -> TaskQuery:
        given = dict(urllib.parse.parse_qsl(text, keep_blank_values=True))
        sort = given.pop('sort_key', 'created_at'), given.pop('sort_dir', 'desc')
        marker = given.pop('marker', None)
        return TaskQuery(given, sort, self._middle(*sort) if marker == '' else marker)

    def _values(self, statement: str) -> list[str]:
        with self.database.read() as connection:
            return list(connection.exec_driver_sql(statement).scalars())

    def _middle(self, key: str, direction: str) -> str:
        """Return the id of the image in the middle of those of the large project."""
        alive = f"FROM images WHERE owner = '{fill.PROJECT}' AND deleted = {{no}} AND os_hidden = {{no}}".format(
            no='false' if self.database.backend == 'postgresql' else '0'
        )
        with self.database.read() as connection:
            half = int(connection.exec_driver_sql(f'SELECT count(*) {alive}').scalar_one()) // 2
            order = f'{key} {direction}, created_at {direction}'
            return str(connection.exec_driver_sql(f'SELECT id {alive} ORDER BY {order} LIMIT 1 OFFSET {half}').scalar_one())


_RARE = "FROM images WHERE name IN ('image 520', 'image 570', 'image 620')"
_PLACEHOLDERS = {
    '@rare': f'SELECT id {_RARE}',
    '@checksum': f'SELECT checksum {_RARE} ORDER BY name LIMIT 1',
    '@hash': f'SELECT os_hash_value {_RARE} ORDER BY name LIMIT 1',
}
