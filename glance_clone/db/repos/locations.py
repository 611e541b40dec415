# SPDX-License-Identifier: Apache-2.0
"""Single copies of images on SQL, for removing them one by one."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.models import image as tables
from glance_clone.db.repos import image_rows
from glance_clone.db.repos import leases
from glance_clone.domain import location as domain
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location

_columns = tables.locations.c


class LocationRepository:
    """See :class:`glance_clone.domain.ports.LocationRepository`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def get(self, number: int) -> Location | None:
        """Return the copy of a row, whatever its status."""
        with self._database.read() as connection:
            return image_rows.fetch_location(connection, number)

    def bury(self, number: int, drop: Lease) -> None:
        """Mark a copy deleted whose bytes are gone."""
        now = self._database.now()
        self._update(number, drop, {'status': 'deleted', 'deleted': True, 'deleted_at': now, 'updated_at': now})

    def revive(self, number: int, drop: Lease) -> None:
        """Make a copy active again."""
        self._update(number, drop, {'status': domain.ACTIVE, 'updated_at': self._database.now()})

    @retried
    def _update(self, number: int, drop: Lease, values: dict[str, Any], again: bool = False) -> None:
        marked = (_columns.id == number, _columns.deleted == sa.false(), _columns.status == domain.PENDING_DELETE)
        with self._database.write() as connection:
            if again and not leases.is_held(connection, drop):
                return
            connection.execute(sa.update(tables.locations).where(*marked).values(**values))
            leases.drop(connection, drop)
