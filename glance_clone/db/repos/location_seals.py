# SPDX-License-Identifier: Apache-2.0
"""Bringing the seals of all locations up to date, while the service runs (D-14)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.models import image as tables
from glance_clone.domain.location import UNREADABLE

_columns = tables.locations.c
_BATCH = 200


@dataclasses.dataclass(slots=True)
class Outcome:
    """How many locations there were: those sealed anew, those that needed nothing, those that no key opens."""

    changed: int = 0
    current: int = 0
    unreadable: int = 0


class LocationSeals:
    """The seals of the locations of all images, deleted ones included."""

    def __init__(self, database: Database):
        self._database = database

    @repeatable
    def count(self) -> int:
        """Return how many locations there are."""
        with self._database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(tables.locations)).scalar_one())

    def renew(self, advance: Callable[[int], None]) -> Outcome:
        """Seal every location in the form and with the key of the configuration; can be repeated at any time.

        :param advance: called with the number of locations looked at since the last call
        """
        outcome, last = Outcome(), 0
        while rows := self._after(last):
            for row in rows:
                self._renew(row, outcome)
            last = rows[-1].id
            advance(len(rows))
        return outcome

    @repeatable
    def _after(self, last: int) -> Sequence[sa.Row[Any]]:
        statement = sa.select(_columns.id, _columns.image_id, _columns.value).where(_columns.id > last)
        with self._database.read() as connection:
            return connection.execute(statement.order_by(_columns.id).limit(_BATCH)).all()

    def _renew(self, row: sa.Row[Any], outcome: Outcome) -> None:
        seals = self._database.sealing
        if seals.is_current(row.value):
            outcome.current += 1
            return
        url = seals.unseal(row.image_id, row.value)
        if url == UNREADABLE:
            outcome.unreadable += 1
            return
        self._replace(row, seals.seal(row.image_id, url))
        outcome.changed += 1

    @repeatable
    def _replace(self, row: sa.Row[Any], value: str) -> None:
        # Who changed the location meanwhile has sealed it.
        same = (_columns.id == row.id, _columns.value == row.value)
        with self._database.write() as connection:
            connection.execute(sa.update(tables.locations).where(*same).values(value=value))
