# SPDX-License-Identifier: Apache-2.0
"""The ids of purged images: written by whoever purges, read when somebody chooses an id for a new image (P5)."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import sqlalchemy as sa

from glance_clone.db.models.tombstone import tombstones

_BURIED = sa.select(tombstones.c.image_id).where(tombstones.c.image_id == sa.bindparam('image_id'))


def bury(connection: sa.Connection, image_ids: Collection[str], now: datetime.datetime) -> None:
    """Remember the ids of images, in the transaction that deletes their rows; ids that are remembered already stay so.

    :param now: UTC without time zone
    """
    known = sa.select(tombstones.c.image_id).where(tombstones.c.image_id.in_(list(image_ids)))
    new = set(image_ids) - set(connection.execute(known).scalars())
    if new:
        connection.execute(sa.insert(tombstones), [{'image_id': image_id, 'purged_at': now} for image_id in sorted(new)])


def is_buried(connection: sa.Connection, image_id: str) -> bool:
    """Tell whether an id was that of an image which was purged.

    Ask after the row of the new image was inserted: by then, a purge of the old one is either over or can no more begin.
    """
    return connection.execute(_BURIED, {'image_id': image_id}).first() is not None
