# SPDX-License-Identifier: Apache-2.0
"""Finding the images of a page, at the same cost however many images there are.

An image can be in a list for one of a few reasons, the arms of its scope: it is public, the caller's, or shared with the
caller. Each arm is read on its own, along an index that has its rows in the order of the list, for as many rows as the
page has; of these the page is made. Where a tag or property is asked for that few images have, the list is made of
those instead.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glance_clone.db import filters
from glance_clone.db import pagination
from glance_clone.db.models import image as tables
from glance_clone.db.repos import image_rows
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.query import EQ
from glance_clone.domain.query import ImageQuery

#: Images with a tag or property that are few enough to look at all of them.
FEW = 1000

_images = tables.images

#: Attributes that hardly two images have in common.
_UNIQUE = frozenset(('id', 'checksum', 'os_hash_value'))
#: Indexes by what an arm's images have in common, and by the first key of the order.
_INDEXES: dict[str | None, dict[str, str]] = {
    None: {
        'created_at': 'created_at_image_idx',
        'updated_at': 'updated_at_image_idx',
        'name': 'glance_clone_images_name',
    },
    'owner': {'created_at': 'glance_clone_images_owner_created', 'name': 'glance_clone_images_owner_name'},
    'visibility': {'created_at': 'glance_clone_images_visibility_created', 'name': 'glance_clone_images_visibility_name'},
}


def page(connection: sa.Connection, query: ImageQuery, caller: Caller, marker: Image | None) -> Sequence[sa.Row[Any]]:
    """Return the rows of a page, as ``image_rows.SELECT`` has them."""
    scope, shape, order = filters.Scope.of(query, caller), filters.Shape.of(query), pagination.total_order(query)
    values = {'project': caller.project_id or filters.WITHOUT_PROJECT, 'size': query.limit, **filters.parameters(query)}
    nulls = None
    if marker is not None:
        nulls = pagination.nulls_of(order, marker)
        values.update(pagination.place(order, marker))
    start = _rarest(connection, shape, values)
    statement = _along_arms(scope, shape, order, nulls) if start is None else _from_child(scope, shape, order, nulls, start)
    return connection.execute(statement, values).all()


def _rarest(connection: sa.Connection, shape: filters.Shape, values: dict[str, Any]) -> int | None:
    """Return which of the asked tags and properties fewest images have; None if all of them are common."""
    if not shape.tags and not shape.properties:
        return None
    counts = connection.execute(_counts(shape), values).one()
    number = min(range(len(counts)), key=counts.__getitem__)
    return number if counts[number] <= FEW else None


@functools.lru_cache(maxsize=64)
def _counts(shape: filters.Shape) -> sa.Select[Any]:
    """Return the statement that counts, up to a limit, how many images have each tag and property."""
    found = [
        sa.select(table.c.image_id).where(*filters.alive(table, *conditions)).limit(FEW + 1).subquery()
        for table, conditions in shape.on_children()
    ]
    return sa.select(*(sa.select(sa.func.count()).select_from(rows).scalar_subquery() for rows in found))


@functools.lru_cache(maxsize=512)
def _along_arms(
    scope: filters.Scope, shape: filters.Shape, order: pagination.Order, nulls: frozenset[str] | None
) -> sa.Select[Any]:
    """Return the statement of a page that is read along the order; kept, because to build it takes as long as to run it."""
    arms = scope.arms()
    conditions = [*_conditions(scope, shape, order, nulls), *(filters.has(table, *of) for table, of in shape.on_children())]
    if len(arms) == 1 and not arms[0].membership:
        return _in_order(_planned(image_rows.SELECT.where(*arms[0].clauses, *conditions), scope, arms[0], shape, order), order)
    if not arms:
        return _in_order(image_rows.SELECT.where(sa.false()), order)
    parts = [_in_order(_planned(_ids(arm).where(*conditions), scope, arm, shape, order), order).subquery() for arm in arms]
    found = sa.union(*(sa.select(part.c.id) for part in parts)).subquery('found')
    return _in_order(image_rows.SELECT.join(found, found.c.id == _images.c.id), order)


@functools.lru_cache(maxsize=512)
def _from_child(
    scope: filters.Scope, shape: filters.Shape, order: pagination.Order, nulls: frozenset[str] | None, start: int
) -> sa.Select[Any]:
    """Return the statement of a page that is made of the few images with one tag or property."""
    children = shape.on_children()
    table, its = children.pop(start)
    few = sa.select(table.c.image_id).distinct().where(*filters.alive(table, *its)).subquery('few')
    arms = sa.or_(sa.false(), *(arm.clause() for arm in scope.arms()))
    others = [filters.has(table, *conditions) for table, conditions in children]
    statement = image_rows.SELECT.join(few, few.c.image_id == _images.c.id)
    return _in_order(statement.where(*_conditions(scope, shape, order, nulls), arms, *others), order)


def _conditions(
    scope: filters.Scope, shape: filters.Shape, order: pagination.Order, nulls: frozenset[str] | None
) -> list[sa.ColumnElement[bool]]:
    beyond = [] if nulls is None else [pagination.after(order, nulls)]
    return [*scope.common(), *shape.on_columns(), *beyond]


def _ids(arm: filters.Arm) -> sa.Select[Any]:
    """Return the selection of the ids of an arm; memberships come first, as a project has few of them."""
    if not arm.membership:
        return sa.select(_images.c.id).where(*arm.clauses)
    members = tables.members
    joined = members.join(_images, members.c.image_id == _images.c.id)
    return sa.select(_images.c.id).select_from(joined).where(*filters.alive(members, *arm.membership), *arm.clauses)


def _planned(
    statement: sa.Select[Any], scope: filters.Scope, arm: filters.Arm, shape: filters.Shape, order: pagination.Order
) -> sa.Select[Any]:
    """Make MySQL and MariaDB read an arm along its index, where they would rather read all of it and sort.

    Nor may they begin with a tag or property that very many images have. Few images are hidden, which they know.
    """
    if shape.tags or shape.properties:
        statement = statement.prefix_with('STRAIGHT_JOIN', dialect='mysql')
    index = None if arm.membership or scope.os_hidden else _index(arm, shape, order)
    return statement if index is None else statement.with_hint(_images, f'FORCE INDEX ({index})', 'mysql')


def _index(arm: filters.Arm, shape: filters.Shape, order: pagination.Order) -> str | None:
    """Return the index that has the images of an arm in order, or nearest to it; None if conditions point to few images."""
    wanted = {attribute for attribute, op in shape.conditions if op == EQ}
    if wanted & _UNIQUE:
        return None
    first = 'name' if 'name' in wanted else order[0][0]
    if arm.key is None and 'status' in wanted and first == 'created_at':
        return 'glance_clone_images_status_created'
    key = 'owner' if arm.key is None and 'owner' in wanted else arm.key
    return _INDEXES[key].get(first, _INDEXES[key]['created_at'])


def _in_order(statement: sa.Select[Any], order: pagination.Order) -> sa.Select[Any]:
    return statement.order_by(*pagination.order_by(order)).limit(pagination.SIZE)
