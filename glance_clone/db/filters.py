# SPDX-License-Identifier: Apache-2.0
"""Which images a list shows, as SQL: visibility, filters, tags, properties."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from glance_clone.db.expressions import exactly
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


def clauses(query: ImageQuery, caller: Caller) -> Iterator[Clause]:
    """Yield what must hold for an image to be listed."""
    yield _columns.deleted == sa.false()
    yield _columns.status.not_in(_NEVER_LISTED)
    yield _columns.os_hidden == (sa.true() if query.os_hidden else sa.false())
    yield from _visible(query, caller)
    for condition in query.conditions:
        yield _compared(condition)
    for tag in query.tags:
        yield _has(tables.tags, exactly(tables.tags.c.value, tag))
    for name, value in query.properties.items():
        properties = tables.properties.c
        yield _has(tables.properties, exactly(properties.name, name), exactly(properties.value, value))


def _visible(query: ImageQuery, caller: Caller) -> Iterator[Clause]:
    wanted = query.visibility
    if wanted not in (None, *domain.VISIBILITIES, 'all'):
        yield sa.false()
    elif caller.is_admin:
        yield from _visible_to_admin(wanted, caller)
    else:
        yield _visible_to(wanted, caller.project_id, query.member_status)


def _visible_to_admin(wanted: str | None, caller: Caller) -> Iterator[Clause]:
    if wanted is None:
        yield sa.or_(_columns.visibility != domain.COMMUNITY, _owned_by(caller.project_id))
    elif wanted != 'all':
        yield _columns.visibility == wanted


def _visible_to(wanted: str | None, project: str | None, member_status: str) -> Clause:
    own = _owned_by(project)
    shared = sa.and_(_columns.visibility == domain.SHARED, _shared_with(project, member_status))
    if wanted == domain.PRIVATE:
        return sa.and_(_columns.visibility == domain.PRIVATE, own)
    if wanted == domain.SHARED:
        return sa.and_(_columns.visibility == domain.SHARED, sa.or_(own, shared))
    if wanted in (domain.PUBLIC, domain.COMMUNITY):
        return _columns.visibility == wanted
    open_to_all = [domain.PUBLIC, domain.COMMUNITY] if wanted == 'all' else [domain.PUBLIC]
    return sa.or_(_columns.visibility.in_(open_to_all), own, shared)


def _owned_by(project: str | None) -> Clause:
    return exactly(_columns.owner, project) if project else sa.false()


def _shared_with(project: str | None, member_status: str) -> Clause:
    if not project:
        return sa.false()
    members = tables.members.c
    more = [] if member_status == 'all' else [members.status == member_status]
    return _has(tables.members, exactly(members.member, project), *more)


def _has(table: sa.Table, *conditions: Clause) -> Clause:
    return sa.exists().where(table.c.image_id == _columns.id, table.c.deleted == sa.false(), *conditions)


def _compared(condition: Condition) -> Clause:
    column: Any = _columns[condition.attribute]
    is_text = isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)
    if condition.op == q.IN:
        return sa.or_(sa.false(), *(exactly(column, value) for value in condition.value))
    if condition.op == q.EQ and is_text:
        return exactly(column, condition.value)
    value = condition.value
    if isinstance(column.type, sa.Integer):
        # Any 64-bit number can be asked for, also of a column with 32.
        value = sa.literal(value, sa.BigInteger())
    clause: Clause = _OPERATORS[condition.op](column, value)
    return clause
