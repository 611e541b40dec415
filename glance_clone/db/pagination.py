# SPDX-License-Identifier: Apache-2.0
"""Pages by key: an order without ties, and the rows after a marker.

A page costs the same wherever it is, and rows that come or go do not shift it. NULL sorts as 0, false or the empty
string, in the order as in the comparison with the marker.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.domain.query import ImageQuery

_EPOCH = datetime.datetime(1970, 1, 1)

Order = tuple[tuple[str, str], ...]

#: How many rows a page has at most.
SIZE = sa.bindparam('size', type_=sa.Integer())


def total_order(query: ImageQuery) -> Order:
    """Return (attribute, direction) pairs in which no two images are equal."""
    return without_ties(query.sort, query.tie_direction)


def without_ties(sort: Sequence[tuple[str, str]], direction: str) -> Order:
    """Return an order with what is needed to make it total; ties go in the direction."""
    names = {name for name, _ in sort}
    return (*sort, *((name, direction) for name in ('created_at', 'id') if name not in names))


def order_by(order: Order, table: sa.Table = tables.images) -> list[Any]:
    """Return the ORDER BY clauses of an order."""
    keys = [(_key(table.c[name]), direction) for name, direction in order]
    return [key.desc() if direction == 'desc' else key.asc() for key, direction in keys]


def along_index(statement: sa.Select[Any], order: Order) -> sa.Select[Any]:
    """Make MySQL and MariaDB, which would rather sort the whole table, read as many rows as the page has.

    For statements whose rows are found soon wherever one begins to read.
    """
    if order[0][0] == 'created_at':
        return statement.with_hint(tables.images, 'FORCE INDEX (created_at_image_idx)', 'mysql')
    return statement


def after(order: Order, table: sa.Table = tables.images) -> sa.ColumnElement[bool]:
    """Return which rows come after a marker, whose values are the parameters of :func:`place`."""
    alternatives = []
    equal: list[sa.ColumnElement[bool]] = []
    for number, (name, direction) in enumerate(order):
        column = table.c[name]
        key, value = _key(column), sa.bindparam(f'after_{number}', type_=column.type)
        alternatives.append(sa.and_(*equal, key < value if direction == 'desc' else key > value))
        equal.append(key == value)
        if number == 0:
            # Follows from the alternatives, but it is what lets databases start in the middle of an index.
            bound = key <= value if direction == 'desc' else key >= value
    return sa.and_(bound, sa.or_(*alternatives))


def place(order: Order, marker: Any, table: sa.Table = tables.images) -> dict[str, Any]:
    """Return the parameters that say where in the order a marker is.

    :param marker: has the values of the columns as attributes
    """
    found = [(name, getattr(marker, name)) for name, _ in order]
    return {
        f'after_{number}': _null_of(table.c[name]) if value is None else value for number, (name, value) in enumerate(found)
    }


def _key(column: sa.Column[Any]) -> Any:
    return sa.func.coalesce(column, _null_of(column)) if column.nullable else column


def _null_of(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.DateTime):
        return _EPOCH
    if isinstance(kind, sa.Boolean):
        return False
    return 0 if isinstance(kind, sa.Integer) else ''
