# SPDX-License-Identifier: Apache-2.0
"""Which images a list shows, as SQL: visibility, filters, tags, properties."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import sqlalchemy as sa

from glance_clone.db.expressions import exactly
from glance_clone.db.expressions import exactly_one_of
from glance_clone.db.models import image as tables
from glance_clone.domain import image as domain
from glance_clone.domain import query as q
from glance_clone.domain.caller import Caller
from glance_clone.domain.query import Condition
from glance_clone.domain.query import ImageQuery

Clause = sa.ColumnElement[bool]

_columns = tables.images.c
_NEVER_LISTED = (domain.KILLED, domain.PENDING_DELETE, domain.DELETED)
_OPERATORS = {
    q.EQ: operator.eq,
    q.NEQ: operator.ne,
    q.GT: operator.gt,
    q.GTE: operator.ge,
    q.LT: operator.lt,
    q.LTE: operator.le,
}

#: The caller's project; every statement here takes it as a parameter. No project has the empty name.
PROJECT = sa.bindparam('project', type_=sa.String())
WITHOUT_PROJECT = ''


class Scope(NamedTuple):
    """What of a query and its caller, the project apart, decides which images can be in a list at all."""

    is_admin: bool
    has_project: bool
    os_hidden: bool
    visibility: str | None
    member_status: str

    @classmethod
    def of(cls, query: ImageQuery, caller: Caller) -> Scope:
        """Return the scope of a query."""
        return cls(caller.is_admin, bool(caller.project_id), query.os_hidden, query.visibility, query.member_status)

    @property
    def is_broad(self) -> bool:
        """Whether many images are of this scope, whoever asks."""
        return self.visibility not in (domain.PRIVATE, domain.SHARED) and not self.os_hidden

    def clauses(self) -> Iterator[Clause]:
        """Yield what must hold for an image of this scope."""
        yield _columns.deleted == sa.false()
        for status in _NEVER_LISTED:
            yield _columns.status != status
        yield _columns.os_hidden == (sa.true() if self.os_hidden else sa.false())
        if self.visibility not in (None, *domain.VISIBILITIES, 'all'):
            yield sa.false()
        elif not self.is_admin:
            yield self._visible()
        elif self.visibility is None:
            yield sa.or_(_columns.visibility != domain.COMMUNITY, self._own())
        elif self.visibility != 'all':
            yield _columns.visibility == self.visibility

    def _visible(self) -> Clause:
        wanted = self.visibility
        shared = sa.and_(_columns.visibility == domain.SHARED, self._shared())
        if wanted == domain.PRIVATE:
            return sa.and_(_columns.visibility == domain.PRIVATE, self._own())
        if wanted == domain.SHARED:
            return sa.and_(_columns.visibility == domain.SHARED, sa.or_(self._own(), shared))
        if wanted in (domain.PUBLIC, domain.COMMUNITY):
            return _columns.visibility == wanted
        open_to_all = [domain.PUBLIC, domain.COMMUNITY] if wanted == 'all' else [domain.PUBLIC]
        return sa.or_(*(_columns.visibility == visibility for visibility in open_to_all), self._own(), shared)

    def _own(self) -> Clause:
        return exactly(_columns.owner, PROJECT) if self.has_project else sa.false()

    def _shared(self) -> Clause:
        if not self.has_project:
            return sa.false()
        members = tables.members.c
        more = [] if self.member_status == 'all' else [members.status == self.member_status]
        return _has(tables.members, exactly(members.member, PROJECT), *more)


def conditions(query: ImageQuery) -> Iterator[Clause]:
    """Yield what a query asks for beyond its scope."""
    for condition in query.conditions:
        yield _compared(condition)
    for tag in query.tags:
        yield _has(tables.tags, exactly(tables.tags.c.value, tag))
    for name, value in query.properties.items():
        properties = tables.properties.c
        yield _has(tables.properties, exactly(properties.name, name), exactly(properties.value, value))


def _has(table: sa.Table, *conditions: Clause) -> Clause:
    return sa.exists().where(table.c.image_id == _columns.id, table.c.deleted == sa.false(), *conditions)


def _compared(condition: Condition) -> Clause:
    column: Any = _columns[condition.attribute]
    is_text = isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)
    if condition.op == q.IN:
        return exactly_one_of(column, condition.value)
    if condition.op == q.EQ and is_text:
        return exactly(column, condition.value)
    value = condition.value
    if isinstance(column.type, sa.Integer):
        # Any 64-bit number can be asked for, also of a column with 32.
        value = sa.literal(value, sa.BigInteger())
    clause: Clause = _OPERATORS[condition.op](column, value)
    return clause
