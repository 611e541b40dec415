# SPDX-License-Identifier: Apache-2.0
"""Metadata definition namespaces on SQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db import pagination
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.expressions import exactly
from glance_clone.db.expressions import exactly_one_of
from glance_clone.db.models import metadef as tables
from glance_clone.db.repos import metadef_locks as locks
from glance_clone.db.repos import metadef_resource_types as resource_types
from glance_clone.db.repos import metadef_rows as rows
from glance_clone.db.repos.metadef_definitions import stamp
from glance_clone.db.spelling import alike
from glance_clone.domain import errors
from glance_clone.domain import metadef
from glance_clone.domain.caller import Caller
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import NamespaceQuery

_table = tables.namespaces
_columns = tables.namespaces.c
_ONE = rows.SELECT_NAMESPACES.where(exactly(_columns.namespace, sa.bindparam('wanted', type_=sa.String())))
_CONTENTS = (tables.tags, tables.objects, tables.properties, tables.namespace_resource_types)


class NamespaceRepository:
    """See :class:`glance_clone.domain.metadef_ports.NamespaceRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def get(self, name: str, caller: Caller) -> Namespace:
        """Return a namespace that the caller may see."""
        with self._database.read() as connection:
            return _find(connection, name, caller)

    @repeatable
    def whole(self, name: str, caller: Caller) -> Namespace:
        """Return a namespace and what it contains."""
        with self._database.read() as connection:
            found = _find(connection, name, caller)
            found.associations = resource_types.of_namespaces(connection, [found.id]).get(found.id, [])
            rows.read_contents(connection, found)
            return found

    @repeatable
    def list(self, query: NamespaceQuery, caller: Caller) -> list[Namespace]:
        """Return a page of the namespaces that the caller may see."""
        order = pagination.without_ties([(query.sort_key, query.sort_dir)], query.sort_dir)
        statement = rows.SELECT_NAMESPACES.where(*_conditions(query, caller))
        statement = statement.order_by(*pagination.order_by(order, _table)).limit(query.limit)
        parameters: dict[str, Any] = {}
        with self._database.read() as connection:
            if query.marker is not None:
                marker = _row(connection, query.marker, caller)
                statement = statement.where(pagination.after(order, pagination.nulls_of(order, marker), _table))
                parameters = pagination.place(order, marker)
            found = [rows.namespace(row) for row in connection.execute(statement, parameters)]
            associations = resource_types.of_namespaces(connection, [one.id for one in found]) if found else {}
        for one in found:
            one.associations = associations.get(one.id, [])
        return found

    def add(self, namespace: Namespace) -> None:
        """Store a new namespace and everything in it."""
        namespace.require_distinct_names()
        now = self._database.now()
        namespace.created_at = namespace.updated_at = now
        for association in namespace.associations:
            association.created_at = association.updated_at = now
        stamp(namespace.properties, now)
        stamp(namespace.objects, now)
        stamp(namespace.tags, now)
        namespace.id = self._add(namespace)

    @retried
    def _add(self, namespace: Namespace, again: bool = False) -> int:
        for _ in range(resource_types.TRIES):
            try:
                with self._database.write() as connection:
                    return insert(connection, namespace)
            except db_exc.DBDuplicateEntry:
                there = self._namesake(namespace.name)
                if again and there and (there.namespace, there.created_at) == (namespace.name, namespace.created_at):
                    return int(there.id)
                self._explain(namespace, there)
        raise errors.Conflict(f'Somebody else is changing what namespace {namespace.name!r} applies to; try again.')

    def _explain(self, namespace: Namespace, there: Any) -> None:
        """Find out why a namespace cannot be added; return if another try may succeed.

        :param there: the row that has the name, None if none has
        :raises DuplicateName: the name is taken
        :raises Conflict: the database cannot tell some of its names apart
        """
        if there is not None:
            raise errors.DuplicateName('namespace', namespace.name, there.namespace)
        with self._database.read() as connection:
            resource_types.require_tellable(connection, [association.name for association in namespace.associations])
        for things in (namespace.associations, namespace.properties, namespace.objects, namespace.tags):
            same = alike(thing.name for thing in things)
            if same:
                names = ', '.join(repr(name) for name in same)
                raise errors.Conflict(f'The database cannot tell these names apart: {names}. Choose others.')

    def replace(self, old: Namespace, new: Namespace) -> None:
        """Store other attributes."""
        new.id, new.created_at, new.updated_at = old.id, old.created_at, self._database.now()
        self._replace(old, new)

    @retried
    def _replace(self, old: Namespace, new: Namespace, again: bool = False) -> None:
        names = (old.name, new.name) if again else (old.name,)
        is_it = (_columns.id == old.id, sa.or_(*(exactly(_columns.namespace, name) for name in names)))
        update = sa.update(_table).where(*is_it).values(**rows.namespace_values(new))
        try:
            with self._database.write() as connection:
                found = connection.execute(update).rowcount
        except db_exc.DBDuplicateEntry:
            there = self._namesake(new.name)
            raise errors.DuplicateName('namespace', new.name, there.namespace if there else new.name) from None
        if not found:
            raise errors.NamespaceNotFound(old.name)

    @retried
    def remove(self, namespace: Namespace, again: bool = False) -> None:
        """Remove a namespace and everything in it."""
        try:
            with self._database.write() as connection:
                locks.hold_for_removal(connection, namespace)
                for table in _CONTENTS:
                    connection.execute(sa.delete(table).where(table.c.namespace_id == namespace.id))
                connection.execute(sa.delete(_table).where(_columns.id == namespace.id))
        except errors.NamespaceNotFound:
            if not again:
                raise
        except db_exc.DBReferenceError:
            # Only what other software adds meanwhile gets past the lock.
            raise errors.Conflict(f'Somebody is adding to namespace {namespace.name!r}; try again.') from None

    def _namesake(self, name: str) -> Any:
        """Return the row that the database takes for the one of this name, None if there is none."""
        with self._database.read() as connection:
            return connection.execute(rows.SELECT_NAMESPACES.where(_columns.namespace == name)).first()


def insert(connection: sa.Connection, namespace: Namespace) -> int:
    """Insert a namespace and everything in it, all with their times set; return its row number.

    Raises oslo.db's DBDuplicateEntry if a name is taken.

    :raises Invalid: a definition is too long
    """
    row = connection.execute(sa.insert(_table).values(**rows.namespace_values(namespace)))
    number: int = row.inserted_primary_key[0]
    resource_types.insert(connection, number, namespace.associations)
    _insert_all(connection, rows.PROPERTIES, namespace.properties, number)
    _insert_all(connection, rows.OBJECTS, namespace.objects, number)
    _insert_all(connection, rows.TAGS, namespace.tags, number)
    return number


def _insert_all(connection: sa.Connection, kind: rows.Kind[rows.T], things: list[rows.T], number: int) -> None:
    if things:
        connection.execute(sa.insert(kind.table), [kind.values(thing, number) for thing in things])


def _find(connection: sa.Connection, name: str, caller: Caller) -> Namespace:
    return rows.namespace(_row(connection, name, caller))


def _row(connection: sa.Connection, name: str, caller: Caller) -> Any:
    """Return the row of a namespace that the caller may see.

    :raises NamespaceNotFound: there is none
    """
    row = None
    if metadef.could_be_name(name):
        row = connection.execute(_ONE, {'wanted': name}).first()
    if row is None or not rows.namespace(row).is_visible_to(caller):
        raise errors.NamespaceNotFound(name)
    return row


def _conditions(query: NamespaceQuery, caller: Caller) -> Iterator[sa.ColumnElement[bool]]:
    """Yield what must hold for a namespace of a list."""
    if not caller.is_admin:
        public = _columns.visibility == metadef.PUBLIC
        yield sa.or_(public, exactly(_columns.owner, caller.project_id)) if caller.project_id is not None else public
    if query.visibility is not None:
        known = query.visibility in metadef.VISIBILITIES
        yield _columns.visibility == query.visibility if known else sa.false()
    if query.resource_types is not None:
        yield _applies_to([name for name in query.resource_types if metadef.could_be_name(name)])


def _applies_to(names: list[str]) -> sa.ColumnElement[bool]:
    links, types = tables.namespace_resource_types, tables.resource_types
    link = sa.select(links.c.namespace_id).join_from(links, types).where(links.c.namespace_id == _columns.id)
    return link.where(exactly_one_of(types.c.name, names)).exists() if names else sa.false()
