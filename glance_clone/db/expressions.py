# SPDX-License-Identifier: Apache-2.0
"""SQL that databases spell differently."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext import compiler
from sqlalchemy.sql import functions


class db_epoch(functions.FunctionElement[int]):
    """Seconds since 1970 by the clock of the database, the one clock that all nodes share."""

    type = sa.BigInteger()
    inherit_cache = True


@compiler.compiles(db_epoch, 'sqlite')
def _sqlite_epoch(element: db_epoch, compiler: Any, **kwargs: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiler.compiles(db_epoch, 'mysql')
@compiler.compiles(db_epoch, 'mariadb')
def _mysql_epoch(element: db_epoch, compiler: Any, **kwargs: Any) -> str:
    return 'UNIX_TIMESTAMP()'


@compiler.compiles(db_epoch, 'postgresql')
def _postgresql_epoch(element: db_epoch, compiler: Any, **kwargs: Any) -> str:
    return 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)'


class exactly(sa.sql.expression.ColumnElement[bool]):
    """Equality of text code point by code point (D-11), whatever the collation of the column.

    The plain comparison stays beside the exact one, so that an index on the column can be used.
    """

    inherit_cache = True
    type = sa.Boolean()
    _traverse_internals = [
        ('column', sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ('value', sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: Any, value: Any):
        self.column = column
        self.value = value if isinstance(value, sa.sql.expression.ClauseElement) else sa.bindparam(None, value, unique=True)


@compiler.compiles(exactly)
def _exactly(element: exactly, compiler: Any, **kwargs: Any) -> str:
    return f'{compiler.process(element.column, **kwargs)} = {compiler.process(element.value, **kwargs)}'


@compiler.compiles(exactly, 'mysql')
@compiler.compiles(exactly, 'mariadb')
def _exactly_on_mysql(element: exactly, compiler: Any, **kwargs: Any) -> str:
    column = compiler.process(element.column, **kwargs)
    value = compiler.process(element.value, **kwargs)
    return f'({column} = {value} AND CAST({column} AS BINARY) = CAST({value} AS BINARY))'
