# SPDX-License-Identifier: Apache-2.0
"""Writing images: only what changed, into four tables, in the transaction of the caller."""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db import sealing
from glance_clone.db.expressions import exactly
from glance_clone.db.models import image as tables
from glance_clone.db.repos import image_rows
from glance_clone.db.spelling import alike
from glance_clone.domain import errors
from glance_clone.domain import image as domain
from glance_clone.domain import location as copies
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

#: What decides whether somebody may change an image, and how.
_DECISIVE = ('status', 'visibility', 'owner')

#: Created and removed by statements of its own only; see the import lock.
_ATOMIC_PROPERTIES = frozenset(('os_glance_import_task',))

_LIVE = {'deleted': False, 'deleted_at': None}

# Statements that most writes have are made once, as to make one takes as long as to run it. Parameters that begin with
# ``of_`` or ``seen_`` are for their conditions; those named as columns are what is written.
_of_image: sa.BindParameter[str] = sa.bindparam('of_image', type_=sa.String())
_INSERT_IMAGE = sa.insert(tables.images)
_INSERT_PROPERTIES = sa.insert(tables.properties)
_INSERT_TAGS = sa.insert(tables.tags)
_INSERT_LOCATIONS = sa.insert(tables.locations)
_TAGS = sa.select(tables.tags.c.value).where(tables.tags.c.image_id == _of_image, tables.tags.c.deleted == sa.false())
_CHANGE_PROPERTY = sa.update(tables.properties).where(
    tables.properties.c.image_id == _of_image,
    tables.properties.c.deleted == sa.false(),
    exactly(tables.properties.c.name, sa.bindparam('of_name', type_=sa.String())),
)


@dataclasses.dataclass(slots=True)
class Changes:
    """The difference between an image and what was read.

    :ivar seen: what must still be so, as far as the changes rest on it; None if nothing must
    """

    columns: dict[str, Any]
    new_tags: set[str]
    old_tags: set[str]
    new_properties: dict[str, str | None]
    changed_properties: dict[str, str | None]
    old_properties: set[str]
    new_locations: list[Location]
    changed_locations: dict[int, dict[str, str]]
    old_locations: set[int]
    seen: image_rows.Snapshot | None = None

    @property
    def loses_copies(self) -> bool:
        """Whether copies of the data go, or are marked to go."""
        return bool(self.marked_locations or self.old_locations)

    @property
    def marked_locations(self) -> set[int]:
        """The row numbers of copies that are marked to go."""
        rows = self.changed_locations.items()
        return {number for number, row in rows if row.get('status', copies.ACTIVE) != copies.ACTIVE}


def changes(image: Image, with_data: bool, if_unchanged: bool = False) -> Changes:
    """Return what changed since the image was read.

    :param with_data: whether status, sizes, hashes and locations count
    :param if_unchanged: whether they rest on what was read, and may only be stored if it is still so
    """
    before = image.row_version
    if not isinstance(before, image_rows.Snapshot):
        raise TypeError('Only images that were read on their own can be saved.')
    names = _METADATA + _DATA if with_data else _METADATA
    properties = {name: value for name, value in image.properties.items() if name not in _ATOMIC_PROPERTIES}
    locations = image.locations if with_data else []
    kept = {number: image_rows.stored(location) for location in locations if (number := location.id) is not None}
    return Changes(
        columns={name: getattr(image, name) for name in names if getattr(image, name) != before.columns[name]},
        new_tags=image.tags - before.tags,
        old_tags=set(before.tags - image.tags),
        new_properties={name: value for name, value in properties.items() if name not in before.properties},
        changed_properties={n: v for n, v in properties.items() if n in before.properties and before.properties[n] != v},
        old_properties=set(before.properties) - set(properties) - _ATOMIC_PROPERTIES,
        new_locations=[location for location in locations if location.id is None],
        changed_locations={number: row for number in kept if (row := _differing(kept[number], before.locations.get(number)))},
        old_locations=set(before.locations) - set(kept) if with_data else set(),
        seen=before if if_unchanged else None,
    )


def _differing(row: dict[str, str], before: dict[str, str] | None) -> dict[str, str]:
    return {column: value for column, value in row.items() if before is None or before[column] != value}


def insert(connection: sa.Connection, image: Image) -> None:
    """Insert an image with its properties, tags and locations; raises oslo.db's DBDuplicateEntry if the id is taken.

    :raises Conflict: the database takes two of its property names for one
    """
    values = {column.name: getattr(image, column.name) for column in image_rows.COLUMNS}
    connection.execute(_INSERT_IMAGE, {**values, 'deleted': False})
    stamps = _stamps(image.id, image.created_at, image.updated_at)
    _insert_properties(connection, image.properties, stamps, set())
    _insert_tags(connection, image.tags, stamps)
    _insert_locations(connection, image.locations, stamps)


def _stamps(image_id: str, created_at: object, updated_at: object) -> dict[str, Any]:
    """Return what new rows of everything that belongs to an image have in common."""
    return {'image_id': image_id, 'created_at': created_at, 'updated_at': updated_at, 'deleted': False}


def update(connection: sa.Connection, image_id: str, changed: Changes, now: datetime.datetime, from_state: str | None) -> bool:
    """Update the row of an image if it is (still) in the given state, and as the changes suppose; False if it is not.

    The lock on the row keeps others from writing to its properties, tags and locations until the transaction ends.
    """
    seen = {name: changed.seen.columns[name] for name in _DECISIVE} if changed.seen else {}
    statement = _update_of(bool(from_state), frozenset((name, value is None) for name, value in seen.items()))
    conditions = {'of_image': image_id, 'of_state': from_state or domain.PENDING_DELETE}
    conditions.update((f'seen_{name}', value) for name, value in seen.items() if value is not None)
    return connection.execute(statement, {**conditions, **changed.columns, 'updated_at': now}).rowcount == 1


@functools.lru_cache(maxsize=64)
def _update_of(in_state: bool, seen: frozenset[tuple[str, bool]]) -> sa.Update:
    """Return the statement that updates an image in a given state, or in any but one.

    :param seen: columns that must be what a parameter says, and whether they must be NULL instead
    """
    images = tables.images.c
    state: sa.BindParameter[str] = sa.bindparam('of_state', type_=sa.String())
    return sa.update(tables.images).where(
        images.id == _of_image,
        images.deleted == sa.false(),
        images.status == state if in_state else images.status != state,
        *(images[name] == (None if is_null else sa.bindparam(f'seen_{name}')) for name, is_null in sorted(seen)),
    )


def write_children(connection: sa.Connection, image: Image, changed: Changes, now: datetime.datetime) -> None:
    """Bring properties, tags and locations up to date.

    :raises LastCopy: the image is active and would have no data any more
    :raises Conflict: the database takes two property names of the image for one
    :raises StateChanged: they are not as the changes suppose
    """
    stamps = _stamps(image.id, now, now)
    _write_properties(connection, changed, stamps)
    _write_tags(connection, changed, stamps)
    _write_locations(connection, image, changed, now, stamps)


def is_stored(image: Image, changed: Changes) -> bool:
    """Tell whether an image as it is in the database has all changes in it; locations are not looked at."""
    return (
        all(getattr(image, name) == value for name, value in changed.columns.items())
        and (changed.new_properties | changed.changed_properties).items() <= image.properties.items()
        and changed.old_properties.isdisjoint(image.properties)
        and changed.new_tags <= image.tags
        and changed.old_tags.isdisjoint(image.tags)
    )


def _write_locations(
    connection: sa.Connection, image: Image, changed: Changes, now: datetime.datetime, stamps: dict[str, Any]
) -> None:
    if changed.seen and (changed.new_locations or changed.changed_locations or changed.old_locations):
        _require_same(image_rows.location_ids(connection, image.id), set(changed.seen.locations))
    if changed.loses_copies:
        _require_removable(connection, image, changed)
    _insert_locations(connection, changed.new_locations, stamps)
    for number, row in changed.changed_locations.items():
        statement = sa.update(tables.locations).where(tables.locations.c.id == number)
        connection.execute(statement.values(updated_at=now, **_sealed(connection, image.id, row)))
    if changed.old_locations:
        number_of = tables.locations.c.id.in_(sorted(changed.old_locations))
        _bury(connection, tables.locations, image.id, now, number_of, status='deleted')
    if changed.loses_copies and image.status == domain.ACTIVE and not image_rows.count_locations(connection, image.id):
        raise errors.LastCopy(image.id)


def require_known_locations(connection: sa.Connection, image: Image) -> None:
    """Make sure that an image has the locations that it had when it was read.

    :raises StateChanged: it has got others, or lost some
    """
    _require_same(image_rows.location_ids(connection, image.id), {location.id for location in image.locations})


def mark_deleted(
    connection: sa.Connection,
    image_id: str,
    now: datetime.datetime,
    status: str = domain.DELETED,
    from_state: str | None = None,
) -> bool:
    """Mark an image and what belongs to it deleted at one time; False if the image was deleted already.

    :param status: of the image and its locations from now on
    :param from_state: the status that the image must still have, None for any
    """
    images = tables.images.c
    statement = sa.update(tables.images).where(images.id == image_id, images.deleted == sa.false())
    if from_state is not None:
        statement = statement.where(images.status == from_state)
    buried = {'deleted': True, 'deleted_at': now}
    if connection.execute(statement.values(status=status, updated_at=now, **buried)).rowcount != 1:
        return False
    # The key of members has room for one trace of each time: those of memberships that ended in this moment must go.
    members = tables.members.c
    ended_now = (members.image_id == image_id, members.deleted == sa.true(), members.deleted_at == now)
    connection.execute(sa.delete(tables.members).where(*ended_now))
    if status == domain.PENDING_DELETE:
        _date_back(connection, image_id, now)
    for table in (tables.properties, tables.tags, tables.members):
        _bury(connection, table, image_id, now)
    _bury(connection, tables.locations, image_id, now, status=status)
    return True


def _date_back(connection: sa.Connection, image_id: str, now: datetime.datetime) -> None:
    """Let what was taken off an image in this very moment, a whole second on MariaDB, have gone before the image.

    Whoever restores the image tells by the time what went with it.
    """
    before = {'deleted_at': now - datetime.timedelta(seconds=1)}
    for table in (tables.properties, tables.tags, tables.locations):
        ended_now = (table.c.image_id == image_id, table.c.deleted == sa.true(), table.c.deleted_at == now)
        connection.execute(sa.update(table).where(*ended_now).values(**before))


def _require_removable(connection: sa.Connection, image: Image, changed: Changes) -> None:
    """Make sure that what is to go is there, and that whoever removes it knows all copies, which may share its bytes.

    :raises StateChanged: not so
    """
    live = image_rows.location_ids(connection, image.id)
    known = {location.id for location in image.locations} | changed.old_locations
    if not (live <= known and changed.marked_locations <= live):
        raise errors.StateChanged(f'Somebody else changed the locations of image {image.id} at the same time.')


def _write_tags(connection: sa.Connection, changed: Changes, stamps: dict[str, Any]) -> None:
    table = tables.tags
    image_id, now = stamps['image_id'], stamps['updated_at']
    if changed.new_tags:
        # Somebody may have added the same ones since the image was read; no key keeps them single.
        found = set(connection.execute(_TAGS, {'of_image': image_id}).scalars())
        if changed.seen:
            _require_same(found, changed.seen.tags)
        _insert_tags(connection, changed.new_tags - found, stamps)
    for tag in sorted(changed.old_tags):
        buried = _bury(connection, table, image_id, now, exactly(table.c.value, tag))
        if changed.seen:
            _require_same(buried > 0, True)


def _insert_tags(connection: sa.Connection, tags: set[str], stamps: dict[str, Any]) -> None:
    if tags:
        connection.execute(_INSERT_TAGS, [{'value': tag, **stamps} for tag in sorted(tags)])


def _write_properties(connection: sa.Connection, changed: Changes, stamps: dict[str, Any]) -> None:
    """Write properties; the key of the table covers deleted rows, so that these are revived and not inserted anew."""
    table = tables.properties
    image_id, now = stamps['image_id'], stamps['updated_at']
    for name in sorted(changed.old_properties):
        buried = _bury(connection, table, image_id, now, exactly(table.c.name, name))
        if changed.seen:
            _require_same(buried, 1)
    wanted = dict(changed.new_properties)
    for name, value in sorted(changed.changed_properties.items()):
        row = {'of_image': image_id, 'of_name': name, 'value': value, 'updated_at': now}
        found = connection.execute(_CHANGE_PROPERTY, row).rowcount
        if changed.seen:
            _require_same(found, 1)
        if not found:
            wanted[name] = value
    if wanted:
        _add_properties(connection, wanted, changed, stamps)


def _add_properties(connection: sa.Connection, wanted: dict[str, str | None], changed: Changes, stamps: dict[str, Any]) -> None:
    """Add properties that the image does not have, or did not have when it was read."""
    table = tables.properties
    image_id, now = stamps['image_id'], stamps['updated_at']
    found = sa.select(table.c.name, table.c.id, table.c.deleted).where(table.c.image_id == image_id)
    rows = {row.name: row for row in connection.execute(found)}
    if changed.seen:
        live = {row.name for row in rows.values() if not row.deleted}
        _require_same(_of_users(live), _of_users(changed.seen.properties) - changed.old_properties)
    for name, value in sorted(wanted.items()):
        if name in rows:
            revived = sa.update(table).where(table.c.id == rows[name].id)
            connection.execute(revived.values(value=value, updated_at=now, **_LIVE))
    missing = {name: value for name, value in wanted.items() if name not in rows}
    dead = [row.name for row in rows.values() if row.deleted and row.name not in wanted]
    if missing and dead:
        # A deleted row of another spelling that the collation takes for the same name must make room.
        room = sa.delete(table).where(table.c.image_id == image_id, table.c.deleted == sa.true())
        connection.execute(room.where(table.c.name.in_(sorted(missing))))
    _insert_properties(connection, missing, stamps, set(rows) - set(dead))


def _of_users(names: Iterable[str]) -> set[str]:
    """Return those names of properties that the service does not keep for itself."""
    return {name for name in names if not name.startswith(domain.RESERVED_PREFIX)}


def _require_same(found: object, seen: object) -> None:
    if found != seen:
        raise errors.StateChanged('Somebody else changed the image at the same time.')


def _insert_properties(
    connection: sa.Connection, properties: dict[str, str | None], stamps: dict[str, Any], others: set[str]
) -> None:
    """Insert properties; ``others`` are the names that the image has already."""
    if not properties:
        return
    rows = [{'name': name, 'value': value, **stamps} for name, value in sorted(properties.items())]
    try:
        connection.execute(_INSERT_PROPERTIES, rows)
    except db_exc.DBDuplicateEntry:
        all_names = set(properties) | others
        names = ', '.join(repr(name[:80]) for name in alike(all_names) or sorted(all_names))
        raise errors.Conflict(f'The database cannot tell these names of properties apart: {names}. Choose others.') from None


def _insert_locations(connection: sa.Connection, locations: list[Location], stamps: dict[str, Any]) -> None:
    if locations:
        rows = [_sealed(connection, stamps['image_id'], image_rows.stored(location)) for location in locations]
        connection.execute(_INSERT_LOCATIONS, [{**row, **stamps} for row in rows])


def _sealed(connection: sa.Connection, image_id: str, row: dict[str, str]) -> dict[str, str]:
    """Return columns of a location as they go into the database."""
    if 'value' not in row:
        return row
    return {**row, 'value': sealing.of(connection).seal(image_id, row['value'])}


def _bury(
    connection: sa.Connection, table: sa.Table, image_id: str, now: object, *which: sa.ColumnElement[bool], **more: Any
) -> int:
    """Mark rows of one image deleted; return how many."""
    statement = sa.update(table).where(table.c.image_id == image_id, table.c.deleted == sa.false(), *which)
    return connection.execute(statement.values(deleted=True, deleted_at=now, updated_at=now, **more)).rowcount
