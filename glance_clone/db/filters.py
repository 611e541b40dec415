# SPDX-License-Identifier: Apache-2.0
"""Which images a list shows, as SQL: visibility, filters, tags, properties.

What a query asks for is split into its :class:`Shape`, from which the statement follows, and the values, which are the
statement's parameters: lists of the same shape share a statement.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import sqlalchemy as sa

from glance_clone.db.expressions import exactly
from glance_clone.db.expressions import exactly_and_indexed
from glance_clone.db.expressions import exactly_one_of_those
from glance_clone.db.models import image as tables
from glance_clone.domain import image as domain
from glance_clone.domain import query as q
from glance_clone.domain.caller import Caller
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

#: Indexes that have all that is asked of a row, by table and number of conditions, where MySQL and MariaDB would take another.
_PROBED = {(tables.tags, 1): 'glance_clone_image_tags_value', (tables.members, 2): 'glance_clone_image_members_member'}

#: The caller's project; every statement here takes it as a parameter. No project has the empty name.
PROJECT = sa.bindparam('project', type_=sa.String())
WITHOUT_PROJECT = ''


class Arm(NamedTuple):
    """Images that are in a list for one reason, which an index finds: their owner, their visibility, a membership.

    :ivar clauses: what must hold for an image of the arm
    :ivar key: the column that all images of the arm have in common, None if there is none
    :ivar membership: what must hold for a row of ``image_members`` of the image; none if no such row is needed
    """

    clauses: tuple[Clause, ...] = ()
    key: str | None = None
    membership: tuple[Clause, ...] = ()

    def along_images(self) -> Arm:
        """Return the same images as an arm of all shared ones, of which those are taken that have the membership."""
        return Arm((self.clause(),), key='visibility') if self.membership else self

    def clause(self) -> Clause:
        """Return the arm as one condition on images."""
        of_member = [has(tables.members, *self.membership)] if self.membership else []
        return sa.and_(sa.true(), *self.clauses, *of_member)


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

    def common(self) -> Iterator[Clause]:
        """Yield what must hold for every image of this scope."""
        yield _columns.deleted == sa.false()
        for status in _NEVER_LISTED:
            yield _columns.status != status
        yield _columns.os_hidden == (sa.true() if self.os_hidden else sa.false())

    def arms(self) -> list[Arm]:
        """Return for which reasons an image can be of this scope; one of them is enough."""
        if self.visibility not in (None, *domain.VISIBILITIES, 'all'):
            return []
        if not self.is_admin:
            return self._visible()
        if self.visibility is None:
            return [Arm((sa.or_(_columns.visibility != domain.COMMUNITY, *self._own()),))]
        return [Arm()] if self.visibility == 'all' else [self._of_visibility(self.visibility)]

    def has_members(self) -> bool:
        """Tell whether images can be of this scope because they are shared with the caller."""
        return not self.is_admin and self.has_project and self.visibility in (None, 'all', domain.SHARED)

    def by_visibility(self) -> list[Arm]:
        """Return the arms of an administrator's scope without a visibility so that each has something in common."""
        community = [] if self.visibility is None else [domain.COMMUNITY]
        own = [Arm(tuple(self._own()), key='owner')] if self.has_project and not community else []
        return [*(self._of_visibility(one) for one in (domain.PUBLIC, domain.PRIVATE, domain.SHARED, *community)), *own]

    def _visible(self) -> list[Arm]:
        wanted = self.visibility
        if wanted in (domain.PUBLIC, domain.COMMUNITY):
            return [self._of_visibility(wanted)]
        open_to_all = {None: (domain.PUBLIC,), 'all': (domain.PUBLIC, domain.COMMUNITY)}.get(wanted, ())
        return [*(self._of_visibility(visibility) for visibility in open_to_all), *self._of_project()]

    def _of_project(self) -> list[Arm]:
        if not self.has_project:
            return []
        of_kind = [_columns.visibility == self.visibility] if self.visibility in (domain.PRIVATE, domain.SHARED) else []
        own = Arm((*self._own(), *of_kind), key='owner')
        return [own] if self.visibility == domain.PRIVATE else [own, self._shared()]

    @staticmethod
    def _of_visibility(visibility: str) -> Arm:
        return Arm((_columns.visibility == visibility,), key='visibility')

    def _own(self) -> list[Clause]:
        return [exactly(_columns.owner, PROJECT)] if self.has_project else []

    def _shared(self) -> Arm:
        members = tables.members.c
        more = [] if self.member_status == 'all' else [members.status == self.member_status]
        return Arm((_columns.visibility == domain.SHARED,), membership=(exactly(members.member, PROJECT), *more))


class Shape(NamedTuple):
    """What a query asks for beyond its scope, without the values.

    :ivar conditions: attribute and operator of each
    :ivar tags: how many tags an image must have
    :ivar properties: how many properties
    """

    conditions: tuple[tuple[str, str], ...]
    tags: int
    properties: int

    @classmethod
    def of(cls, query: ImageQuery) -> Shape:
        """Return the shape of a query."""
        return cls(tuple((c.attribute, c.op) for c in query.conditions), len(query.tags), len(query.properties))

    def on_columns(self) -> list[Clause]:
        """Return what must hold for the columns of an image."""
        return [_compared(number, attribute, op) for number, (attribute, op) in enumerate(self.conditions)]

    def on_children(self) -> list[tuple[sa.Table, tuple[Clause, ...]]]:
        """Return of which tables an image must have a row, and what must hold for that: first tags, then properties."""
        tags, properties = tables.tags.c, tables.properties.c
        of_tags = [(tables.tags, (exactly(tags.value, _text(f'tag_{n}')),)) for n in range(self.tags)]
        return of_tags + [
            (
                tables.properties,
                (exactly(properties.name, _text(f'name_{n}')), exactly_and_indexed(properties.value, _text(f'value_{n}'))),
            )
            for n in range(self.properties)
        ]


def parameters(query: ImageQuery) -> dict[str, Any]:
    """Return the values of a query, as the statements of its shape take them."""
    values: dict[str, Any] = {f'condition_{n}': condition.value for n, condition in enumerate(query.conditions)}
    for number, condition in enumerate(query.conditions):
        if condition.op == q.IN:
            values[f'condition_{number}'] = list(condition.value)
            values[f'condition_{number}_bytes'] = [str(value).encode() for value in condition.value]
    values.update((f'tag_{n}', tag) for n, tag in enumerate(query.tags))
    for number, (name, value) in enumerate(query.properties.items()):
        values |= {f'name_{number}': name, f'value_{number}': value}
    return values


def alive(table: sa.Table, *conditions: Clause) -> tuple[Clause, ...]:
    """Return what must hold for a row of a table that belongs to images, beyond that it is not deleted."""
    return (table.c.deleted == sa.false(), *conditions)


def has(table: sa.Table, *conditions: Clause) -> Clause:
    """Return whether an image has a row in a table that belongs to images.

    It is looked up for each image that is otherwise right: of an EXISTS, databases may make a list of all rows that are
    right, which can be very many.
    """
    found = sa.select(table.c.id).where(table.c.image_id == _columns.id, *alive(table, *conditions)).limit(1)
    index = _PROBED.get((table, len(conditions)))
    if index is not None:
        found = found.with_hint(table, f'FORCE INDEX ({index})', 'mysql')
    return found.scalar_subquery().is_not(None)


def _text(name: str) -> sa.BindParameter[str]:
    return sa.bindparam(name, type_=sa.String())


def _compared(number: int, attribute: str, op: str) -> Clause:
    column: Any = _columns[attribute]
    is_text = isinstance(column.type, sa.String) and not isinstance(column.type, sa.Enum)
    name = f'condition_{number}'
    if op == q.IN:
        return exactly_one_of_those(column, name)
    if op == q.EQ and is_text:
        return exactly(column, _text(name))
    # Any 64-bit number can be asked for, also of a column with 32.
    kind = sa.BigInteger() if isinstance(column.type, sa.Integer) else column.type
    clause: Clause = _OPERATORS[op](column, sa.bindparam(name, type_=kind))
    return clause
