# SPDX-License-Identifier: Apache-2.0
"""What is known of staged data, and who works on whose."""

from __future__ import annotations

import sqlalchemy as sa

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.expressions import db_epoch
from glance_clone.db.models import image as images
from glance_clone.db.models.lease import leases
from glance_clone.db.models.staged import staged as table
from glance_clone.db.repos import leases as lease_rows
from glance_clone.domain.importing import Staged
from glance_clone.domain.lease import Lease

_COLUMNS = ('image_id', 'name', 'attempt', 'size', 'checksum', 'os_hash_algo', 'os_hash_value')


class StagedRepository:
    """See :class:`glance_clone.domain.import_ports.StagedRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def keep(self, staged: Staged, hold: Lease) -> None:
        """Store the row of an image, in place of an older one."""
        values = {name: getattr(staged, name) for name in _COLUMNS}
        with self._database.write() as connection:
            lease_rows.require(connection, hold)
            connection.execute(sa.delete(table).where(table.c.image_id == staged.image_id))
            connection.execute(sa.insert(table).values(**values, staged_at=db_epoch()))

    @repeatable
    def find(self, image_id: str) -> Staged | None:
        """Return the row of an image."""
        wanted = sa.select(*(table.c[name] for name in _COLUMNS)).where(table.c.image_id == image_id)
        with self._database.read() as connection:
            row = connection.execute(wanted).first()
        return Staged(*row) if row is not None else None

    @repeatable
    def forget(self, image_id: str, attempt: str | None = None) -> None:
        """Remove the row of an image."""
        which = [table.c.image_id == image_id]
        if attempt is not None:
            which.append(table.c.attempt == attempt)
        with self._database.write() as connection:
            connection.execute(sa.delete(table).where(*which))

    @repeatable
    def leased(self, image_ids: list[str]) -> set[str]:
        """Return those images on which somebody works."""
        wanted = sa.select(leases.c.image_id).where(leases.c.image_id.in_(image_ids))
        with self._database.read() as connection:
            return set(connection.execute(wanted).scalars())

    @repeatable
    def status_of(self, image_ids: list[str]) -> dict[str, str]:
        """Return the status of those images that are not deleted."""
        rows = images.images.c
        wanted = sa.select(rows.id, rows.status).where(rows.id.in_(image_ids), rows.deleted == sa.false())
        with self._database.read() as connection:
            return dict(connection.execute(wanted).tuples().all())
