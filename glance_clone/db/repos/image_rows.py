# SPDX-License-Identifier: Apache-2.0
"""Reading images: from rows of four tables to objects, in two statements."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from glance_clone.db import filters
from glance_clone.db import sealing
from glance_clone.db.expressions import exactly
from glance_clone.db.models import image as tables
from glance_clone.db.sealing import Sealing
from glance_clone.domain.image import Image
from glance_clone.domain.location import ACTIVE
from glance_clone.domain.location import Location

#: The columns of images in the order of the attributes of :class:`Image`.
COLUMNS = tuple(tables.images.c[field.name] for field in dataclasses.fields(Image) if field.name in tables.images.c)
_COUNT = len(COLUMNS)
_ID_LENGTH = 36

#: The caller's project if the image is shared with it.
_MEMBER = (
    sa.select(tables.members.c.member)
    .where(
        tables.members.c.image_id == tables.images.c.id,
        exactly(tables.members.c.member, filters.PROJECT),
        tables.members.c.deleted == sa.false(),
    )
    .limit(1)
    .scalar_subquery()
    .label('member_id')
)

SELECT: sa.Select[Any] = sa.select(*COLUMNS, _MEMBER)
_ONE: sa.Select[Any] = sa.select(*COLUMNS, _MEMBER, tables.images.c.deleted).where(
    tables.images.c.id == sa.bindparam('image_id')
)


_PROPERTY, _TAG, _LOCATION = range(3)
_LOCATION_COLUMNS = ('value', 'meta_data', 'status', 'id')


def _belonging(images: Callable[[sa.ColumnElement[str]], sa.ColumnElement[bool]]) -> sa.CompoundSelect[Any]:
    """Return the statement that reads what belongs to images: properties, tags and active locations, told apart by a number.

    One statement, because each costs more to send and receive than what is in it; and few columns, because drivers take
    long for each. Beside the value stands the name of a property, or the metadata of a location.

    :param images: makes the condition on the column with the id of the image
    """
    properties, tags, locations = tables.properties.c, tables.tags.c, tables.locations.c
    parts: tuple[tuple[int, Any, Any, tuple[sa.ColumnElement[bool], ...]], ...] = (
        (_PROPERTY, properties, properties.name, ()),
        (_TAG, tags, sa.null(), ()),
        (_LOCATION, locations, locations.meta_data, (locations.status == ACTIVE,)),
    )
    return sa.union_all(
        *(
            sa.select(sa.literal_column(str(kind), sa.Integer()), its.image_id, its.id, beside, its.value).where(
                images(its.image_id), its.deleted == sa.false(), *more
            )
            for kind, its, beside, more in parts
        )
    )


_OF_ONE = _belonging(lambda image_id: image_id == sa.bindparam('image_id'))
_OF_MANY = _belonging(lambda image_id: image_id.in_(sa.bindparam('ids', expanding=True)))
_LOCATIONS_OF_ONE: sa.Select[Any] = sa.select(*(tables.locations.c[name] for name in _LOCATION_COLUMNS)).where(
    tables.locations.c.image_id == sa.bindparam('image_id'),
    tables.locations.c.deleted == sa.false(),
    tables.locations.c.status == ACTIVE,
)
_ONE_LOCATION: sa.Select[Any] = sa.select(
    tables.locations.c.image_id, *(tables.locations.c[name] for name in _LOCATION_COLUMNS)
).where(tables.locations.c.id == sa.bindparam('number'))


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """What an image looked like when it was read, to find out later what changed."""

    columns: dict[str, Any]
    tags: frozenset[str]
    properties: dict[str, str | None]
    locations: dict[int, dict[str, str]]


def fetch(connection: sa.Connection, image_id: str, project: str | None = None) -> Image | None:
    """Return the image with a snapshot of itself, whatever its status; None if it is deleted or was never there."""
    row = row_of(connection, image_id, project)
    if row is None or row.deleted:
        return None
    image = bare(row)
    _add_belongings({image.id: image}, connection.execute(_OF_ONE, {'image_id': image.id}), sealing.of(connection))
    image.row_version = snapshot(image)
    return image


def row_of(connection: sa.Connection, image_id: str, project: str | None) -> sa.Row[Any] | None:
    """Return the row of an image, also of a deleted one; None if there is none of exactly this id."""
    if len(image_id) > _ID_LENGTH or not image_id.isascii() or '\0' in image_id:
        return None
    row = connection.execute(_ONE, {'image_id': image_id, 'project': project or filters.WITHOUT_PROJECT}).first()
    return row if row is not None and row.id == image_id else None


def bare(row: sa.Row[Any]) -> Image:
    """Return the image of a row without its properties, tags and locations."""
    image = Image(*row[:_COUNT])
    image.member_id = row[_COUNT]
    return image


def complete(connection: sa.Connection, rows: Iterable[sa.Row[Any]]) -> list[Image]:
    """Return the images of rows, with their properties, tags and locations."""
    images = {row[0]: bare(row) for row in rows}
    if images:
        _add_belongings(images, connection.execute(_OF_MANY, {'ids': list(images)}), sealing.of(connection))
    return list(images.values())


def _add_belongings(images: dict[str, Image], rows: sa.CursorResult[Any], sealed: Sealing) -> None:
    """Give images what belongs to them; locations in the order in which they were added."""
    for kind, image_id, number, beside, value in rows.all():
        image = images[image_id]
        if kind == _PROPERTY:
            image.properties[beside] = value
        elif kind == _TAG:
            image.tags.add(value)
        else:
            image.locations.append(location_of(sealed, image_id, value, beside, ACTIVE, number))
    for image in images.values():
        image.locations.sort(key=_number)


def _number(location: Location) -> int:
    return location.id or 0


def fetch_location(connection: sa.Connection, number: int) -> Location | None:
    """Return the location of a row whatever its status, None if there is no such row."""
    row = connection.execute(_ONE_LOCATION, {'number': number}).first()
    return None if row is None else location_of(sealing.of(connection), *row)


def count_locations(connection: sa.Connection, image_id: str) -> int:
    """Return how many active locations an image has."""
    return len(connection.execute(_LOCATIONS_OF_ONE, {'image_id': image_id}).all())


def location_numbers(connection: sa.Connection, image_id: str) -> dict[tuple[str, str], int]:
    """Return the row numbers of the locations of an image by their urls and metadata, as :func:`stored` writes these."""
    sealed = sealing.of(connection)
    rows = connection.execute(_LOCATIONS_OF_ONE, {'image_id': image_id})
    return {(sealed.unseal(image_id, row.value), row.meta_data): row.id for row in rows}


def location_ids(connection: sa.Connection, image_id: str) -> set[int]:
    """Return the row numbers of the locations of an image."""
    return {row.id for row in connection.execute(_LOCATIONS_OF_ONE, {'image_id': image_id})}


def location_of(sealed: Sealing, image_id: str, text: str, metadata: str | None, status: str, number: int) -> Location:
    """Return the location of a row."""
    return Location(sealed.unseal(image_id, text), (json.loads(metadata) if metadata else None) or {}, status, number)


def snapshot(image: Image) -> Snapshot:
    """Return what an image looks like now."""
    return Snapshot(
        columns={column.name: getattr(image, column.name) for column in COLUMNS},
        tags=frozenset(image.tags),
        properties=dict(image.properties),
        locations={number: stored(location) for location in image.locations if (number := location.id) is not None},
    )


def stored(location: Location) -> dict[str, str]:
    """Return a location as the database keeps it, by column, but for the seal."""
    return {'value': location.url, 'meta_data': json.dumps(location.metadata), 'status': location.status}
