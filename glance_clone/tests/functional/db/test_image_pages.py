# SPDX-License-Identifier: Apache-2.0
"""Pages, whatever the images and the order are: none is missing, none comes twice, and they are in order."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import hypothesis
import sqlalchemy as sa
from hypothesis import strategies as st

from glance_clone.db.models import image as tables
from glance_clone.domain.caller import Caller
from glance_clone.domain.query import SORT_KEYS
from glance_clone.domain.query import ImageQuery
from glance_clone.tests.functional.db import base

_TIMES = st.sampled_from([datetime.datetime(2026, 1, day) for day in (1, 2)])
_IMAGES = st.fixed_dictionaries(
    {
        'name': st.sampled_from([None, '', 'a', 'B', 'b']),
        'size': st.sampled_from([None, 0, 1, 7]),
        'status': st.sampled_from(['queued', 'active']),
        'disk_format': st.sampled_from([None, 'raw']),
        'container_format': st.just('bare'),
        'created_at': _TIMES,
        'updated_at': _TIMES,
    }
)
_SORT = st.lists(st.tuples(st.sampled_from(SORT_KEYS), st.sampled_from(['asc', 'desc'])), min_size=1, max_size=3)


def _key(row: dict[str, Any], name: str, kind: str) -> tuple[bool, Any]:
    """Return what a row is sorted by; NULL comes before every value, and MariaDB does not tell capitals apart."""
    value = row[name]
    if value is None:
        return False, 0 if name == 'size' else ''
    return True, value.lower() if kind == 'mariadb' and name == 'name' else value


_SETTINGS = {'deadline': None, 'suppress_health_check': list(hypothesis.HealthCheck)}
_EXAMPLES = hypothesis.given(
    st.tuples(st.lists(_IMAGES, max_size=12), _SORT, st.sampled_from(['asc', 'desc']), st.integers(1, 5), st.booleans())
)


class _Pages:
    def require_all(
        self: Any, images: list[dict[str, Any]], sort: list[tuple[str, str]], tie_direction: str, limit: int, is_admin: bool
    ) -> None:
        """Assert that the pages of a list have all images once and in order."""
        rows = [{'id': str(uuid.uuid4()), 'owner': 'project-a', **image} for image in images]
        self._store(rows)
        names = {name for name, _ in sort}
        order = [*sort, *((name, tie_direction) for name in ('created_at', 'id') if name not in names)]
        for name, direction in reversed(order):
            rows.sort(key=lambda row, name=name: _key(row, name, self.kind), reverse=direction == 'desc')
        caller = Caller('project-a', is_admin=is_admin)
        self.assertEqual([row['id'] for row in rows], self._pages(sort, tie_direction, limit, caller))

    def _store(self: Any, rows: list[dict[str, Any]]) -> None:
        fixed = {'min_disk': 0, 'min_ram': 0, 'protected': False, 'visibility': 'shared', 'os_hidden': False, 'deleted': False}
        with self.database.write() as connection:
            connection.execute(sa.delete(tables.images))
            if rows:
                connection.execute(sa.insert(tables.images), [{**fixed, **row} for row in rows])

    def _pages(self: Any, sort: list[tuple[str, str]], tie_direction: str, limit: int, caller: Caller) -> list[str]:
        found: list[str] = []
        while True:
            query = ImageQuery(sort=sort, tie_direction=tie_direction, limit=limit, marker=found[-1] if found else None)
            page = self.images.list(query, caller)
            found += [image.id for image in page]
            if len(page) < limit:
                return found


class SQLitePagesTest(_Pages, base.RepositoryTestCase):
    kind = 'sqlite'

    @hypothesis.settings(max_examples=60, **_SETTINGS)
    @_EXAMPLES
    def test_all_images_once_and_in_order(self, example: tuple[Any, ...]) -> None:
        self.require_all(*example)


class MariaDBPagesTest(_Pages, base.RepositoryTestCase):
    kind = 'mariadb'

    @hypothesis.settings(max_examples=25, **_SETTINGS)
    @_EXAMPLES
    def test_all_images_once_and_in_order(self, example: tuple[Any, ...]) -> None:
        self.require_all(*example)


class PostgreSQLPagesTest(_Pages, base.RepositoryTestCase):
    kind = 'postgresql'

    @hypothesis.settings(max_examples=25, **_SETTINGS)
    @_EXAMPLES
    def test_all_images_once_and_in_order(self, example: tuple[Any, ...]) -> None:
        self.require_all(*example)
