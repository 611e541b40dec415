# SPDX-License-Identifier: Apache-2.0
"""How much projects have: counted where it is, in the rows of images and of leases, whenever it must be known.

There are no counters that could go wrong. Whoever takes something locks the row of the project, writes what is taken,
counts, and rolls back if it is too much: one transaction, and per project one at a time (R10). Work that only gives
back, or makes real what was reserved, locks nothing: each of its transactions leaves the sum as it was, or smaller.
"""

from __future__ import annotations

import functools
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.expressions import exactly
from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.db.models.lease import quota_locks
from glance_clone.domain import errors
from glance_clone.domain import image as domain
from glance_clone.domain import quota
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota import Usage
from glance_clone.domain.quota import Work

_PROJECT: sa.BindParameter[str] = sa.bindparam('charged', type_=sa.String())
_images, _locations, _properties = tables.images.c, tables.locations.c, tables.properties.c

_GONE = (domain.KILLED, domain.PENDING_DELETE, domain.DELETED)
_UNDER_WAY = (domain.SAVING, domain.UPLOADING, domain.IMPORTING)
_STAGED = (domain.UPLOADING, domain.IMPORTING)

#: Names the stores into which an image is being copied; empty when that is over.
_COPYING = 'os_glance_importing_to_stores'

_MINE = sa.and_(exactly(_images.owner, _PROJECT), _images.deleted == sa.false(), _images.status.not_in(_GONE))
_IS_COPIED = sa.exists().where(
    _properties.image_id == _images.id,
    _properties.name == _COPYING,
    _properties.deleted == sa.false(),
    _properties.value != '',
)


def _lease_of_image(condition: sa.ColumnElement[bool]) -> sa.Exists:
    return sa.exists().where(leases.c.image_id == _images.id, condition)


def _held(column: sa.Column[int]) -> sa.Select[tuple[int]]:
    return sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(exactly(leases.c.project, _PROJECT))


#: Bytes of all copies: of every location that was not given back to its store yet.
_STORED_BYTES = (
    sa.select(sa.func.coalesce(sa.func.sum(_images.size), 0))
    .select_from(tables.images.join(tables.locations, _locations.image_id == _images.id))
    .where(_MINE, _images.size > 0, _locations.status != 'deleted')
)
#: Bytes of staged data that records tell; where a lease tells them better, it counts instead.
_STAGED_BYTES = sa.select(sa.func.coalesce(sa.func.sum(_images.size), 0)).where(
    _MINE,
    sa.or_(_images.status.in_(_STAGED), _IS_COPIED),
    ~_lease_of_image(leases.c.staged_bytes > 0),
)
#: Images whose data is on its way; those not, whose work began but was not admitted yet.
_UPLOADS = sa.select(sa.func.count()).where(
    _MINE,
    sa.or_(_images.status.in_(_UNDER_WAY), _IS_COPIED),
    ~_lease_of_image(leases.c.project.is_(None)),
)
_COUNTS = {
    quota.STORED: _STORED_BYTES.scalar_subquery() + _held(leases.c.stored_bytes).scalar_subquery(),
    quota.STAGED: _STAGED_BYTES.scalar_subquery() + _held(leases.c.staged_bytes).scalar_subquery(),
    quota.IMAGES: sa.select(sa.func.count()).where(_MINE).scalar_subquery(),
    quota.UPLOADING: _UPLOADS.scalar_subquery(),
}

_TURN = {'project': _PROJECT, 'turns': 1}
_TURNS = quota_locks.c.turns + 1
_on_conflict = {'index_elements': [quota_locks.c.project], 'set_': {'turns': _TURNS}}
#: Inserts or changes the row of a project, and so waits for others that did: one statement in each language.
_LOCK: dict[str, sa.Insert] = {
    'mysql': mysql.insert(quota_locks).values(**_TURN).on_duplicate_key_update(turns=_TURNS),
    'postgresql': postgresql.insert(quota_locks).values(**_TURN).on_conflict_do_update(**_on_conflict),
    'sqlite': sqlite.insert(quota_locks).values(**_TURN).on_conflict_do_update(**_on_conflict),
}


class UsageRepository:
    """See :class:`glance_clone.domain.quota_ports.UsageRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def of(self, project: str, resources: Collection[str] = quota.RESOURCES) -> Usage:
        """Return how much a project has."""
        with self._database.read() as connection:
            return _count(connection, project, tuple(resources))

    @repeatable
    def projects(self) -> list[str]:
        """Return every project that has an image or a reservation, in order."""
        owners = sa.select(_images.owner).where(_images.deleted == sa.false(), _images.owner.is_not(None))
        holders = sa.select(leases.c.project).where(leases.c.project.is_not(None))
        with self._database.read() as connection:
            return sorted({row[0] for row in connection.execute(owners.distinct().union(holders))})

    @repeatable
    def reserve(self, work: Work, project: str, limits: Limits, stored: int, staged: int, least: int | None = None) -> int:
        """Reserve bytes for the work of a lease, in place of what was reserved for it."""
        with self._database.write() as connection:
            lock(connection, project)
            granted = stored
            if least is not None and quota.STORED in limits:
                granted = min(stored, max(least, _room(connection, work, project, limits)))
            _write(connection, work, project, granted, staged)
            require_within(connection, project, limits)
            return granted


def lock(connection: sa.Connection, project: str) -> None:
    """Let one transaction at a time take something for a project. Call it before anything else in the transaction."""
    connection.execute(_LOCK[connection.dialect.name], {'charged': project})


def require_within(connection: sa.Connection, project: str, limits: Limits) -> None:
    """Count what a project has with what this transaction took; the project must be locked.

    :raises LimitExceeded: it is too much
    """
    if limits:
        quota.require_within(limits, _count(connection, project, tuple(limits)))


def _count(connection: sa.Connection, project: str, resources: tuple[str, ...]) -> Usage:
    counted = connection.execute(_statement(resources), {'charged': project}).one()
    return dict(zip(resources, map(int, counted), strict=True))


@functools.cache
def _statement(resources: tuple[str, ...]) -> sa.Select[tuple[int, ...]]:
    """Return one statement for all, so that what moves from one place to another meanwhile is counted once."""
    return sa.select(*(_COUNTS[resource].label(resource) for resource in resources))


def _room(connection: sa.Connection, work: Work, project: str, limits: Limits) -> int:
    """Return how many bytes a lease may hold."""
    of_lease = sa.select(leases.c.stored_bytes).where(*_lease_of(work))
    others = _count(connection, project, (quota.STORED,))[quota.STORED] - (connection.execute(of_lease).scalar() or 0)
    return limits[quota.STORED].most - others


def _write(connection: sa.Connection, work: Work, project: str, stored: int, staged: int) -> None:
    values = {'project': project, 'stored_bytes': stored, 'staged_bytes': staged}
    if connection.execute(sa.update(leases).where(*_lease_of(work)).values(**values)).rowcount != 1:
        raise errors.LeaseLost('The work took too long and was given up; try again.')


def _lease_of(work: Work) -> tuple[sa.ColumnElement[bool], ...]:
    # The image is in an index; without it, every lease of the service would be locked.
    return leases.c.image_id == work.image_id, leases.c.attempt == work.attempt
