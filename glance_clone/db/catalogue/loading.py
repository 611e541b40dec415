# SPDX-License-Identifier: Apache-2.0
"""Bring documents into the database: one transaction, and a bounded number of statements, for each namespace."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db import models
from glance_clone.db.catalogue.document import DEFAULT_OWNER
from glance_clone.db.catalogue.document import Document
from glance_clone.db.catalogue.document import Row
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.domain import errors

_tables = models.metadef
_namespaces = _tables.namespaces
_types = _tables.resource_types
_associations = _tables.namespace_resource_types


class Mode(enum.Enum):
    """What becomes of a namespace that is in the database already."""

    SKIP = 'leave it as it is'
    MERGE = 'add what it does not have'
    PREFER_NEW = 'add what it does not have and update what it has; keep what the document does not name'
    OVERWRITE = 'remove it and everything in it, then add the document'


class Outcome(enum.Enum):
    """What was done with a namespace."""

    ADDED = 'added'
    SKIPPED = 'there already'
    MERGED = 'merged'
    UPDATED = 'updated'
    REPLACED = 'replaced'


_OUTCOMES = {
    Mode.SKIP: Outcome.SKIPPED,
    Mode.MERGE: Outcome.MERGED,
    Mode.PREFER_NEW: Outcome.UPDATED,
    Mode.OVERWRITE: Outcome.REPLACED,
}


@repeatable
def load(database: Database, document: Document, mode: Mode = Mode.SKIP) -> Outcome:
    """Bring a namespace with everything in it into the database, or nothing of it.

    :raises Conflict: a name differs from one that is there by nothing that the database tells apart
    :raises Invalid: a value is longer than the database can keep
    """
    try:
        with database.write() as connection:
            return _Load(connection, document, database.now()).run(mode)
    except db_exc.DBDuplicateEntry:
        raise errors.Conflict(
            'The database already has one of its names in another spelling, or somebody adds the same names right now.'
        ) from None


class _Load:
    """One document on its way into the database."""

    def __init__(self, connection: sa.Connection, document: Document, now: datetime.datetime):
        self._connection = connection
        self._document = document
        self._now = now

    def run(self, mode: Mode) -> Outcome:
        present = self._find()
        if present is not None and mode is not Mode.SKIP:
            self._hold(present)
        if present is not None and mode is Mode.OVERWRITE:
            remove(self._connection, present)
        if present is None or mode is Mode.OVERWRITE:
            self._fill(self._insert(), update=False)
        elif mode is not Mode.SKIP:
            if mode is Mode.PREFER_NEW:
                self._update(present)
            self._fill(present, update=mode is Mode.PREFER_NEW)
        return Outcome.ADDED if present is None else _OUTCOMES[mode]

    def _find(self) -> int | None:
        """Return the id of the namespace in the database.

        :raises Conflict: one is there whose name is the same to the database only
        """
        name = self._document.name
        query = sa.select(_namespaces.c.id, _namespaces.c.namespace).where(_namespaces.c.namespace == name)
        row = self._connection.execute(query).first()
        if row is not None and row.namespace != name:
            raise errors.Conflict(f'The database cannot tell the name from {row.namespace}, which it has already.')
        return None if row is None else int(row.id)

    def _hold(self, namespace_id: int) -> None:
        """Keep others from changing the namespace and what it contains, by writing to its row, until all is done.

        :raises Conflict: it was removed meanwhile
        """
        touch = sa.update(_namespaces).where(_namespaces.c.id == namespace_id).values(owner=_namespaces.c.owner)
        if self._connection.execute(touch).rowcount != 1:
            raise errors.Conflict(f'Somebody removed namespace {self._document.name} at the same time; load it again.')

    def _insert(self) -> int:
        values = {**self._document.namespace, 'owner': self._document.namespace['owner'] or DEFAULT_OWNER}
        statement = sa.insert(_namespaces).values(**values, created_at=self._now)
        return int(self._connection.execute(statement).inserted_primary_key[0])

    def _update(self, namespace_id: int) -> None:
        """Give the namespace the values of the document; it keeps its owner if the document names none."""
        values = {**self._document.namespace, 'updated_at': self._now}
        if values['owner'] is None:
            del values['owner']
        self._connection.execute(sa.update(_namespaces).where(_namespaces.c.id == namespace_id).values(**values))

    def _fill(self, namespace_id: int, update: bool) -> None:
        for table, rows in (
            (_tables.properties, self._document.properties),
            (_tables.objects, self._document.objects),
            (_tables.tags, self._document.tags),
        ):
            self._children(table, 'name', namespace_id, rows, update)
        types = self._resource_types()
        rows = [{'resource_type_id': types[row['name']], **_but_name(row)} for row in self._document.associations]
        self._children(_associations, 'resource_type_id', namespace_id, rows, update)

    def _children(self, table: sa.Table, key: str, namespace_id: int, rows: Sequence[Row], update: bool) -> None:
        """Add rows whose key the namespace does not have; update the others if asked to."""
        if not rows:
            return
        query = sa.select(table.c[key]).where(table.c.namespace_id == namespace_id)
        present = set(self._connection.execute(query).scalars())
        stamps: dict[str, Any] = {'namespace_id': namespace_id, 'created_at': self._now}
        added = [{**row, **stamps} for row in rows if row[key] not in present]
        if added:
            self._connection.execute(sa.insert(table), added)
        changed = [{**row, 'wanted': row[key], 'updated_at': self._now} for row in rows if row[key] in present]
        if changed and update:
            same = (table.c.namespace_id == namespace_id, table.c[key] == sa.bindparam('wanted'))
            self._connection.execute(sa.update(table).where(*same), changed)

    def _resource_types(self) -> dict[str, int]:
        """Return the ids of the resource types that the document names; those that are new are made."""
        names = [row['name'] for row in self._document.associations]
        if not names:
            return {}
        query = sa.select(_types.c.name, _types.c.id).where(_types.c.name.in_(names))
        present = {row.name for row in self._connection.execute(query)}
        added = [{'name': name, 'protected': True, 'created_at': self._now} for name in names if name not in present]
        if added:
            self._connection.execute(sa.insert(_types), added)
        return {row.name: row.id for row in self._connection.execute(query)}


def _but_name(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != 'name'}


def remove(connection: sa.Connection, namespace_id: int) -> None:
    """Delete a namespace and everything in it; resource types stay."""
    for table in (_tables.tags, _tables.objects, _tables.properties, _associations):
        connection.execute(sa.delete(table).where(table.c.namespace_id == namespace_id))
    connection.execute(sa.delete(_namespaces).where(_namespaces.c.id == namespace_id))
