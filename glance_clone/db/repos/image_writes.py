# SPDX-License-Identifier: Apache-2.0
"""Writing images: only what changed, into four tables, in the transaction of the caller."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.expressions import exactly
from glance_clone.db.models import image as tables
from glance_clone.db.repos import image_rows
from glance_clone.domain import errors
from glance_clone.domain import image as domain
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location

#: Columns that a save of metadata may write; the others belong to whoever moves the data.
_METADATA = (
    'name',
    'visibility',
    'owner',
    'protected',
    'os_hidden',
    'disk_format',
    'container_format',
    'min_disk',
    'min_ram',
)
_DATA = ('status', *domain.DATA_ATTRIBUTES)

#: Created and removed by statements of its own only; see the import lock.
_ATOMIC_PROPERTIES = frozenset(('os_glance_import_task',))

_LIVE = {'deleted': False, 'deleted_at': None}


@dataclasses.dataclass(slots=True)
class Changes:
    """The difference between an image and what was read."""

    columns: dict[str, Any]
    new_tags: set[str]
    old_tags: set[str]
    new_properties: dict[str, str | None]
    old_properties: set[str]
    new_locations: list[Location]
    old_locations: set[int]


def changes(image: Image, with_data: bool) -> Changes:
    """Return what changed since the image was read.

    :param with_data: whether status, sizes, hashes and locations count
    """
    before = image.row_version
    assert isinstance(before, image_rows.Snapshot), 'only images that were read on their own can be saved'
    names = _METADATA + _DATA if with_data else _METADATA
    columns = {name: getattr(image, name) for name in names if getattr(image, name) != before.columns[name]}
    properties = {name: value for name, value in image.properties.items() if name not in _ATOMIC_PROPERTIES}
    kept = {location.id for location in image.locations}
    return Changes(
        columns=columns,
        new_tags=image.tags - before.tags,
        old_tags=set(before.tags - image.tags),
        new_properties={n: v for n, v in properties.items() if n not in before.properties or before.properties[n] != v},
        old_properties=set(before.properties) - set(properties) - _ATOMIC_PROPERTIES,
        new_locations=[location for location in image.locations if location.id is None] if with_data else [],
        old_locations=set(before.locations) - kept if with_data else set(),
    )


def insert(connection: sa.Connection, image: Image) -> None:
    """Insert the row of an image; raises oslo.db's DBDuplicateEntry if the id is taken."""
    values = {column.name: getattr(image, column.name) for column in image_rows.COLUMNS}
    connection.execute(sa.insert(tables.images), {**values, 'deleted': False})


def insert_children(connection: sa.Connection, image: Image) -> None:
    """Insert the properties, tags and locations of a new image.

    :raises Conflict: the database takes two of its property names for one
    """
    stamps = {'image_id': image.id, 'created_at': image.created_at, 'updated_at': image.updated_at, **_LIVE}
    _insert_properties(connection, image.properties, stamps)
    if image.tags:
        connection.execute(sa.insert(tables.tags), [{'value': tag, **stamps} for tag in sorted(image.tags)])
    _insert_locations(connection, image.locations, stamps)


def update(connection: sa.Connection, image_id: str, changed: Changes, now: datetime.datetime, from_state: str | None) -> bool:
    """Update the row of an image if it is (still) in the given state; False if it is not."""
    images = tables.images.c
    state = images.status == from_state if from_state else images.status != domain.PENDING_DELETE
    statement = sa.update(tables.images).where(images.id == image_id, images.deleted == sa.false(), state)
    return connection.execute(statement.values(**changed.columns, updated_at=now)).rowcount == 1


def write_children(connection: sa.Connection, image: Image, changed: Changes, now: datetime.datetime) -> None:
    """Bring properties, tags and locations up to date."""
    stamps = {'image_id': image.id, 'created_at': now, 'updated_at': now, **_LIVE}
    _write_properties(connection, changed, stamps)
    if changed.new_tags:
        connection.execute(sa.insert(tables.tags), [{'value': tag, **stamps} for tag in sorted(changed.new_tags)])
    for tag in sorted(changed.old_tags):
        _bury(connection, tables.tags, image.id, now, exactly(tables.tags.c.value, tag))
    _insert_locations(connection, changed.new_locations, stamps)
    if changed.old_locations:
        number = tables.locations.c.id.in_(sorted(changed.old_locations))
        _bury(connection, tables.locations, image.id, now, number, status='deleted')


def mark_deleted(connection: sa.Connection, image_id: str, now: object) -> bool:
    """Mark an image and what belongs to it deleted at one time; False if the image was deleted already."""
    images = tables.images.c
    statement = sa.update(tables.images).where(images.id == image_id, images.deleted == sa.false())
    buried = {'deleted': True, 'deleted_at': now}
    if connection.execute(statement.values(status=domain.DELETED, updated_at=now, **buried)).rowcount != 1:
        return False
    for table in (tables.properties, tables.tags, tables.members):
        _bury(connection, table, image_id, now)
    _bury(connection, tables.locations, image_id, now, status='deleted')
    return True


def _write_properties(connection: sa.Connection, changed: Changes, stamps: dict[str, Any]) -> None:
    table = tables.properties
    image_id, now = stamps['image_id'], stamps['updated_at']
    if changed.new_properties:
        names = sa.select(table.c.name, table.c.id).where(table.c.image_id == image_id)
        numbers = dict(connection.execute(names).tuples().all())
        for name, value in sorted(changed.new_properties.items()):
            if name in numbers:
                revived = sa.update(table).where(table.c.id == numbers[name])
                connection.execute(revived.values(value=value, updated_at=now, **_LIVE))
        missing = {name: value for name, value in changed.new_properties.items() if name not in numbers}
        if missing:
            # A deleted row of another spelling that the collation takes for the same name must make room.
            dead = sa.delete(table).where(table.c.image_id == image_id, table.c.deleted == sa.true())
            connection.execute(dead.where(table.c.name.in_(sorted(missing))))
            _insert_properties(connection, missing, stamps)
    for name in sorted(changed.old_properties):
        _bury(connection, table, image_id, now, exactly(table.c.name, name))


def _insert_properties(connection: sa.Connection, properties: dict[str, str | None], stamps: dict[str, Any]) -> None:
    if not properties:
        return
    rows = [{'name': name, 'value': value, **stamps} for name, value in sorted(properties.items())]
    try:
        connection.execute(sa.insert(tables.properties), rows)
    except db_exc.DBDuplicateEntry:
        raise errors.Conflict(
            f'The database cannot tell all of these property names of the image apart: {", ".join(sorted(properties))[:500]}.'
        ) from None


def _insert_locations(connection: sa.Connection, locations: list[Location], stamps: dict[str, Any]) -> None:
    for location in locations:
        row = {'value': location.url, 'meta_data': image_rows.encoded(location.metadata), 'status': location.status}
        inserted = connection.execute(sa.insert(tables.locations).values(**row, **stamps))
        location.id = inserted.inserted_primary_key[0]


def _bury(
    connection: sa.Connection, table: sa.Table, image_id: str, now: object, *which: sa.ColumnElement[bool], **more: Any
) -> None:
    """Mark rows of one image deleted."""
    statement = sa.update(table).where(table.c.image_id == image_id, table.c.deleted == sa.false(), *which)
    connection.execute(statement.values(deleted=True, deleted_at=now, updated_at=now, **more))
