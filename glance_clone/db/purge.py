# SPDX-License-Identifier: Apache-2.0
"""Take rows out of the database that were marked deleted long ago, in many short transactions.

Rows of images that wait for their data to be removed (``pending_delete``) stay: they tell where the data are, and are what a
restored image is made from. The ids of purged images stay in a table of this service's own, so that none is ever used again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db import models
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.repos import tombstones
from glance_clone.domain import errors
from glance_clone.domain import image as domain

#: Rows in one transaction.
_BATCH = 500

#: What ``purge`` takes rows from; not the table of images.
PURGED_TABLES = (models.image.properties, models.image.tags, models.image.members, models.image.locations, models.task.tasks)
IMAGES = models.image.images

#: Told how many more rows are gone.
Advance = Callable[[int], None]


class StillReferred(Exception):
    """Rows of other tables still belong to the images; nothing of the last batch was deleted."""


def count(database: Database, table: sa.Table, before: datetime.datetime) -> int:
    """Return how many rows of a table can be purged.

    :param before: those that were marked deleted earlier than this, UTC
    """
    statement = sa.select(sa.func.count()).select_from(table).where(*_purgeable(table, before))
    with database.read() as connection:
        return int(connection.execute(statement).scalar_one())


def purge(database: Database, table: sa.Table, before: datetime.datetime, most: int, advance: Advance) -> int:
    """Delete rows of a table that can be purged, oldest first; return how many.

    :param most: the largest number of rows to delete; negative for no limit
    :raises StillReferred: the table is that of images, and properties, tags, members or locations of one are still there
    """
    done = 0
    while most < 0 or done < most:
        size = _BATCH if most < 0 else min(_BATCH, most - done)
        try:
            deleted = _delete_some(database, table, before, size)
        except errors.StateChanged:
            continue
        except db_exc.DBReferenceError:
            raise StillReferred(f'Rows of other tables still belong to rows of {table.name}.') from None
        if not deleted:
            break
        done += deleted
        advance(deleted)
    return done


@repeatable
def _delete_some(database: Database, table: sa.Table, before: datetime.datetime, size: int) -> int:
    """Delete the oldest rows in one transaction, or none of them.

    :raises StateChanged: some of them were restored at the same time
    """
    key = table.c.id
    oldest = sa.select(key).where(*_purgeable(table, before)).order_by(table.c.deleted_at, key).limit(size)
    with database.write() as connection:
        ids = list(connection.execute(oldest).scalars())
        if not ids:
            return 0
        if table is models.task.tasks:
            info = models.task.task_info
            connection.execute(sa.delete(info).where(info.c.task_id.in_(ids)))
        deleted = connection.execute(sa.delete(table).where(key.in_(ids), *_purgeable(table, before))).rowcount
        if deleted != len(ids):
            raise errors.StateChanged('Some of the rows are not deleted any more.')
        if table is IMAGES:
            tombstones.bury(connection, ids, database.now())
        return int(deleted)


def _purgeable(table: sa.Table, before: datetime.datetime) -> list[sa.ColumnElement[bool]]:
    """Return what holds for rows that can go."""
    found: list[sa.ColumnElement[bool]] = [table.c.deleted == sa.true(), table.c.deleted_at < before]
    if table is IMAGES:
        found.append(table.c.status != domain.PENDING_DELETE)
    elif table is not models.task.tasks:
        waiting = sa.select(IMAGES.c.id).where(IMAGES.c.id == table.c.image_id, IMAGES.c.status == domain.PENDING_DELETE)
        found.append(~waiting.exists())
    return found
