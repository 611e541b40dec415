# SPDX-License-Identifier: Apache-2.0
"""Changing a schema so that a step which was killed can be run again, and so that two programs do not do it at once.

Not every database rolls back DDL: a table may exist without its indexes.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from glance_clone.db.migrations.lineage import SchemaError

#: Seconds to wait for another program that changes the schema.
_PATIENCE = 600
_LOCK_NUMBER = 0x676C616E6365


def create_missing(connection: sa.Connection, tables: Sequence[sa.Table]) -> None:
    """Create those tables, and indexes of them, that are not there yet."""
    for table in tables:
        table.create(connection, checkfirst=True)
        present = {index['name'] for index in sa.inspect(connection).get_indexes(table.name)}
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in present:
                index.create(connection)


def create_missing_indexes(connection: sa.Connection, indexes: Mapping[str, tuple[str, str]]) -> None:
    """Create those indexes that are not there yet.

    :param indexes: table and columns, in SQL, by the name of the index
    """
    for table in sorted({table for table, _ in indexes.values()}):
        present = {index['name'] for index in sa.inspect(connection).get_indexes(table)}
        for name, (of, columns) in indexes.items():
            if of == table and name not in present:
                connection.exec_driver_sql(f'CREATE INDEX {name} ON {table} ({columns})')


def drop_index(connection: sa.Connection, name: str, table: str) -> None:
    """Drop an index if it is there."""
    if name in {index['name'] for index in sa.inspect(connection).get_indexes(table)}:
        op.drop_index(name, table)


def add_missing_columns(connection: sa.Connection, columns: Sequence[sa.Column[Any]]) -> None:
    """Add those columns to their tables that are not there yet."""
    for column in columns:
        present = {found['name'] for found in sa.inspect(connection).get_columns(column.table.name)}
        if column.name not in present:
            op.add_column(column.table.name, column.copy())


def keep_others_out(connection: sa.Connection) -> None:
    """Let no other program change the schema until the transaction is over; transactions do that by themselves on SQLite.

    :raises SchemaError: another program has been at it for too long
    """
    if connection.dialect.name == 'postgresql':
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_NUMBER)))
    elif connection.dialect.name == 'mysql':
        # Such a lock ends with its session and not with a transaction. Apart from the pool the session ends after the commit.
        connection.detach()
        name = sa.func.left(sa.func.concat('glance_clone_schema.', sa.func.database()), 64)
        if connection.execute(sa.select(sa.func.get_lock(name, _PATIENCE))).scalar() != 1:
            raise SchemaError('Another program is changing the schema; try again when it has ended.')
