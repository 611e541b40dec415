# SPDX-License-Identifier: Apache-2.0
"""Pages of lists as members of a project and administrators read them, measured at the repository of images."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from glance_clone.db.engine import Database
from glance_clone.db.migrations import steps
from glance_clone.db.repos.images import ImageRepository
from glance_clone.domain import query as q
from glance_clone.domain.caller import Caller
from glance_clone.domain.query import Condition
from glance_clone.domain.query import ImageQuery

_MEMBER = Caller('project-4')
_ADMIN = Caller('project-4', is_admin=True)
_WARM_UP = 3
#: Image 500 is one of the rare ones, and in the middle of the small cloud.
_MIDDLE = '@middle'


def _page(**wanted: Any) -> ImageQuery:
    query = ImageQuery(**wanted)
    query.tie_direction = query.sort[0][1]
    return query


#: Lists by what they are called: who asks, and for what.
QUERIES: dict[str, tuple[Caller, ImageQuery]] = {
    'default order': (_MEMBER, _page()),
    'default order, admin': (_ADMIN, _page()),
    'created_at:asc': (_MEMBER, _page(sort=[('created_at', 'asc')])),
    'name:asc': (_MEMBER, _page(sort=[('name', 'asc')])),
    'name:asc, admin': (_ADMIN, _page(sort=[('name', 'asc')])),
    'size:desc': (_MEMBER, _page(sort=[('size', 'desc')])),
    'updated_at:desc': (_MEMBER, _page(sort=[('updated_at', 'desc')])),
    'deep marker': (_MEMBER, _page(marker=_MIDDLE)),
    'deep marker, admin': (_ADMIN, _page(marker=_MIDDLE)),
    'tag': (_MEMBER, _page(tags=['common'])),
    'rare tag': (_MEMBER, _page(tags=['rare'])),
    'rare tag, admin': (_ADMIN, _page(tags=['rare'])),
    'property': (_MEMBER, _page(properties={'os_distro': 'distribution-4'})),
    'rare property': (_MEMBER, _page(properties={'build': 'build-500'})),
    'rare property, admin': (_ADMIN, _page(properties={'build': 'build-500'})),
    'tag, property and name:asc': (
        _MEMBER,
        _page(tags=['common'], properties={'architecture': 'x86_64'}, sort=[('name', 'asc')]),
    ),
    'name': (_MEMBER, _page(conditions=[Condition('name', q.EQ, 'image 500')])),
    'name, admin': (_ADMIN, _page(conditions=[Condition('name', q.EQ, 'image 500')])),
    'owner, admin': (_ADMIN, _page(conditions=[Condition('owner', q.EQ, 'project-8')])),
    'visibility=public': (_MEMBER, _page(visibility='public')),
    'visibility=private': (_MEMBER, _page(visibility='private')),
    'visibility=shared': (_MEMBER, _page(visibility='shared')),
    'visibility=community': (_MEMBER, _page(visibility='community')),
    'member_status=pending': (_MEMBER, _page(visibility='shared', member_status='pending')),
    'visibility=all': (_MEMBER, _page(visibility='all')),
    'os_hidden': (_MEMBER, _page(os_hidden=True)),
    'size_min': (_MEMBER, _page(conditions=[Condition('size', q.GTE, 500_000)])),
    'status=queued': (_MEMBER, _page(conditions=[Condition('status', q.EQ, 'queued')])),
}


class Lists:
    """Reads pages from a database, in which the schema is made first.

    :param url: SQLAlchemy URL of an empty database
    """

    def __init__(self, url: str):
        conf = cfg.ConfigOpts()
        from glance_clone import conf as options  # noqa: PLC0415

        options.register_opts(conf)
        conf([], default_config_files=[])
        conf.set_override('connection', url, group='database')
        self._database = Database(conf, patient=True)
        steps.sync(self._database)
        self._images = ImageRepository(self._database, 60)

    def _query(self, name: str) -> tuple[Caller, ImageQuery]:
        caller, query = QUERIES[name]
        if query.marker == _MIDDLE:
            with self._database.read() as connection:
                half = 'SELECT id FROM images WHERE visibility = %s ORDER BY created_at DESC LIMIT 1 OFFSET %s'
                count = connection.exec_driver_sql(
                    'SELECT count(*) FROM images WHERE visibility = %s', ('public',)
                ).scalar_one()
                query.marker = connection.exec_driver_sql(half, ('public', count // 2)).scalar_one()
        return caller, query

    def measure(self, name: str, rounds: int) -> list[float]:
        """Return the seconds that each of several reads of one page took."""
        caller, query = self._query(name)
        found = []
        for _ in range(rounds + _WARM_UP):
            began = time.perf_counter()
            self._images.list(query, caller)
            found.append(time.perf_counter() - began)
        if QUERIES[name][1].marker:
            QUERIES[name][1].marker = _MIDDLE
        return found[_WARM_UP:]

    def explain(self, name: str) -> str:
        """Return how the database finds the images of a page."""
        caller, query = self._query(name)
        seen: list[tuple[str, Any]] = []
        engine = self._database.engine

        def remember(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
            seen.append((statement, parameters))

        sa.event.listen(engine, 'before_cursor_execute', remember)
        try:
            self._images.list(query, caller)
        finally:
            sa.event.remove(engine, 'before_cursor_execute', remember)
        statement, parameters = max(seen[:2], key=lambda each: len(each[0]))
        word = 'ANALYZE FORMAT=JSON' if engine.dialect.name == 'mysql' else 'EXPLAIN (ANALYZE, BUFFERS)'
        with self._database.read() as connection:
            rows = connection.exec_driver_sql(f'{word} {statement}', parameters).all()
        return '\n'.join(str(row[0]) for row in rows)
