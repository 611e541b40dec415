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
from typing import NamedTuple

import sqlalchemy as sa

from glance_clone.db import filters
from glance_clone.db import pagination
from glance_clone.db.models import image as tables
from glance_clone.db.repos import image_rows
from glance_clone.db.repos.frequent_members import FrequentMembers
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.query import EQ
from glance_clone.domain.query import ImageQuery

#: Images with a tag or property that are few enough to look at all of them.
FEW = 1000

_images = tables.images

#: Attributes that hardly two images have in common.
_UNIQUE = frozenset(('id', 'checksum', 'os_hash_value'))
#: Indexes by what an arm's images have in common, and by the first key of the order: then come ``created_at`` and ``id``.
_INDEXES: dict[str | None, dict[str, str]] = {
    None: {'created_at': 'glance_clone_images_created', 'name': 'glance_clone_images_name', 'id': 'PRIMARY'},
    'owner': {
        'created_at': 'glance_clone_images_owner_created',
        'name': 'glance_clone_images_owner_name',
        'status': 'glance_clone_images_owner_status',
        'disk_format': 'glance_clone_images_owner_disk_format',
        'container_format': 'glance_clone_images_owner_container_format',
        'size': 'glance_clone_images_owner_size',
        'updated_at': 'glance_clone_images_owner_updated',
        'id': 'owner_image_idx',
    },
    'visibility': {
        'created_at': 'glance_clone_images_visibility_created',
        'name': 'glance_clone_images_visibility_name',
        'status': 'glance_clone_images_visibility_status',
        'disk_format': 'glance_clone_images_visibility_disk_format',
        'container_format': 'glance_clone_images_visibility_container_format',
        'size': 'glance_clone_images_visibility_size',
        'updated_at': 'glance_clone_images_visibility_updated',
        'id': 'visibility_image_idx',
    },
}


class _Way(NamedTuple):
    """What the statement of a page follows from, the values apart.

    :ivar nulls: attributes that are NULL in the marker; None if there is no marker
    :ivar is_frequent: whether very many images are shared with the caller
    :ivar bound: how far the first key of the order goes in the page, see :func:`pagination.within`
    """

    scope: filters.Scope
    shape: filters.Shape
    order: pagination.Order
    nulls: frozenset[str] | None
    is_frequent: bool = False
    bound: str | None = None


def page(
    connection: sa.Connection, query: ImageQuery, caller: Caller, marker: Image | None, frequent: FrequentMembers
) -> Sequence[sa.Row[Any]]:
    """Return the rows of a page, as ``image_rows.SELECT`` has them.

    :param frequent: knows how the images are found that are shared with the caller
    """
    order = pagination.total_order(query)
    project = caller.project_id or filters.WITHOUT_PROJECT
    values = {'project': project, 'size': query.limit, **filters.parameters(query)}
    nulls = None
    if marker is not None:
        nulls = pagination.nulls_of(order, marker)
        values.update(pagination.place(order, marker))
    way = _Way(filters.Scope.of(query, caller), filters.Shape.of(query), order, nulls)
    start = _rarest(connection, way.shape, values)
    if start is not None:
        return connection.execute(_from_child(way, start), values).all()
    if connection.dialect.name == 'mysql' and way.scope.has_members() and frequent.include(connection, project):
        # The others choose well by themselves, by what they know of the member.
        way = way._replace(is_frequent=True)
    if not pagination.is_plain(order):
        way = _bounded(connection, way, values)
    return connection.execute(_along_arms(way), values).all()


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


def _bounded(connection: sa.Connection, way: _Way, values: dict[str, Any]) -> _Way:
    """Find out how far the first key of an order goes in the page, so that not all images must be sorted by the others.

    The bound is added to the values.
    """
    keys = list(connection.execute(_first_keys(way), values).scalars())
    if len(keys) < values['size'] or not keys:
        return way
    values['bound'] = keys[-1]
    return way._replace(bound=pagination.bound(way.order, keys[0], keys[-1]))


@functools.lru_cache(maxsize=128)
def _first_keys(way: _Way) -> sa.Select[Any]:
    """Return the statement that reads the first key of the order of each image of a page."""
    first = way.order[:1]
    key = _images.c[first[0][0]].label('first_key')
    parts = [_in_order(part.add_columns(key), first).subquery() for part in _parts(way)]
    found = sa.union(*(sa.select(part.c.id, part.c.first_key) for part in parts)).subquery('found')
    return sa.select(found.c.first_key).order_by(pagination.sorted_by(found.c.first_key, first[0][1])).limit(pagination.SIZE)


@functools.lru_cache(maxsize=512)
def _along_arms(way: _Way) -> sa.Select[Any]:
    """Return the statement of a page that is read along the order; kept, because to build it takes as long as to run it."""
    parts = _parts(way)
    if len(parts) == 1 and not any(arm.membership for arm in _arms(way)):
        # The images themselves can be read in order.
        return _in_order(parts[0].with_only_columns(*image_rows.SELECT.selected_columns), way.order)
    found = sa.union(*(sa.select(_in_order(part, way.order).subquery().c.id) for part in parts)).subquery('found')
    return _in_order(image_rows.SELECT.join(found, found.c.id == _images.c.id), way.order)


def _parts(way: _Way) -> list[sa.Select[Any]]:
    """Return selections of the ids of images, none of them in order yet, of which one has each image of the list."""
    conditions = [
        *way.scope.common(),
        *way.shape.on_columns(),
        *(filters.has(table, *its) for table, its in way.shape.on_children()),
        *pagination.within(way.order, way.bound),
    ]
    beyond = [sa.true()] if way.nulls is None else pagination.stretches(way.order, way.nulls)
    parts = [_ids(way, arm).where(*conditions, stretch) for arm in _arms(way) for stretch in beyond]
    return parts or [sa.select(_images.c.id).where(sa.false())]


def _arms(way: _Way) -> list[filters.Arm]:
    """Return the arms of the scope; those of an administrator by visibility, where no index has all images in order."""
    arms = way.scope.arms()
    if any(_key(arm, way.shape) is None for arm in arms) and way.order[0][0] not in _INDEXES[None]:
        return way.scope.by_visibility()
    return [arm.along_images() for arm in arms] if way.is_frequent else arms


def _ids(way: _Way, arm: filters.Arm) -> sa.Select[Any]:
    """Return the selection of the ids of an arm; memberships come first, as most projects have few of them.

    MySQL and MariaDB are made to read along an index, where they would rather read all of the arm and sort. Few images
    are hidden, which they know.
    """
    if arm.membership:
        members = tables.members
        joined = members.join(_images, members.c.image_id == _images.c.id)
        return sa.select(_images.c.id).select_from(joined).where(*filters.alive(members, *arm.membership), *arm.clauses)
    found = sa.select(_images.c.id).where(*arm.clauses)
    index = None if way.scope.os_hidden else _index(arm, way.shape, way.order)
    return found if index is None else found.with_hint(_images, f'FORCE INDEX ({index})', 'mysql')


def _index(arm: filters.Arm, shape: filters.Shape, order: pagination.Order) -> str | None:
    """Return the index that has the images of an arm in order, or nearest to it; None if conditions point to few images."""
    wanted = [attribute for attribute, op in shape.conditions if op == EQ]
    if _UNIQUE.intersection(wanted):
        return None
    indexes, first = _INDEXES[_key(arm, shape)], order[0][0]
    if first == 'created_at':
        first = next((attribute for attribute in wanted if attribute in indexes), first)
    elif 'name' in wanted:
        first = 'name'
    return indexes.get(first, indexes['created_at'])


def _key(arm: filters.Arm, shape: filters.Shape) -> str | None:
    """Return the column that all images of an arm have in common, because it is of that arm or is asked for."""
    return 'owner' if arm.key is None and ('owner', EQ) in shape.conditions else arm.key


@functools.lru_cache(maxsize=512)
def _from_child(way: _Way, start: int) -> sa.Select[Any]:
    """Return the statement of a page that is made of the few images with one tag or property."""
    children = way.shape.on_children()
    table, its = children.pop(start)
    few = sa.select(table.c.image_id).distinct().where(*filters.alive(table, *its)).subquery('few')
    arms = sa.or_(sa.false(), *(arm.clause() for arm in way.scope.arms()))
    others = [filters.has(table, *conditions) for table, conditions in children]
    beyond = [] if way.nulls is None else [pagination.after(way.order, way.nulls)]
    statement = image_rows.SELECT.join(few, few.c.image_id == _images.c.id)
    statement = statement.where(*way.scope.common(), *way.shape.on_columns(), arms, *others, *beyond)
    return _in_order(statement, way.order)


def _in_order(statement: sa.Select[Any], order: pagination.Order) -> sa.Select[Any]:
    return statement.order_by(*pagination.order_by(order)).limit(pagination.SIZE)
