# SPDX-License-Identifier: Apache-2.0
"""Take rows out of the database that were marked deleted long ago, in many short transactions.

Rows of images that wait for their data to be removed (``pending_delete``) stay: they tell where the data are, and are what a
restored image is made from. The ids of purged images stay in a table of this service's own, so that none is ever used again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db import models
from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.repos import tombstones
from glance_clone.domain import errors
from glance_clone.domain import image as domain

#: Rows in one transaction, and keys that are looked up at once.
_BATCH = 500
_WINDOW = 20_000

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
        ids = _oldest(database, table, before, _WINDOW if most < 0 else min(_WINDOW, most - done))
        if not ids:
            break
        for start in range(0, len(ids), _BATCH):
            deleted = _delete(database, table, before, ids[start : start + _BATCH])
            advance(deleted)
            done += deleted
    return done


@repeatable
def _oldest(database: Database, table: sa.Table, before: datetime.datetime, size: int) -> list[Any]:
    """Return the keys of rows that can be purged; many at once, because no index leads to the oldest ones."""
    order = (table.c.deleted_at, table.c.id)
    with database.read() as connection:
        found = sa.select(table.c.id).where(*_purgeable(table, before)).order_by(*order).limit(size)
        return list(connection.execute(found).scalars())


def _delete(database: Database, table: sa.Table, before: datetime.datetime, ids: Sequence[Any]) -> int:
    """Delete those of some rows that can still be purged, in one transaction; return how many."""
    try:
        return _delete_rows(database, table, before, ids)
    except errors.StateChanged:
        # Some were restored in that very moment; the others come again with the next keys.
        return 0
    except db_exc.DBReferenceError:
        raise StillReferred(f'Rows of other tables still belong to rows of {table.name}.') from None


@repeatable
def _delete_rows(database: Database, table: sa.Table, before: datetime.datetime, ids: Sequence[Any]) -> int:
    conditions = (table.c.id.in_(ids), *_purgeable(table, before))
    with database.write() as connection:
        gone = list(connection.execute(sa.select(table.c.id).where(*conditions)).scalars())
        if table is models.task.tasks:
            info = models.task.task_info
            connection.execute(sa.delete(info).where(info.c.task_id.in_(gone)))
        if connection.execute(sa.delete(table).where(*conditions)).rowcount != len(gone):
            raise errors.StateChanged('Some of the rows are not deleted any more.')
        if table is IMAGES and gone:
            tombstones.bury(connection, gone, database.now())
    return len(gone)


def _purgeable(table: sa.Table, before: datetime.datetime) -> list[sa.ColumnElement[bool]]:
    """Return what holds for rows that can go."""
    found: list[sa.ColumnElement[bool]] = [table.c.deleted == sa.true(), table.c.deleted_at < before]
    if table is IMAGES:
        found.append(table.c.status != domain.PENDING_DELETE)
    elif table is not models.task.tasks:
        waiting = sa.select(IMAGES.c.id).where(IMAGES.c.id == table.c.image_id, IMAGES.c.status == domain.PENDING_DELETE)
        found.append(~waiting.exists())
    return found
