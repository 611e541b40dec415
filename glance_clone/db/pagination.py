# SPDX-License-Identifier: Apache-2.0
"""Pages by key: an order without ties, and the rows after a marker.

A page costs the same wherever it is, and rows that come or go do not shift it. NULL sorts as 0 or the empty string, in
the order as in the comparison with the marker.
"""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.domain.image import Image
from glance_clone.domain.query import ImageQuery

_EPOCH = datetime.datetime(1970, 1, 1)

Order = tuple[tuple[str, str], ...]

#: How many rows a page has at most.
SIZE = sa.bindparam('size', type_=sa.Integer())


def total_order(query: ImageQuery) -> Order:
    """Return (attribute, direction) pairs in which no two images are equal."""
    names = {name for name, _ in query.sort}
    ties = [(name, query.tie_direction) for name in ('created_at', 'id') if name not in names]
    return (*query.sort, *ties)


def order_by(order: Order) -> list[Any]:
    """Return the ORDER BY clauses of an order."""
    return [_key(name).desc() if direction == 'desc' else _key(name).asc() for name, direction in order]


def along_index(statement: sa.Select[Any], order: Order) -> sa.Select[Any]:
    """Make MySQL and MariaDB, which would rather sort the whole table, read as many rows as the page has.

    For statements whose rows are found soon wherever one begins to read.
    """
    if order[0][0] == 'created_at':
        return statement.with_hint(tables.images, 'FORCE INDEX (created_at_image_idx)', 'mysql')
    return statement


def after(order: Order) -> sa.ColumnElement[bool]:
    """Return which rows come after a marker, whose values are the parameters of :func:`place`."""
    alternatives = []
    equal: list[sa.ColumnElement[bool]] = []
    for number, (name, direction) in enumerate(order):
        key, value = _key(name), sa.bindparam(f'after_{number}', type_=tables.images.c[name].type)
        alternatives.append(sa.and_(*equal, key < value if direction == 'desc' else key > value))
        equal.append(key == value)
        if number == 0:
            # Follows from the alternatives, but it is what lets databases start in the middle of an index.
            bound = key <= value if direction == 'desc' else key >= value
    return sa.and_(bound, sa.or_(*alternatives))


def place(order: Order, marker: Image) -> dict[str, Any]:
    """Return the parameters that say where in the order a marker is."""
    found = [(name, getattr(marker, name)) for name, _ in order]
    return {f'after_{number}': _null_of(name) if value is None else value for number, (name, value) in enumerate(found)}


def _key(name: str) -> Any:
    column = tables.images.c[name]
    return sa.func.coalesce(column, _null_of(name)) if column.nullable else column


def _null_of(name: str) -> Any:
    kind = tables.images.c[name].type
    if isinstance(kind, sa.DateTime):
        return _EPOCH
    return 0 if isinstance(kind, sa.Integer) else ''
