# SPDX-License-Identifier: Apache-2.0
"""Resource types and associations on SQL."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.expressions import exactly
from glance_clone.db.expressions import exactly_one_of
from glance_clone.db.models import metadef as tables
from glance_clone.db.repos import metadef_locks as locks
from glance_clone.domain import errors
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import ResourceType
from glance_clone.domain.metadef import could_be_name
from glance_clone.domain.spelling import folded

_types = tables.resource_types.c
_links = tables.namespace_resource_types.c
_SELECT_TYPES = sa.select(_types.name, _types.protected, _types.created_at, _types.updated_at, _types.id)
_SELECT_LINKS = sa.select(
    _types.name,
    _links.prefix,
    _links.properties_target,
    _links.created_at,
    _links.updated_at,
    _types.id,
    _links.namespace_id,
).join_from(tables.namespace_resource_types, tables.resource_types)
_OF_NAMESPACES = _SELECT_LINKS.where(_links.namespace_id.in_(sa.bindparam('ids', expanding=True))).order_by(_types.id)
#: How often the making of a resource type may collide with somebody else who makes it.
TRIES = 3
_CHUNK = 5000


class ResourceTypeRepository:
    """See :class:`glance_clone.domain.metadef_ports.ResourceTypeRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def associations(self, namespace: Namespace) -> list[Association]:
        """Return what a namespace applies to."""
        with self._database.read() as connection:
            return of_namespaces(connection, [namespace.id]).get(namespace.id, [])

    @repeatable
    def association(self, namespace: Namespace, name: str) -> Association:
        """Return one association."""
        found = None
        if could_be_name(name):
            with self._database.read() as connection:
                found = _association(connection, namespace, exactly(_types.name, name))
        if found is None:
            raise errors.DefinitionNotFound('resource type association', name)
        return found

    def associate(self, namespace: Namespace, new: Association) -> None:
        """Make a namespace apply to a resource type."""
        new.created_at = new.updated_at = self._database.now()
        self._associate(namespace, new)

    @retried
    def _associate(self, namespace: Namespace, new: Association, again: bool = False) -> None:
        for _ in range(TRIES):
            try:
                with self._database.write() as connection:
                    locks.hold(connection, namespace)
                    insert(connection, namespace.id, [new])
            except db_exc.DBDuplicateEntry:
                if self._is_there(namespace, new, again):
                    return
            else:
                return
        raise errors.Conflict(f'Somebody else is changing the resource type {new.name!r}; try again.')

    def _is_there(self, namespace: Namespace, new: Association, again: bool) -> bool:
        """Tell whether an association that cannot be made is the one that this very call made.

        :raises DuplicateName: it is another one, or the database takes its resource type for another one
        """
        with self._database.read() as connection:
            there = _association(connection, namespace, _types.name == new.name)
            if there is None:
                require_tellable(connection, [new.name])
                return False
        if again and (there.name, there.created_at) == (new.name, new.created_at):
            return True
        raise errors.DuplicateName('resource type association', new.name, there.name)

    @retried
    def dissociate(self, namespace: Namespace, old: Association, again: bool = False) -> None:
        """Make a namespace apply to a resource type no longer."""
        is_it = (_links.namespace_id == namespace.id, _links.resource_type_id == old.id)
        with self._database.write() as connection:
            locks.hold_for_removal(connection, namespace)
            if not connection.execute(sa.delete(tables.namespace_resource_types).where(*is_it)).rowcount and not again:
                raise errors.DefinitionNotFound('resource type association', old.name)

    @repeatable
    def list(self) -> list[ResourceType]:
        """Return all resource types."""
        with self._database.read() as connection:
            return [ResourceType(*row) for row in connection.execute(_SELECT_TYPES.order_by(_types.id))]


def of_namespaces(connection: sa.Connection, ids: Iterable[int | None]) -> dict[int | None, list[Association]]:
    """Return the associations of some namespaces by the row numbers of these, in one statement."""
    found: dict[int | None, list[Association]] = {}
    for *values, namespace_id in connection.execute(_OF_NAMESPACES, {'ids': list(ids)}).all():
        found.setdefault(namespace_id, []).append(Association(*values))
    return found


def insert(connection: sa.Connection, namespace_id: int | None, associations: list[Association]) -> None:
    """Insert associations, and the resource types that are missing; set the ids.

    Raises oslo.db's DBDuplicateEntry if an association exists, if the database takes two resource types for one, or if
    somebody else is making the same resource type.
    """
    if not associations:
        return
    names = [association.name for association in associations]
    numbers = _numbers(connection, names)
    missing = [name for name in names if name not in numbers]
    if missing:
        _make(connection, missing, associations[0].created_at)
        numbers = _numbers(connection, names)
    for association in associations:
        association.id = numbers[association.name]
    rows = [_link(association, namespace_id) for association in associations]
    connection.execute(sa.insert(tables.namespace_resource_types), rows)


def require_tellable(connection: sa.Connection, names: list[str]) -> None:
    """Check that the database takes none of these resource types for one of another name.

    :raises DuplicateName: it does
    """
    exact, wanted = set(names), {folded(name): name for name in names}
    for chunk in _chunks(names):
        for taken in connection.execute(sa.select(_types.name).where(_types.name.in_(chunk))).scalars():
            if taken not in exact:
                raise errors.DuplicateName('resource type', wanted.get(folded(taken), names[0]), taken)


def _numbers(connection: sa.Connection, names: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for chunk in _chunks(names):
        statement = sa.select(_types.name, _types.id).where(exactly_one_of(_types.name, chunk))
        found.update((row.name, row.id) for row in connection.execute(statement))
    return found


def _chunks(names: list[str]) -> Iterator[list[str]]:
    """Yield the names in as many at a time as a statement may have parameters."""
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def _make(connection: sa.Connection, names: list[str], now: datetime.datetime | None) -> None:
    rows = [{'name': name, 'protected': False, 'created_at': now, 'updated_at': now} for name in names]
    connection.execute(sa.insert(tables.resource_types), rows)


def _link(association: Association, namespace_id: int | None) -> dict[str, Any]:
    return {
        'resource_type_id': association.id,
        'namespace_id': namespace_id,
        'prefix': association.prefix,
        'properties_target': association.properties_target,
        'created_at': association.created_at,
        'updated_at': association.updated_at,
    }


def _association(connection: sa.Connection, namespace: Namespace, is_it: sa.ColumnElement[bool]) -> Association | None:
    row = connection.execute(_SELECT_LINKS.where(_links.namespace_id == namespace.id, is_it)).first()
    return None if row is None else Association(*row[:-1])
