# SPDX-License-Identifier: Apache-2.0
"""Pages by key: an order without ties, and the rows after a marker.

A page costs the same wherever it is, and rows that come or go do not shift it. NULL sorts before every value, in the order
as in the comparison with the marker; no function hides a column from its index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glance_clone.db.expressions import null_first
from glance_clone.db.models import image as tables
from glance_clone.domain.query import ImageQuery

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


def order_by(order: Order, table: sa.FromClause = tables.images) -> list[Any]:
    """Return the ORDER BY clauses of an order."""
    return [_sorted(table.c[name], direction) for name, direction in order]


def after(order: Order, nulls: frozenset[str], table: sa.FromClause = tables.images) -> sa.ColumnElement[bool]:
    """Return which rows come after a marker, whose values are the parameters of :func:`place`.

    :param nulls: the attributes that are NULL in the marker, see :func:`nulls_of`
    """
    alternatives = []
    equal: list[sa.ColumnElement[bool]] = []
    for number, (name, direction) in enumerate(order):
        column = table.c[name]
        value = None if name in nulls else sa.bindparam(f'after_{number}', type_=column.type)
        beyond = _beyond(column, direction, value)
        alternatives.append(sa.and_(*equal, beyond))
        equal.append(column.is_(None) if value is None else column == value)
        if number == 0:
            # Follows from the alternatives, but it is what lets databases start in the middle of an index.
            bound = sa.or_(beyond, equal[0]) if value is None else _from(column, direction, value)
    return sa.and_(bound, sa.or_(*alternatives))


def nulls_of(order: Order, marker: Any) -> frozenset[str]:
    """Return which attributes of an order are NULL in a marker.

    :param marker: has the values of the columns as attributes
    """
    return frozenset(name for name, _ in order if getattr(marker, name) is None)


def place(order: Order, marker: Any) -> dict[str, Any]:
    """Return the parameters that say where in the order a marker is."""
    found = {f'after_{number}': getattr(marker, name) for number, (name, _) in enumerate(order)}
    return {name: value for name, value in found.items() if value is not None}


def _sorted(column: Any, direction: str) -> Any:
    if _may_be_null(column):
        return null_first(column, direction)
    return column.desc() if direction == 'desc' else column.asc()


def _beyond(column: Any, direction: str, value: Any) -> Any:
    """Return which rows come after a value by this column alone."""
    if value is None:
        return column.isnot(None) if direction == 'asc' else sa.false()
    if direction == 'asc':
        return column > value
    return sa.or_(column < value, column.is_(None)) if _may_be_null(column) else column < value


def _from(column: Any, direction: str, value: Any) -> Any:
    if direction == 'asc':
        return column >= value
    return sa.or_(column <= value, column.is_(None)) if _may_be_null(column) else column <= value


def _may_be_null(column: Any) -> bool:
    return bool(getattr(column, 'nullable', True))
