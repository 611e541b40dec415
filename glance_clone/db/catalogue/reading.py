# SPDX-License-Identifier: Apache-2.0
"""Get the whole catalogue out of the database, or out of the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import sqlalchemy as sa

from glance_clone.db import models
from glance_clone.db.catalogue.document import Document
from glance_clone.db.catalogue.document import Row
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable

_tables = models.metadef
_namespaces = _tables.namespaces
_types = _tables.resource_types
_associations = _tables.namespace_resource_types

#: What refers to others comes before these.
_ALL = (_tables.tags, _tables.objects, _tables.properties, _associations, _namespaces, _types)


@repeatable
def read_all(database: Database) -> list[Document]:
    """Return every namespace with everything in it, as of one moment, oldest first, in five statements."""
    with database.read() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(_namespaces).order_by(_namespaces.c.id)).mappings()]
        associations = _children(connection, _association_query())
        properties = _children(connection, _query(_tables.properties, 'name', 'json_schema'))
        objects = _children(connection, _query(_tables.objects, 'name', 'description', 'required', 'json_schema'))
        tags = _children(connection, _query(_tables.tags, 'name'))
    return [Document(row, associations[row['id']], properties[row['id']], objects[row['id']], tags[row['id']]) for row in rows]


@repeatable
def remove_all(database: Database) -> Mapping[str, int]:
    """Delete every namespace with everything in it, and all resource types; return the number of rows by table."""
    with database.write() as connection:
        return {table.name: connection.execute(sa.delete(table)).rowcount for table in _ALL}


def _query(table: sa.Table, *columns: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(table.c.namespace_id, *(table.c[name] for name in columns)).order_by(table.c.id)


def _association_query() -> sa.Select[tuple[object, ...]]:
    columns = (_associations.c.namespace_id, _types.c.name, _associations.c.prefix, _associations.c.properties_target)
    join = _associations.join(_types, _types.c.id == _associations.c.resource_type_id)
    return sa.select(*columns).select_from(join).order_by(_types.c.id)


def _children(connection: sa.Connection, query: sa.Select[tuple[object, ...]]) -> Mapping[int, list[Row]]:
    """Return rows by the namespace that they belong to."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        values = dict(row)
        found[values.pop('namespace_id')].append(values)
    return found
