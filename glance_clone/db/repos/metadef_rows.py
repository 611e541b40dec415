# SPDX-License-Identifier: Apache-2.0
"""Rows of metadata definitions: what is read of them, what is written into them.

Definitions are JSON in a column. That of an object has the schemas of its properties by name, and the names of required
properties are joined by commas: the form that every service on these tables knows.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any
from typing import Generic
from typing import TypeVar

import sqlalchemy as sa

from glance_clone.db.expressions import exactly
from glance_clone.db.models import metadef as tables
from glance_clone.domain import metadef

T = TypeVar('T', metadef.Object, metadef.Property, metadef.Tag)

_namespaces = tables.namespaces.c
_NAMESPACE_COLUMNS = (
    _namespaces.namespace,
    _namespaces.owner,
    _namespaces.display_name,
    _namespaces.description,
    _namespaces.visibility,
    _namespaces.protected,
    _namespaces.created_at,
    _namespaces.updated_at,
    _namespaces.id,
)
SELECT_NAMESPACES = sa.select(*_NAMESPACE_COLUMNS)


@dataclasses.dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of thing that has a name of its own in a namespace.

    :ivar word: what it is called in messages
    :ivar read: makes a thing of a row of the table
    :ivar write: returns the columns of a thing, those apart that all kinds have
    """

    word: str
    table: sa.Table
    read: Callable[[Any], T]
    write: Callable[[T], dict[str, Any]]

    def in_namespace(self, namespace_id: int | None) -> sa.Select[Any]:
        """Return the statement that reads all of a namespace, in no order."""
        return sa.select(self.table).where(self.table.c.namespace_id == namespace_id)

    def named(self, namespace_id: int | None, name: str) -> sa.Select[Any]:
        """Return the statement that reads the one of exactly that name."""
        return self.in_namespace(namespace_id).where(exactly(self.table.c.name, name))

    def all(self, connection: sa.Connection, namespace_id: int | None) -> list[T]:
        """Return all of a namespace in the order in which they were added."""
        rows = connection.execute(self.in_namespace(namespace_id).order_by(self.table.c.id))
        return [self.read(row) for row in rows]

    def values(self, thing: T, namespace_id: int | None) -> dict[str, Any]:
        """Return the row of a thing, without its id.

        :raises Invalid: a text of it is too long
        """
        common = {'namespace_id': namespace_id, 'created_at': thing.created_at, 'updated_at': thing.updated_at}
        return {'name': thing.name, **common, **self.write(thing)}


def namespace(row: Any) -> metadef.Namespace:
    """Return the namespace of a row, without what it contains."""
    return metadef.Namespace(*row)


def namespace_values(namespace: metadef.Namespace) -> dict[str, Any]:
    """Return the row of a namespace, without its id."""
    return {
        'namespace': namespace.name,
        'owner': namespace.owner,
        'display_name': namespace.display_name,
        'description': namespace.description,
        'visibility': namespace.visibility,
        'protected': namespace.protected,
        'created_at': namespace.created_at,
        'updated_at': namespace.updated_at,
    }


def _document(text: str | None) -> dict[str, Any]:
    found = json.loads(text) if text else None
    return found if isinstance(found, dict) else {}


def _text(document: dict[str, Any], what: str) -> str:
    return metadef.require_storable(json.dumps(document, ensure_ascii=False), what)


def _object(row: Any) -> metadef.Object:
    required = row.required.split(',') if row.required else []
    properties = _document(row.json_schema)
    return metadef.Object(row.name, row.description, required, properties, row.created_at, row.updated_at, row.id)


def _object_values(thing: metadef.Object) -> dict[str, Any]:
    return {
        'description': metadef.require_storable(thing.description, 'description') if thing.description else thing.description,
        'required': metadef.require_storable(','.join(thing.required), 'list of required names') if thing.required else None,
        'json_schema': _text(thing.properties or {}, 'list of properties'),
    }


def _property(row: Any) -> metadef.Property:
    return metadef.Property(row.name, _document(row.json_schema), row.created_at, row.updated_at, row.id)


def _property_values(thing: metadef.Property) -> dict[str, Any]:
    return {'json_schema': _text(thing.schema, f'definition of property {thing.name!r}')}


def _tag(row: Any) -> metadef.Tag:
    return metadef.Tag(row.name, row.created_at, row.updated_at, row.id)


def _tag_values(thing: metadef.Tag) -> dict[str, Any]:
    return {}


OBJECTS = Kind('object', tables.objects, _object, _object_values)
PROPERTIES = Kind('property', tables.properties, _property, _property_values)
TAGS = Kind('tag', tables.tags, _tag, _tag_values)

#: What is read together, told apart by its number here. Objects come first, as they have all columns that there are.
_TOGETHER: tuple[Kind[Any], ...] = (OBJECTS, PROPERTIES, TAGS)
_COLUMNS = ('id', 'name', 'description', 'required', 'json_schema', 'created_at', 'updated_at')


def _part(number: int, table: sa.Table) -> sa.Select[Any]:
    columns = [table.c[name] if name in table.c else sa.null() for name in _COLUMNS]
    kind = sa.literal_column(str(number), sa.Integer()).label('kind')
    return sa.select(kind, *columns).where(table.c.namespace_id == sa.bindparam('namespace_id'))


#: One statement, because each costs more to send and receive than what is in it.
_CONTENTS = sa.union_all(*(_part(number, kind.table) for number, kind in enumerate(_TOGETHER)))


def read_contents(connection: sa.Connection, namespace: metadef.Namespace) -> None:
    """Give a namespace its objects, properties and tags, in the order in which they were added."""
    found: tuple[list[Any], ...] = ([], [], [])
    for row in sorted(connection.execute(_CONTENTS, {'namespace_id': namespace.id}).all(), key=_number):
        found[row.kind].append(_TOGETHER[row.kind].read(row))
    namespace.objects, namespace.properties, namespace.tags = found


def _number(row: Any) -> int:
    return int(row.id)
