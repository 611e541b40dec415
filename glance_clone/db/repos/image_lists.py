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
from glance_clone.db.repos.selectivity import Selectivity
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.query import EQ
from glance_clone.domain.query import ImageQuery

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
    connection: sa.Connection, query: ImageQuery, caller: Caller, marker: Image | None, selectivity: Selectivity
) -> Sequence[sa.Row[Any]]:
    """Return the rows of a page, as ``image_rows.SELECT`` has them.

    :param selectivity: knows for which reasons few or very many images can be in the list
    """
    order = pagination.total_order(query)
    project = caller.project_id or filters.WITHOUT_PROJECT
    values = {'project': project, 'size': query.limit, **filters.parameters(query)}
    nulls = None
    if marker is not None:
        nulls = pagination.nulls_of(order, marker)
        values.update(pagination.place(order, marker))
    way = _Way(filters.Scope.of(query, caller), filters.Shape.of(query), order, nulls)
    start = selectivity.rarest(connection, query)
    if start is not None:
        return connection.execute(_from_child(way, start), values).all()
    if connection.dialect.name == 'mysql' and way.scope.has_members() and selectivity.is_frequent(connection, project):
        # The others choose well by themselves, by what they know of the member.
        way = way._replace(is_frequent=True)
    if not pagination.is_plain(order):
        way = _bounded(connection, way, values)
    return connection.execute(_along_arms(way), values).all()


def _bounded(connection: sa.Connection, way: _Way, values: dict[str, Any]) -> _Way:
    """Find out how far the first key of an order goes in the page, so that not all images must be sorted by the others.

    The bound is added to the values.
    """
    keys = list(connection.execute(_first_keys(way), values).scalars())
    if len(keys) < values['size'] or not keys:
        return way
    values['bound'] = keys[-1]
    return way._replace(bound=pagination.bound(keys[0], keys[-1], values.get('after_0')))


@functools.lru_cache(maxsize=128)
def _first_keys(way: _Way) -> sa.Select[Any]:
    """Return the statement that reads the first key of the order of each image of a page."""
    name, direction = way.order[0]
    key = _images.c[name].label('first_key')
    parts = [(part.add_columns(key), way.order[:1] if order == way.order else ()) for part, order in _parts(way)]
    rows = [_in_order(part, order).subquery() for part, order in parts]
    found = sa.union(*(sa.select(each.c.id, each.c.first_key) for each in rows)).subquery('found')
    return sa.select(found.c.first_key).order_by(pagination.sorted_by(found.c.first_key, direction)).limit(pagination.SIZE)


@functools.lru_cache(maxsize=512)
def _along_arms(way: _Way) -> sa.Select[Any]:
    """Return the statement of a page that is read along the order; kept, because to build it takes as long as to run it."""
    parts = _parts(way)
    if len(parts) == 1 and not any(arm.membership for arm in _arms(way)):
        # The images themselves can be read in order.
        part, order = parts[0]
        return _in_order(part.with_only_columns(*image_rows.SELECT.selected_columns), order)
    rows = [_in_order(part, order).subquery() for part, order in parts]
    found = sa.union(*(sa.select(each.c.id) for each in rows)).subquery('found')
    return _in_order(image_rows.SELECT.join(found, found.c.id == _images.c.id), way.order)


def _parts(way: _Way) -> list[tuple[sa.Select[Any], pagination.Order]]:
    """Return selections of ids, with the order in which each is to be read, of which one has each image of the list."""
    conditions = [
        *way.scope.common(),
        *way.shape.on_columns(),
        *(filters.has(table, *its) for table, its in way.shape.on_children()),
    ]
    beyond = pagination.everything(way.order) if way.nulls is None else pagination.stretches(way.order, way.nulls)
    bound = [pagination.within(stretch, way.order, way.nulls, way.bound) for stretch in beyond]
    beyond = [stretch for stretch in bound if stretch is not None]
    parts = [(_ids(way, arm).where(*conditions, clause), order) for arm in _arms(way) for clause, order in beyond]
    return parts or [(sa.select(_images.c.id).where(sa.false()), way.order)]


def _arms(way: _Way) -> list[filters.Arm]:
    """Return the arms of the scope; those of an administrator by visibility, where no index has all images in order."""
    arms = way.scope.arms()
    if any(_key(arm, way.shape) is None for arm in arms) and not _INDEXES[None].keys() >= _indexed(way):
        return way.scope.by_visibility()
    return [arm.along_images() for arm in arms] if way.is_frequent else arms


def _ids(way: _Way, arm: filters.Arm) -> sa.Select[Any]:
    """Return the selection of the ids of an arm; memberships come first, as most projects have few of them.

    MySQL and MariaDB would rather read all of an arm and sort. They are made to read it along the order, or along a
    condition, of which they know whether few images meet it; and they know that few images are hidden.
    """
    if arm.membership:
        members = tables.members
        joined = members.join(_images, members.c.image_id == _images.c.id)
        return sa.select(_images.c.id).select_from(joined).where(*filters.alive(members, *arm.membership), *arm.clauses)
    found = sa.select(_images.c.id).where(*arm.clauses)
    if way.scope.os_hidden or not _UNIQUE.isdisjoint(attribute for attribute, _ in way.shape.conditions):
        return found
    indexes = _INDEXES[_key(arm, way.shape)]
    return found.with_hint(_images, f'FORCE INDEX ({", ".join(indexes[name] for name in sorted(_indexed(way)))})', 'mysql')


def _indexed(way: _Way) -> set[str]:
    """Return the first key of the order, and the attributes with a condition for which there are indexes.

    Also the second key where the first one is the same in all of the page: of many images that are alike, the first ones are
    found sooner along that.
    """
    conditions = {attribute for attribute, _ in way.shape.conditions}
    keys = [name for name, _ in way.order[: 2 if way.bound in pagination.ALIKE else 1]]
    return {keys[0], *{*conditions, *keys}.intersection(_INDEXES['owner'])}


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
