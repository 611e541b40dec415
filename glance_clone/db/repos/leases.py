# SPDX-License-Identifier: Apache-2.0
"""Leases on unfinished work. Time is the database's alone, so that nodes need not agree on theirs."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.expressions import db_epoch
from glance_clone.db.models.lease import leases
from glance_clone.db.repos import image_rows
from glance_clone.domain import errors
from glance_clone.domain import lease as domain
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease

_RENEW = (
    sa.update(leases)
    .where(leases.c.owner == sa.bindparam('owner_id'))
    .values(expires_at=db_epoch() + sa.bindparam('ttl', type_=sa.BigInteger()))
)
#: What users are told of work that is in their way.
_NAMES = {
    domain.IMPORT: 'An import',
    domain.REMOVE_COPY: 'The removal of a copy',
    domain.SCRUB: 'The removal of former data',
}
_EXPIRED = sa.select(leases).where(leases.c.expires_at < db_epoch()).order_by(leases.c.expires_at)


class LeaseRepository:
    """See :class:`glance_clone.domain.ports.LeaseRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def renew(self, owner: str, ttl: int) -> int:
        """Prolong every lease of an owner."""
        with self._database.write() as connection:
            return connection.execute(_RENEW, {'owner_id': owner, 'ttl': ttl}).rowcount

    @repeatable
    def release(self, lease: Lease) -> bool:
        """End one lease."""
        with self._database.write() as connection:
            return _delete(connection, lease)

    @repeatable
    def is_held(self, lease: Lease) -> bool:
        """Tell whether a lease is held by its owner."""
        with self._database.read() as connection:
            return is_held(connection, lease)

    def claim_expired(self, owner: str, ttl: int, limit: int = 100, operations: Collection[str] = ()) -> list[Lease]:
        """Take over leases that ran out."""
        expired = _EXPIRED.limit(limit)
        if operations:
            expired = expired.where(leases.c.operation.in_(sorted(operations)))
        # Most looks find nothing; they need not wait for writers.
        return self._claim(expired, owner, ttl) if self._has_any(expired) else []

    @repeatable
    def _has_any(self, expired: sa.Select[Any]) -> bool:
        with self._database.read() as connection:
            return connection.execute(expired).first() is not None

    @repeatable
    def _claim(self, query: sa.Select[Any], owner: str, ttl: int) -> list[Lease]:
        with self._database.write() as connection:
            expired = connection.execute(query).all()
            return [_lease(row, owner) for row in expired if _is_claimed(connection, row, owner, ttl)]

    @repeatable
    def image_of(self, lease: Lease) -> Image | None:
        """Return the image that is worked on."""
        with self._database.read() as connection:
            return image_rows.fetch(connection, lease.image_id)


def take(connection: sa.Connection, lease: Lease, ttl: int = domain.TTL) -> None:
    """Begin a lease in the transaction of a connection.

    :raises StateChanged: another lease for this work is held
    """
    same = (leases.c.image_id == lease.image_id, leases.c.operation == lease.operation)
    connection.execute(sa.delete(leases).where(*same, leases.c.expires_at < db_epoch()))
    try:
        connection.execute(
            sa.insert(leases).values(
                image_id=lease.image_id,
                operation=lease.operation,
                owner=lease.owner,
                attempt=lease.attempt,
                detail=json.dumps(lease.detail),
                expires_at=db_epoch() + ttl,
            )
        )
    except db_exc.DBDuplicateEntry:
        raise errors.StateChanged(f'Another {lease.operation} of image {lease.image_id} is under way.') from None


def require_none(connection: sa.Connection, image_id: str, operations: Collection[str]) -> None:
    """Make sure that no such work is under way on an image, nor waits for somebody to finish it.

    The caller holds the lock on the row of the image, as does everybody who begins work that must not meet this.

    :raises StateChanged: there is
    """
    query = sa.select(leases.c.operation).where(leases.c.image_id == image_id, leases.c.operation.in_(sorted(operations)))
    operation = connection.execute(query.limit(1)).scalar()
    if operation is not None:
        raise errors.StateChanged(f'{_NAMES.get(operation, operation)} of image {image_id} is under way; try again later.')


def drop(connection: sa.Connection, lease: Lease) -> None:
    """End a lease in the transaction of a connection.

    :raises LeaseLost: it is not held any more
    """
    if not _delete(connection, lease):
        raise errors.LeaseLost(f'The {lease.operation} of image {lease.image_id} took too long and was given up.')


def require(connection: sa.Connection, lease: Lease) -> None:
    """Make sure that a lease stays with its owner until the transaction of the connection ends.

    :raises LeaseLost: it is not held any more
    """
    if connection.execute(sa.select(leases.c.id).where(*_identity(lease)).with_for_update()).first() is None:
        raise errors.LeaseLost(f'The {lease.operation} of image {lease.image_id} took too long and was given up.')


def is_held(connection: sa.Connection, lease: Lease) -> bool:
    """Tell whether a lease is held by its owner."""
    return connection.execute(sa.select(leases.c.id).where(*_identity(lease))).first() is not None


def _is_claimed(connection: sa.Connection, row: sa.Row[Any], owner: str, ttl: int) -> bool:
    """Make somebody the owner of a lease; False if another was faster or its owner came back to life."""
    statement = (
        sa.update(leases)
        .where(leases.c.id == row.id, leases.c.attempt == row.attempt, leases.c.expires_at < db_epoch())
        .values(owner=owner, expires_at=db_epoch() + ttl)
    )
    return connection.execute(statement).rowcount == 1


def _delete(connection: sa.Connection, lease: Lease) -> bool:
    return connection.execute(sa.delete(leases).where(*_identity(lease))).rowcount == 1


def _identity(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        leases.c.image_id == lease.image_id,
        leases.c.operation == lease.operation,
        leases.c.owner == lease.owner,
        leases.c.attempt == lease.attempt,
    )


def _lease(row: sa.Row[Any], owner: str) -> Lease:
    return Lease(row.image_id, row.operation, owner, row.attempt, json.loads(row.detail))
