# SPDX-License-Identifier: Apache-2.0
"""Columns and table options that most tables share."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()
own_metadata = sa.MetaData()

#: 64-bit ids; SQLite numbers only INTEGER keys by itself.
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def timestamps() -> list[sa.Column[Any]]:
    """Return when a row was created and changed; UTC without time zone."""
    return [
        sa.Column('created_at', sa.DateTime(), nullable=False),
        sa.Column('updated_at', sa.DateTime()),
    ]


def deletion(checked: bool = True) -> list[sa.Column[Any]]:
    """Return the columns of soft deletion.

    :param checked: whether databases without booleans check that the flag is one
    """
    return [
        sa.Column('deleted_at', sa.DateTime()),
        sa.Column('deleted', sa.Boolean(create_constraint=checked), nullable=False),
    ]


def table(name: str, *parts: Any, of: sa.MetaData = metadata) -> sa.Table:
    """Return a table with the storage options that the databases need."""
    return sa.Table(name, of, *parts, mysql_engine='InnoDB', mysql_charset='utf8')
