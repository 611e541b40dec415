# SPDX-License-Identifier: Apache-2.0
"""Which images there are and how many, and whether the database can be asked at all."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import exc as sa_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import reason
from glance_clone.db.engine import repeatable
from glance_clone.db.models import image as tables
from glance_clone.db.repos.cached_images import batches
from glance_clone.domain import errors

_images = tables.images.c
_ALIVE = _images.deleted == sa.false()
_BY_STATUS = (
    sa.select(_images.status, sa.func.count(), sa.func.sum(_images.size))
    .where(_ALIVE)
    .group_by(_images.status)
    .order_by(_images.status)
)


class Census:
    """See :class:`glance_clone.domain.cache.ImageCensus`."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def existing(self, image_ids: Collection[str]) -> set[str]:
        """Return the ids of images that are not deleted."""
        found: set[str] = set()
        with self._database.read() as connection:
            for batch in batches(image_ids):
                statement = sa.select(_images.id).where(_images.id.in_(batch), _ALIVE)
                found.update(connection.execute(statement).scalars())
        return found

    @repeatable
    def by_status(self) -> list[tuple[str, int, int]]:
        """Return (status, number, bytes) of the images that are not deleted, each counted once; one pass over the table."""
        with self._database.read() as connection:
            return [(status, count, int(size or 0)) for status, count, size in connection.execute(_BY_STATUS)]

    def check(self) -> None:
        """Look at the table of images, once.

        :raises DatabaseUnavailable: that is not possible now; the text is for operators
        """
        try:
            with self._database.read() as connection:
                connection.execute(sa.select(_images.id).limit(1)).first()
        except (db_exc.DBError, sa_exc.SQLAlchemyError) as error:
            raise errors.DatabaseUnavailable(reason(error)) from error
