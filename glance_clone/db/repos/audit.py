# SPDX-License-Identifier: Apache-2.0
"""What the database says that stores should hold, page by page, for an audit."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from glance_clone.db import filters
from glance_clone.db import sealing
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.expressions import db_epoch
from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.db.repos import image_rows
from glance_clone.domain import image as domain
from glance_clone.domain import location as copies
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location

_images = tables.images.c
_locations = tables.locations.c
_KEPT = (copies.ACTIVE, copies.PENDING_DELETE)
_WITH_DATA = (domain.ACTIVE, domain.DEACTIVATED)


class AuditRecords:
    """See :class:`glance_clone.domain.ports.AuditRecords`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def count(self) -> int:
        """Return how many images should have data."""
        with self._database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).where(*_live(_WITH_DATA))).scalar_one())

    @repeatable
    def images(self, after: str, limit: int) -> Sequence[Image]:
        """Return images that should have data, with their copies."""
        found = image_rows.SELECT.where(*_live(_WITH_DATA), _images.id > after).order_by(_images.id).limit(limit)
        with self._database.read() as connection:
            return image_rows.complete(connection, connection.execute(found, {'project': filters.WITHOUT_PROJECT}).all())

    @repeatable
    def copies_of(self, image_ids: Sequence[str]) -> dict[str, list[Location]]:
        """Return the copies that images have, also those of deleted images that wait for the scrubber."""
        wanted = sa.select(_locations.image_id, _locations.value, _locations.meta_data, _locations.status, _locations.id)
        of_them = wanted.where(_locations.image_id.in_(image_ids), _locations.status.in_(_KEPT))
        found: dict[str, list[Location]] = {}
        with self._database.read() as connection:
            sealed = sealing.of(connection)
            for row in connection.execute(of_them):
                found.setdefault(row.image_id, []).append(image_rows.location_of(sealed, *row))
        return found

    @repeatable
    def worked_on(self, image_ids: Sequence[str]) -> set[str]:
        """Return those images on which somebody works."""
        held = sa.select(leases.c.image_id).where(leases.c.image_id.in_(image_ids), leases.c.expires_at >= db_epoch())
        with self._database.read() as connection:
            return set(connection.execute(held).scalars())

    @repeatable
    def stuck(self) -> dict[str, str]:
        """Return the status of images that are in passing, and on which nobody works."""
        held = sa.exists().where(leases.c.image_id == _images.id)
        passing = sa.select(_images.id, _images.status).where(*_live(tuple(_PASSING)), ~held)
        with self._database.read() as connection:
            return dict(connection.execute(passing).tuples().all())

    @repeatable
    def living(self, image_ids: Sequence[str]) -> set[str]:
        """Return those images that are not deleted."""
        alive = sa.select(_images.id).where(_images.id.in_(image_ids), _images.deleted == sa.false())
        with self._database.read() as connection:
            return set(connection.execute(alive).scalars())

    @repeatable
    def drop_copy(self, number: int) -> None:
        """Take a copy off its image that no store holds."""
        now = self._database.now()
        gone = sa.update(tables.locations).where(_locations.id == number, _locations.deleted == sa.false())
        with self._database.write() as connection:
            connection.execute(gone.values(status='deleted', deleted=True, deleted_at=now, updated_at=now))


#: States that end by themselves while somebody works on the image. What is ``uploading`` may wait for its import.
_PASSING = (domain.SAVING, domain.IMPORTING)


def _live(states: tuple[str, ...]) -> tuple[sa.ColumnElement[bool], ...]:
    return (_images.deleted == sa.false(), _images.status.in_(states))
