# SPDX-License-Identifier: Apache-2.0
"""SQL that databases spell differently."""

from __future__ import annotations

from collections.abc import Sequence
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
def _mysql_epoch(element: db_epoch, compiler: Any, **kwargs: Any) -> str:
    return 'UNIX_TIMESTAMP()'


@compiler.compiles(db_epoch, 'postgresql')
def _postgresql_epoch(element: db_epoch, compiler: Any, **kwargs: Any) -> str:
    return 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)'


class _Exact(sa.sql.expression.ColumnElement[bool]):
    """A comparison of text that on MySQL must hold for the bytes as well.

    The plain comparison stays beside the exact one, so that an index on the column can be used.
    """

    inherit_cache = True
    type = sa.Boolean()
    _traverse_internals = [
        ('plain', sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ('bytewise', sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, plain: Any, bytewise: Any):
        self.plain = plain
        self.bytewise = bytewise

    def self_group(self, against: Any = None) -> Any:
        """Return itself: it needs no ``= 1``, which would hide it from indexes, on databases without booleans."""
        return self


def exactly(column: Any, value: Any) -> sa.ColumnElement[bool]:
    """Return whether text is equal code point by code point (D-11), whatever the collation of the column."""
    value = value if isinstance(value, sa.sql.expression.ClauseElement) else sa.literal(value, sa.String())
    return _Exact(column == value, sa.cast(column, sa.BINARY()) == sa.cast(value, sa.BINARY()))


def exactly_one_of(column: Any, values: Sequence[str]) -> sa.ColumnElement[bool]:
    """Return whether text is exactly equal to one of the values."""
    return _Exact(column.in_(values), sa.cast(column, sa.BINARY()).in_([value.encode() for value in values]))


@compiler.compiles(_Exact)
def _exact(element: _Exact, compiler: Any, **kwargs: Any) -> Any:
    return compiler.process(element.plain, **kwargs)


@compiler.compiles(_Exact, 'mysql')
def _exact_on_mysql(element: _Exact, compiler: Any, **kwargs: Any) -> str:
    return f'({compiler.process(element.plain, **kwargs)} AND {compiler.process(element.bytewise, **kwargs)})'
