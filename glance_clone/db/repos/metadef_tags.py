# SPDX-License-Identifier: Apache-2.0
"""Metadata definition tags on SQL."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db import pagination
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.models import metadef as tables
from glance_clone.db.repos import metadef_locks as locks
from glance_clone.db.repos import metadef_rows
from glance_clone.db.repos.metadef_definitions import Definitions
from glance_clone.db.repos.metadef_definitions import stamp
from glance_clone.db.spelling import alike
from glance_clone.domain import errors
from glance_clone.domain.metadef import ListQuery
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import Tag
from glance_clone.domain.metadef import could_be_name
from glance_clone.domain.metadef import require_distinct_tags

_table = tables.tags


class MetadefTagRepository(Definitions[Tag]):
    """See :class:`glance_clone.domain.metadef_ports.MetadefTagRepository`."""

    kind = metadef_rows.TAGS

    def add_all(self, namespace: Namespace, new: list[Tag], append: bool) -> None:
        """Store tags, all or none."""
        require_distinct_tags(new)
        stamp(new, self._database.now())
        if new:
            self._add_all(namespace, new, append)

    @retried
    def _add_all(self, namespace: Namespace, new: list[Tag], append: bool, again: bool = False) -> None:
        rows = [self.kind.values(tag, namespace.id) for tag in new]
        try:
            with self._database.write() as connection:
                locks.hold(connection, namespace)
                if not append:
                    connection.execute(sa.delete(_table).where(_table.c.namespace_id == namespace.id))
                connection.execute(sa.insert(_table), rows)
        except db_exc.DBDuplicateEntry:
            there = self._made(namespace) if append else {}
            if not (again and all(there.get(tag.name) == tag.created_at for tag in new)):
                raise _clash([tag.name for tag in new], there) from None

    def _made(self, namespace: Namespace) -> dict[str, datetime.datetime]:
        """Return when the tags of a namespace were made."""
        statement = sa.select(_table.c.name, _table.c.created_at).where(_table.c.namespace_id == namespace.id)
        with self._database.read() as connection:
            return {row.name: row.created_at for row in connection.execute(statement)}

    @repeatable
    def list(self, namespace: Namespace, query: ListQuery) -> list[Tag]:
        """Return a page of the tags of a namespace."""
        order = pagination.without_ties([(query.sort_key, query.sort_dir)], query.sort_dir)
        statement = self.kind.in_namespace(namespace.id).order_by(*pagination.order_by(order, _table)).limit(query.limit)
        parameters: dict[str, Any] = {}
        with self._database.read() as connection:
            if query.marker is not None:
                marker = self._marker(connection, namespace, query.marker)
                statement = statement.where(pagination.after(order, pagination.nulls_of(order, marker), _table))
                parameters = pagination.place(order, marker)
            return [self.kind.read(row) for row in connection.execute(statement, parameters)]

    def _marker(self, connection: sa.Connection, namespace: Namespace, name: str) -> Any:
        row = connection.execute(self.kind.named(namespace.id, name)).first() if could_be_name(name) else None
        if row is None:
            raise errors.DefinitionNotFound(self.kind.word, name)
        return row


def _clash(names: list[str], there: Collection[str]) -> errors.Conflict:
    """Return the error for tags of which the database says that they are not all different."""
    for name in names:
        if name in there:
            return errors.DuplicateName('tag', name, name)
    same = ', '.join(repr(name) for name in alike({*names, *there})) or 'some of these'
    return errors.Conflict(f'The database cannot tell these names of tags apart: {same}. Choose others.')
