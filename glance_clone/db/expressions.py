# SPDX-License-Identifier: Apache-2.0
"""SQL that databases spell differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext import compiler
from sqlalchemy.sql import functions

#: Characters of a long text that the index on its beginning has.
INDEXED_LENGTH = 64


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


def exactly_one_of_those(column: Any, name: str) -> sa.ColumnElement[bool]:
    """Return whether text is exactly equal to one of the values that a parameter has.

    :param name: of the parameter; the values are also wanted as bytes, under the name with ``_bytes``
    """
    values: sa.BindParameter[str] = sa.bindparam(name, expanding=True, type_=sa.String())
    in_bytes: sa.BindParameter[bytes] = sa.bindparam(f'{name}_bytes', expanding=True, type_=sa.LargeBinary())
    return _Exact(column.in_(values), sa.cast(column, sa.BINARY()).in_(in_bytes))


@compiler.compiles(_Exact)
def _exact(element: _Exact, compiler: Any, **kwargs: Any) -> Any:
    return compiler.process(element.plain, **kwargs)


@compiler.compiles(_Exact, 'mysql')
def _exact_on_mysql(element: _Exact, compiler: Any, **kwargs: Any) -> str:
    return f'({compiler.process(element.plain, **kwargs)} AND {compiler.process(element.bytewise, **kwargs)})'


def exactly_and_indexed(column: Any, value: Any) -> sa.ColumnElement[bool]:
    """Return whether text of any length is exactly equal, so that the index on its beginning can be used."""
    beginning = sa.func.substr(column, 1, INDEXED_LENGTH) == sa.func.substr(value, 1, INDEXED_LENGTH)
    return _Beginning(exactly(column, value), beginning)


def found_by_index(compared: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return a comparison by :func:`exactly_and_indexed` as far as the index knows; for counting, as some more may be equal."""
    return _OnlyBeginning(compared.whole, compared.beginning) if isinstance(compared, _Beginning) else compared


class _Beginning(sa.sql.expression.ColumnElement[bool]):
    """A comparison of text, on PostgreSQL beside one of its indexed beginning."""

    inherit_cache = True
    type = sa.Boolean()
    _traverse_internals = [
        ('whole', sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ('beginning', sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, whole: Any, beginning: Any):
        self.whole = whole
        self.beginning = beginning

    def self_group(self, against: Any = None) -> Any:
        """Return itself; see :class:`_Exact`."""
        return self


class _OnlyBeginning(_Beginning):
    """A comparison of the indexed beginning of text on PostgreSQL, and of all of it elsewhere."""

    inherit_cache = True


@compiler.compiles(_OnlyBeginning, 'postgresql')
def _only_beginning_on_postgresql(element: _OnlyBeginning, compiler: Any, **kwargs: Any) -> Any:
    return compiler.process(element.beginning, **kwargs)


@compiler.compiles(_OnlyBeginning)
@compiler.compiles(_Beginning)
def _beginning(element: _Beginning, compiler: Any, **kwargs: Any) -> Any:
    return compiler.process(element.whole, **kwargs)


@compiler.compiles(_Beginning, 'postgresql')
def _beginning_on_postgresql(element: _Beginning, compiler: Any, **kwargs: Any) -> str:
    return f'({compiler.process(element.beginning, **kwargs)} AND {compiler.process(element.whole, **kwargs)})'


class _Sorted(sa.sql.expression.ColumnElement[Any]):
    """A key of an order in which NULL comes before all values, or after them where it is reversed."""

    inherit_cache = True
    _traverse_internals = [
        ('key', sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ('nulls', sa.sql.visitors.InternalTraversal.dp_string),
    ]

    def __init__(self, key: Any, nulls: str):
        self.key = key
        self.nulls = nulls


def null_first(column: Any, direction: str) -> Any:
    """Return a column as a key of an ORDER BY in which NULL is the smallest value, on every database."""
    key = column.desc() if direction == 'desc' else column.asc()
    return _Sorted(key, 'LAST' if direction == 'desc' else 'FIRST')


@compiler.compiles(_Sorted)
def _sorted(element: _Sorted, compiler: Any, **kwargs: Any) -> Any:
    return compiler.process(element.key, **kwargs)


@compiler.compiles(_Sorted, 'postgresql')
def _sorted_on_postgresql(element: _Sorted, compiler: Any, **kwargs: Any) -> str:
    return f'{compiler.process(element.key, **kwargs)} NULLS {element.nulls}'


class _RowByRow(sa.sql.expression.ColumnElement[bool]):
    """A comparison of several columns at once, which PostgreSQL and SQLite find in an index as such."""

    inherit_cache = True
    type = sa.Boolean()
    _traverse_internals = [
        ('stepwise', sa.sql.visitors.InternalTraversal.dp_clauseelement),
        ('at_once', sa.sql.visitors.InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, stepwise: Any, at_once: Any):
        self.stepwise = stepwise
        self.at_once = at_once

    def self_group(self, against: Any = None) -> Any:
        """Return itself; see :class:`_Exact`."""
        return self


def row_by_row(stepwise: sa.ColumnElement[bool], at_once: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return a comparison of several columns in the form in which a database finds its rows in an index.

    :param stepwise: column by column
    :param at_once: the same as a comparison of tuples
    """
    return _RowByRow(stepwise, at_once)


@compiler.compiles(_RowByRow)
def _row_by_row(element: _RowByRow, compiler: Any, **kwargs: Any) -> Any:
    return f'({compiler.process(element.stepwise, **kwargs)})'


@compiler.compiles(_RowByRow, 'postgresql')
@compiler.compiles(_RowByRow, 'sqlite')
def _row_by_row_at_once(element: _RowByRow, compiler: Any, **kwargs: Any) -> Any:
    return f'({compiler.process(element.at_once, **kwargs)})'
