# SPDX-License-Identifier: Apache-2.0
"""What repositories of objects, properties and tags have in common on SQL."""

from __future__ import annotations

import datetime
from typing import Any
from typing import Generic

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.expressions import exactly
from glance_clone.db.repos import metadef_locks as locks
from glance_clone.db.repos.metadef_rows import Kind
from glance_clone.db.repos.metadef_rows import T
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import could_be_name


class Definitions(Generic[T]):
    """See :class:`glance_clone.domain.metadef_ports.MetadefObjectRepository`.

    :cvar kind: what is kept here
    """

    kind: Kind[T]

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def get(self, namespace: Namespace, name: str) -> T:
        """Return one by its name."""
        row = None
        if could_be_name(name):
            with self._database.read() as connection:
                row = connection.execute(self.kind.named(namespace.id, name)).first()
        if row is None:
            raise errors.DefinitionNotFound(self.kind.word, name)
        return self.kind.read(row)

    def add(self, namespace: Namespace, new: T) -> None:
        """Store a new one."""
        new.created_at = new.updated_at = self._database.now()
        new.id = self._add(namespace, new)

    @retried
    def _add(self, namespace: Namespace, new: T, again: bool = False) -> int:
        values = self.kind.values(new, namespace.id)
        try:
            with self._database.write() as connection:
                locks.hold(connection, namespace)
                number: int = connection.execute(sa.insert(self.kind.table).values(**values)).inserted_primary_key[0]
                return number
        except db_exc.DBDuplicateEntry:
            taken = self._namesake(namespace, new.name)
            if again and (taken.name, taken.created_at) == (new.name, new.created_at):
                return int(taken.id)
            raise errors.DuplicateName(self.kind.word, new.name, taken.name) from None

    def replace(self, namespace: Namespace, old: T, new: T) -> None:
        """Store another one in the place of an old one."""
        new.id, new.created_at, new.updated_at = old.id, old.created_at, self._database.now()
        self._replace(namespace, old, new)

    @retried
    def _replace(self, namespace: Namespace, old: T, new: T, again: bool = False) -> None:
        columns = self.kind.table.c
        update = sa.update(self.kind.table).values(**self.kind.values(new, namespace.id))
        names = (old.name, new.name) if again else (old.name,)
        is_it = (columns.id == old.id, columns.namespace_id == namespace.id)
        try:
            with self._database.write() as connection:
                locks.hold(connection, namespace)
                found = connection.execute(update.where(*is_it, sa.or_(*(exactly(columns.name, name) for name in names))))
        except db_exc.DBDuplicateEntry:
            raise errors.DuplicateName(self.kind.word, new.name, self._namesake(namespace, new.name).name) from None
        if not found.rowcount:
            raise errors.DefinitionNotFound(self.kind.word, old.name)

    @retried
    def remove(self, namespace: Namespace, old: T, again: bool = False) -> None:
        """Remove one."""
        columns = self.kind.table.c
        is_it = (columns.id == old.id, columns.namespace_id == namespace.id, exactly(columns.name, old.name))
        with self._database.write() as connection:
            locks.hold_for_removal(connection, namespace)
            if not connection.execute(sa.delete(self.kind.table).where(*is_it)).rowcount and not again:
                raise errors.DefinitionNotFound(self.kind.word, old.name)

    @repeatable
    def clear(self, namespace: Namespace) -> None:
        """Remove all of a namespace."""
        with self._database.write() as connection:
            locks.hold_for_removal(connection, namespace)
            connection.execute(sa.delete(self.kind.table).where(self.kind.table.c.namespace_id == namespace.id))

    def _namesake(self, namespace: Namespace, name: str) -> Any:
        """Return the row with the name that the database takes for this one.

        :raises Conflict: it is gone again
        """
        columns = self.kind.table.c
        statement = sa.select(columns.name, columns.created_at, columns.id).where(columns.namespace_id == namespace.id)
        with self._database.read() as connection:
            row = connection.execute(statement.where(columns.name == name)).first()
        if row is None:
            raise errors.Conflict(f'Somebody else is changing the {self.kind.word} {name!r}; try again.')
        return row


def stamp(things: list[T], now: datetime.datetime) -> None:
    """Set when things were made."""
    for thing in things:
        thing.created_at = thing.updated_at = now
