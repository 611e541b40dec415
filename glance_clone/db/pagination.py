# SPDX-License-Identifier: Apache-2.0
"""Pages by key: an order without ties, and the rows after a marker.

A page costs the same wherever it is, and rows that come or go do not shift it. NULL sorts before every value, in the order
as in the comparison with the marker; no function hides a column from its index.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from typing import cast

import sqlalchemy as sa

from glance_clone.db.expressions import null_first
from glance_clone.db.expressions import row_by_row
from glance_clone.db.models import image as tables
from glance_clone.domain.query import ImageQuery

Order = tuple[tuple[str, str], ...]
Clause = sa.ColumnElement[bool]

#: How far the first key of an order goes in a page.
_SAME, _EQUAL, _IS_NULL, _UP_TO, _NULLS_UP_TO = 'as the marker', 'equal', 'is null', 'up to', 'nulls, then up to'
#: Where all rows of a page have the same first key.
ALIKE = frozenset((_SAME, _EQUAL, _IS_NULL))

#: How many rows a page has at most.
SIZE = sa.bindparam('size', type_=sa.Integer())


class Stretch(NamedTuple):
    """Rows that are together in an index.

    :ivar order: what is left of the order, because all rows have the same first key or not
    """

    clause: Clause
    order: Order


def total_order(query: ImageQuery) -> Order:
    """Return (attribute, direction) pairs in which no two images are equal."""
    return without_ties(query.sort, query.tie_direction)


def without_ties(sort: Sequence[tuple[str, str]], direction: str) -> Order:
    """Return an order with what is needed to make it total, and no more; ties go in the direction."""
    names = [name for name, _ in sort]
    order = (*sort, *((name, direction) for name in ('created_at', 'id') if name not in names))
    return order[: [name for name, _ in order].index('id') + 1]


def order_by(order: Order, table: sa.FromClause = tables.images) -> list[Any]:
    """Return the ORDER BY clauses of an order."""
    return [sorted_by(table.c[name], direction) for name, direction in order]


def sorted_by(column: Any, direction: str) -> Any:
    """Return a column as a key of an ORDER BY clause."""
    if _may_be_null(column):
        return null_first(column, direction)
    return column.desc() if direction == 'desc' else column.asc()


def is_plain(order: Order) -> bool:
    """Tell whether indexes have an order: one key, what makes it total, and all in one direction."""
    names, directions = zip(*order, strict=True)
    return len(set(directions)) == 1 and names in ((names[0], 'created_at', 'id'), ('created_at', 'id'), ('id',))


def bound(first: Any, last: Any, marker: Any) -> str | None:
    """Return how the first key of an order is bound in a page, None if it is not; the value is the parameter ``bound``.

    :param first: the key of the first row of the page
    :param last: that of the last one
    :param marker: that of the marker, None if it is NULL or there is no marker
    """
    if last is None:
        return _IS_NULL if first is None else None
    if first != last:
        return _UP_TO if first is not None else _NULLS_UP_TO
    return _SAME if last == marker else _EQUAL


def within(
    stretch: Stretch, order: Order, nulls: frozenset[str] | None, how: str | None, table: sa.FromClause = tables.images
) -> Stretch | None:
    """Return those rows of a stretch that have a first key within a bound, see :func:`bound`; None where none can have it.

    Databases would look for rows that are none: all of them for one whose key is NULL and not NULL.
    """
    if how is None:
        return stretch
    if stretch.order != order:
        # Rows without a first key.
        return stretch if how in (_IS_NULL, _NULLS_UP_TO) else None
    if how == _IS_NULL:
        return None
    name, direction = order[0]
    column = table.c[name]
    value = sa.bindparam('bound', type_=column.type)
    if how == _SAME:
        # The other keys alone tell what comes after the marker.
        rest = sa.or_(*(one.clause for one in stretches(order, nulls or frozenset(), table, 1)))
        return Stretch(sa.and_(column == value, rest), order[1:])
    if how == _EQUAL:
        return Stretch(sa.and_(stretch.clause, column == value), order[1:])
    return Stretch(sa.and_(stretch.clause, column >= value if direction == 'desc' else column <= value), order)


def everything(order: Order, table: sa.FromClause = tables.images) -> list[Stretch]:
    """Return all rows as stretches: one, unless the first key must be bound and can be NULL."""
    column = table.c[order[0][0]]
    if is_plain(order) or not _may_be_null(column):
        return [Stretch(sa.true(), order)]
    return [Stretch(column.is_(None), order[1:]), Stretch(column.isnot(None), order)]


def after(order: Order, nulls: frozenset[str], table: sa.FromClause = tables.images) -> Clause:
    """Return which rows come after a marker; see :func:`stretches`."""
    return sa.or_(*(stretch.clause for stretch in stretches(order, nulls, table)))


def stretches(order: Order, nulls: frozenset[str], table: sa.FromClause = tables.images, first: int = 0) -> list[Stretch]:
    """Return which rows come after a marker, as stretches of an index in this order.

    The values of the marker are the parameters of :func:`place`.

    :param nulls: the attributes that are NULL in the marker, see :func:`nulls_of`
    :param first: number of the key from which on rows are compared
    """
    name, direction = order[first]
    column = table.c[name]
    if name in nulls:
        rest = stretches(order, nulls, table, first + 1)
        equal = [Stretch(sa.and_(column.is_(None), after_it), its) for after_it, its in rest]
        return [*equal, Stretch(column.isnot(None), order[first:])] if direction == 'asc' else equal
    found = [Stretch(_after_value(order, nulls, table, first), order[first:])]
    if direction == 'desc' and _may_be_null(column):
        found.append(Stretch(column.is_(None), order[first + 1 :]))
    return found


def _after_value(order: Order, nulls: frozenset[str], table: sa.FromClause, first: int) -> Clause:
    """Return which rows come after a marker that is not NULL in the first compared key, those apart that are."""
    (_, direction), *rest = order[first:]
    columns = [table.c[name] for name, _ in order[first:]]
    values = [sa.bindparam(f'after_{first + number}', type_=column.type) for number, column in enumerate(columns)]
    beyond, reached = (operator.gt, operator.ge) if direction == 'asc' else (operator.lt, operator.le)
    if not rest:
        return cast(Clause, beyond(columns[0], values[0]))
    among_equal = sa.and_(columns[0] == values[0], sa.or_(*(one.clause for one in stretches(order, nulls, table, first + 1))))
    # The first part follows from the other, but it is what lets databases start in the middle of an index.
    stepwise = sa.and_(reached(columns[0], values[0]), sa.or_(beyond(columns[0], values[0]), among_equal))
    if any(way != direction or _may_be_null(table.c[name]) for name, way in rest):
        return stepwise
    return row_by_row(stepwise, cast(Clause, beyond(sa.tuple_(*columns), sa.tuple_(*values))))


def nulls_of(order: Order, marker: Any) -> frozenset[str]:
    """Return which attributes of an order are NULL in a marker.

    :param marker: has the values of the columns as attributes
    """
    return frozenset(name for name, _ in order if getattr(marker, name) is None)


def place(order: Order, marker: Any) -> dict[str, Any]:
    """Return the parameters that say where in the order a marker is."""
    found = {f'after_{number}': getattr(marker, name) for number, (name, _) in enumerate(order)}
    return {name: value for name, value in found.items() if value is not None}


def _may_be_null(column: Any) -> bool:
    return bool(getattr(column, 'nullable', True))
