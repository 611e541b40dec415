# SPDX-License-Identifier: Apache-2.0
"""Image records on SQL."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.engine import retried
from glance_clone.db.repos import image_lists
from glance_clone.db.repos import image_rows
from glance_clone.db.repos import image_writes
from glance_clone.db.repos import leases
from glance_clone.db.repos import tombstones
from glance_clone.db.repos import usage
from glance_clone.db.repos.selectivity import Selectivity
from glance_clone.domain import errors
from glance_clone.domain import image as domain
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.lease import REMOVE_COPY
from glance_clone.domain.lease import SCRUB
from glance_clone.domain.lease import Lease
from glance_clone.domain.query import ImageQuery
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import Limits

_NOT_FOUND = (domain.PENDING_DELETE, domain.DELETED)


class ImageRepository:
    """See :class:`glance_clone.domain.ports.ImageRepository`.

    :param lease_ttl: seconds for which a lease holds that is taken with a save
    """

    def __init__(self, database: Database, lease_ttl: int):
        self._database = database
        self._ttl = lease_ttl
        self._selectivity = Selectivity()

    @repeatable
    def get(self, image_id: str, caller: Caller) -> Image:
        """Return an image that the caller may see."""
        with self._database.read() as connection:
            image = image_rows.fetch(connection, image_id, caller.project_id)
        if image is None or image.status in _NOT_FOUND or not is_visible(image, caller):
            raise errors.ImageNotFound(image_id)
        return image

    @repeatable
    def list(self, query: ImageQuery, caller: Caller) -> list[Image]:
        """Return one page of the images that the caller may see."""
        with self._database.read() as connection:
            marker = _marker(connection, query.marker, caller) if query.marker is not None else None
            return image_rows.complete(connection, image_lists.page(connection, query, caller, marker, self._selectivity))

    def add(self, image: Image, id_is_new: bool = False, limits: Limits = NO_LIMITS) -> None:
        """Store a new image."""
        image.created_at = image.updated_at = self._database.now()
        self._add(image, id_is_new, limits)
        image.row_version = image_rows.snapshot(image)

    @retried
    def _add(self, image: Image, id_is_new: bool, limits: Limits, again: bool = False) -> None:
        try:
            with self._database.write() as connection, _within(connection, image.owner, limits):
                image_writes.insert(connection, image)
                if not id_is_new and tombstones.is_buried(connection, image.id):
                    raise errors.DuplicateImage(image.id)
        except db_exc.DBDuplicateEntry:
            if not (again and self._is_own_work(image)):
                raise errors.DuplicateImage(image.id) from None

    def _is_own_work(self, image: Image) -> bool:
        """Tell whether a row is the one that this very call wrote before its connection was lost."""
        with self._database.read() as connection:
            row = image_rows.row_of(connection, image.id, None)
        return row is not None and (row.owner, row.created_at) == (image.owner, image.created_at)

    def save(
        self,
        image: Image,
        from_state: str | None = None,
        take: Lease | None = None,
        drop: Lease | None = None,
        hold: Lease | None = None,
        if_unchanged: bool = False,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """Store what changed."""
        now = self._database.now()
        changes = image_writes.changes(image, from_state is not None, if_unchanged)
        numbers = self._save(image, changes, now, from_state, take, drop, hold, limits)
        image.updated_at = now
        for location in changes.new_locations:
            row = image_rows.stored(location)
            location.id = numbers[row['value'], row['meta_data']]
        image.row_version = image_rows.snapshot(image)

    @retried
    def _save(
        self,
        image: Image,
        changes: image_writes.Changes,
        now: datetime.datetime,
        from_state: str | None,
        take: Lease | None,
        drop: Lease | None,
        hold: Lease | None,
        limits: Limits,
        again: bool = False,
    ) -> dict[tuple[str, str], int]:
        """Write the changes; return the row numbers of the image's locations if there are new ones."""
        with self._database.write() as connection, _within(connection, image.owner, limits):
            if not (again and _is_done(connection, image, changes, now, from_state, take, drop)):
                write(connection, image, changes, now, from_state)
                if changes.new_locations and from_state == domain.ACTIVE and not hold:
                    # Imports, which hold a lease, looked when they began.
                    leases.require_none(connection, image.id, (REMOVE_COPY, SCRUB))
                if hold:
                    leases.require(connection, hold)
                if drop:
                    leases.drop(connection, drop)
                if take:
                    leases.take(connection, take, self._ttl)
            return image_rows.location_numbers(connection, image.id) if changes.new_locations else {}

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Mark the image and everything that belongs to it deleted."""
        self._remove(image.id, self._database.now(), drop)
        image.status = domain.DELETED

    @retried
    def _remove(self, image_id: str, now: datetime.datetime, drop: Lease | None, again: bool = False) -> None:
        with self._database.write() as connection:
            if not image_writes.mark_deleted(connection, image_id, now):
                row = image_rows.row_of(connection, image_id, None) if again else None
                if row is None or row.updated_at != now:
                    raise errors.ImageNotFound(image_id)
            elif drop:
                leases.drop(connection, drop)


@contextlib.contextmanager
def _within(connection: sa.Connection, project: str | None, limits: Limits) -> Iterator[None]:
    """Undo the transaction if the project has too much by what is written in it; nothing is done without limits."""
    if not limits or project is None:
        yield
        return
    usage.lock(connection, project)
    yield
    usage.require_within(connection, project, limits)


def write(
    connection: sa.Connection, image: Image, changes: image_writes.Changes, now: datetime.datetime, from_state: str | None
) -> None:
    """Store what changed in the transaction of a connection.

    :raises StateChanged: the row has another status than from_state
    :raises ImageNotFound: the image is deleted or being deleted
    """
    if not image_writes.update(connection, image.id, changes, now, from_state):
        raise _refusal(connection, image.id)
    image_writes.write_children(connection, image, changes, now)


def is_visible(image: Image, caller: Caller) -> bool:
    """Tell whether the row of an image may be known to the caller; access rules are asked afterwards."""
    return (
        caller.is_admin
        or image.owner is None
        or image.visibility in (domain.PUBLIC, domain.COMMUNITY)
        or (caller.project_id is not None and image.owner == caller.project_id)
        or (image.visibility == domain.SHARED and bool(caller.project_id) and image.member_id == caller.project_id)
    )


def _is_done(
    connection: sa.Connection,
    image: Image,
    changes: image_writes.Changes,
    now: datetime.datetime,
    from_state: str | None,
    take: Lease | None,
    drop: Lease | None,
) -> bool:
    """Tell whether a save did its work before its connection was lost; its time and its leases show that it was this one."""
    if changes.seen and not changes.new_locations:
        found = image_rows.fetch(connection, image.id)
        return found is not None and found.updated_at == now and image_writes.is_stored(found, changes)
    if from_state is None:
        return False
    row = image_rows.row_of(connection, image.id, None)
    held = take is None or leases.is_held(connection, take)
    dropped = drop is None or not leases.is_held(connection, drop)
    return row is not None and (row.status, row.updated_at) == (image.status, now) and held and dropped


def _refusal(connection: sa.Connection, image_id: str) -> errors.ImageServiceError:
    """Return why a conditional update found no row."""
    row = image_rows.row_of(connection, image_id, None)
    if row is None or row.deleted or row.status == domain.PENDING_DELETE:
        return errors.ImageNotFound(image_id)
    return errors.StateChanged(f'Image {image_id} is {row.status} by now; somebody else changed it first.')


def _marker(connection: sa.Connection, marker: str, caller: Caller) -> Image:
    row = image_rows.row_of(connection, marker, caller.project_id)
    if row is None or ((row.deleted or row.status in _NOT_FOUND) and not caller.is_admin):
        raise errors.Invalid('marker is not the ID of an image.')
    image = image_rows.bare(row)
    if not is_visible(image, caller):
        raise errors.Forbidden('marker is the ID of an image that you may not see.')
    return image
