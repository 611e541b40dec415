# SPDX-License-Identifier: Apache-2.0
"""Deleted images and copies whose data is still there, on SQL.

Such an image is deleted and has the status ``pending_delete``, as have those of its locations whose data is there; data
that is gone has the status ``deleted``. A copy of a living image can wait in the same way.
"""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa

from glance_clone.db import sealing
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.models import image as tables
from glance_clone.db.repos import image_rows
from glance_clone.db.repos import image_writes
from glance_clone.db.repos import leases
from glance_clone.domain import errors
from glance_clone.domain import image as domain
from glance_clone.domain import location as copies
from glance_clone.domain.image import Image
from glance_clone.domain.lease import IMPORT
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location

_images = tables.images.c
_locations = tables.locations.c
_properties = tables.properties.c
#: Property of deleted images that were not active; it is never seen on living ones.
_FORMER_STATUS = 'os_glance_former_status'
_WAITING_IMAGE = (_images.status == domain.PENDING_DELETE, _images.deleted == sa.true())
_WAITING_COPY = (_locations.status == copies.PENDING_DELETE, _locations.deleted == sa.true())


class DelayedDeletes:
    """See :class:`glance_clone.domain.ports.DelayedDeletes`.

    :param lease_ttl: seconds for which a claim holds
    """

    def __init__(self, database: Database, lease_ttl: int):
        self._database = database
        self._ttl = lease_ttl

    def schedule(self, image: Image) -> None:
        """Delete an image and leave its data."""
        self._schedule(image, self._database.now())
        image.status = domain.PENDING_DELETE

    @retried
    def _schedule(self, image: Image, now: datetime.datetime, again: bool = False) -> None:
        with self._database.write() as connection:
            if image_writes.mark_deleted(connection, image.id, now, domain.PENDING_DELETE, from_state=image.status):
                if image.status != domain.ACTIVE:
                    _remember_status(connection, image, now)
                return
            row = image_rows.row_of(connection, image.id, None)
        if row is None or row.deleted or row.status == domain.PENDING_DELETE:
            if again and row is not None and row.updated_at == now:
                return
            raise errors.ImageNotFound(image.id)
        raise errors.StateChanged(f'Image {image.id} is {row.status} by now; somebody else changed it first.')

    def schedule_copy(self, lease: Lease) -> None:
        """Take a copy, which is marked already, off its image and leave its data."""
        self._schedule_copy(lease, self._database.now())

    @retried
    def _schedule_copy(self, lease: Lease, now: datetime.datetime, again: bool = False) -> None:
        marked = (_locations.id == lease.detail['location'], _locations.status == copies.PENDING_DELETE)
        with self._database.write() as connection:
            if again and not leases.is_held(connection, lease):
                return
            waiting = {'deleted': True, 'deleted_at': now, 'updated_at': now}
            connection.execute(sa.update(tables.locations).where(*marked).values(**waiting))
            leases.drop(connection, lease)

    @repeatable
    def due(self, age: int, after: str, limit: int) -> list[str]:
        """Return ids of images with something to remove, in their order."""
        until = self._database.now() - datetime.timedelta(seconds=age)
        whole = sa.select(_images.id).where(*_WAITING_IMAGE, _images.deleted_at <= until, _images.id > after)
        single = sa.select(_locations.image_id).where(
            *_WAITING_COPY, _locations.deleted_at <= until, _locations.image_id > after
        )
        both = sa.union(whole, single).subquery()
        with self._database.read() as connection:
            return list(connection.execute(sa.select(both.c.id).order_by(both.c.id).limit(limit)).scalars())

    @repeatable
    def claim(self, lease: Lease) -> None:
        """Keep others from an image's remains."""
        with self._database.write() as connection:
            # An import locks the row too when it begins; what is read after the lock is what whoever was first has written.
            connection.execute(sa.select(_images.id).where(_images.id == lease.image_id).with_for_update())
            if not leases.is_held(connection, lease):
                leases.require_none(connection, lease.image_id, (IMPORT,))
                leases.take(connection, lease, self._ttl)

    @repeatable
    def remains(self, image_id: str, age: int) -> list[Location]:
        """Return the copies of an image that are to be removed."""
        until = self._database.now() - datetime.timedelta(seconds=age)
        statement = sa.select(_locations.id).where(_locations.image_id == image_id, *_WAITING_COPY)
        with self._database.read() as connection:
            numbers = (
                connection.execute(statement.where(_locations.deleted_at <= until).order_by(_locations.id)).scalars().all()
            )
            found = [image_rows.fetch_location(connection, number) for number in numbers]
            return [location for location in found if location is not None]

    @repeatable
    def is_used(self, image_id: str, url: str) -> bool:
        """Tell whether the image has a living copy at the url."""
        with self._database.read() as connection:
            sealed = sealing.of(connection)
            living = sa.select(_locations.value).where(_locations.image_id == image_id, _locations.deleted == sa.false())
            return any(sealed.unseal(image_id, value) == url for value in connection.execute(living).scalars())

    @repeatable
    def bury(self, number: int) -> None:
        """Note that the data of a copy is gone."""
        now = self._database.now()
        gone = sa.update(tables.locations).where(_locations.id == number, *_WAITING_COPY)
        with self._database.write() as connection:
            connection.execute(gone.values(status='deleted', updated_at=now))

    @repeatable
    def finish(self, lease: Lease) -> bool:
        """End a claim; an image of which nothing remains is deleted for good."""
        now = self._database.now()
        with self._database.write() as connection:
            left = sa.select(_locations.id).where(_locations.image_id == lease.image_id, *_WAITING_COPY).limit(1)
            is_done = connection.execute(left).first() is None
            if is_done:
                waiting = sa.update(tables.images).where(_images.id == lease.image_id, *_WAITING_IMAGE)
                connection.execute(waiting.values(status=domain.DELETED, updated_at=now))
            leases.drop(connection, lease)
            return is_done

    @retried
    def restore(self, image_id: str, lease: Lease, again: bool = False) -> None:
        """Bring an image back as it was when it was deleted."""
        now = self._database.now()
        with self._database.write() as connection:
            row = image_rows.row_of(connection, image_id, None)
            if again and row is not None and not leases.is_held(connection, lease):
                return
            _require_restorable(connection, image_id, row)
            alive: dict[str, Any] = {'deleted': False, 'deleted_at': None, 'updated_at': now}
            when = connection.execute(sa.select(_images.deleted_at).where(_images.id == image_id)).scalar_one()
            status = _former_status(connection, image_id, when) or domain.ACTIVE
            for table in (tables.properties, tables.tags, tables.members, tables.locations):
                gone = sa.update(table).where(table.c.image_id == image_id, table.c.deleted == sa.true())
                values = {**alive, 'status': copies.ACTIVE} if table is tables.locations else alive
                connection.execute(gone.where(table.c.deleted_at == when).values(**values))
            connection.execute(sa.update(tables.images).where(_images.id == image_id).values(status=status, **alive))
            leases.drop(connection, lease)


def _remember_status(connection: sa.Connection, image: Image, now: datetime.datetime) -> None:
    """Keep the status of an image that is being deleted as a property that went with it, for its restoration."""
    kept = {'value': image.status, 'deleted': True, 'deleted_at': now, 'updated_at': now}
    known = (_properties.image_id == image.id, _properties.name == _FORMER_STATUS)
    if not connection.execute(sa.update(tables.properties).where(*known).values(**kept)).rowcount:
        values = {'image_id': image.id, 'name': _FORMER_STATUS, 'created_at': now, **kept}
        connection.execute(sa.insert(tables.properties).values(**values))


def _former_status(connection: sa.Connection, image_id: str, when: datetime.datetime) -> str | None:
    """Return the status that an image had when it was deleted, None if that was not kept; it is kept no longer."""
    kept = (_properties.image_id == image_id, _properties.name == _FORMER_STATUS)
    status = connection.execute(sa.select(_properties.value).where(*kept, _properties.deleted_at == when)).scalar()
    connection.execute(sa.delete(tables.properties).where(*kept))
    return status


def _require_restorable(connection: sa.Connection, image_id: str, row: sa.Row[Any] | None) -> None:
    """Refuse to bring back what is not there, was not deleted, or has lost data.

    :raises ImageNotFound: there is no such image
    :raises Conflict: otherwise
    """
    if row is None:
        raise errors.ImageNotFound(image_id)
    if row.status != domain.PENDING_DELETE or not row.deleted:
        raise errors.Conflict(f'Image {image_id} is {row.status}; only an image that is pending_delete can be restored.')
    lost = sa.select(_locations.id).where(
        _locations.image_id == image_id, _locations.status == 'deleted', _locations.deleted_at >= _deleted_at(image_id)
    )
    if connection.execute(lost.limit(1)).first() is not None:
        raise errors.Conflict(f'Data of image {image_id} was removed by the scrubber already; it cannot be restored.')


def _deleted_at(image_id: str) -> Any:
    return sa.select(_images.deleted_at).where(_images.id == image_id).scalar_subquery()
