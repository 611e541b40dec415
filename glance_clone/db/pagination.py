# SPDX-License-Identifier: Apache-2.0
"""Pages by key: an order without ties, and the rows after a marker.

A page costs the same wherever it is, and rows that come or go do not shift it. NULL sorts as 0 or the empty string, in
the order as in the comparison with the marker.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.domain.query import ImageQuery

_EPOCH = datetime.datetime(1970, 1, 1)

Order = list[tuple[str, str]]


def total_order(query: ImageQuery) -> Order:
    """Return (attribute, direction) pairs in which no two images are equal."""
    order = list(query.sort)
    names = {name for name, _ in order}
    order += [(name, query.tie_direction) for name in ('created_at', 'id') if name not in names]
    return order


def order_by(order: Order) -> list[Any]:
    """Return the ORDER BY clauses of an order."""
    return [_key(name).desc() if direction == 'desc' else _key(name).asc() for name, direction in order]


def after(order: Order, marker: Sequence[Any]) -> sa.ColumnElement[bool]:
    """Return which rows come after a marker.

    :param marker: the marker's values of the attributes of the order
    """
    alternatives = []
    equal: list[sa.ColumnElement[bool]] = []
    for (name, direction), found in zip(order, marker, strict=True):
        key = _key(name)
        value = _null_of(name) if found is None else found
        alternatives.append(sa.and_(*equal, key < value if direction == 'desc' else key > value))
        equal.append(key == value)
        if len(equal) == 1:
            # Follows from the alternatives, but it is what lets databases start in the middle of an index.
            bound = key <= value if direction == 'desc' else key >= value
    return sa.and_(bound, sa.or_(*alternatives))


def _key(name: str) -> Any:
    column = tables.images.c[name]
    return sa.func.coalesce(column, _null_of(name)) if column.nullable else column


def _null_of(name: str) -> Any:
    kind = tables.images.c[name].type
    if isinstance(kind, sa.DateTime):
        return _EPOCH
    return 0 if isinstance(kind, sa.Integer) else ''
