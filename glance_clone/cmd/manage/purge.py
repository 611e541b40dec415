# SPDX-License-Identifier: Apache-2.0
"""Actions that take deleted rows out of the database."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import sqlalchemy as sa
from oslo_log import log as logging

from glance_clone.cmd.manage.actions import Action
from glance_clone.cmd.manage.actions import Kind
from glance_clone.cmd.manage.actions import Option
from glance_clone.cmd.progress import Progress
from glance_clone.db import purge
from glance_clone.db.engine import Database

LOG = logging.getLogger(__name__)

_MOST_ROWS = 2**31 - 1
_EPOCH = datetime.datetime(1970, 1, 1)


def _purge(database: Database, age_in_days: int = 30, max_rows: int = 100) -> int:
    before = _time(database, age_in_days, max_rows)
    for table in purge.PURGED_TABLES:
        _purge_table(database, table, before, max_rows)
    return 0


def _purge_images_table(database: Database, age_in_days: int = 180, max_rows: int = 100) -> int:
    try:
        _purge_table(database, purge.IMAGES, _time(database, age_in_days, max_rows), max_rows)
    except purge.StillReferred as error:
        raise ValueError(f'{error} Run "glance-manage db purge" first, with the same --age_in_days.') from None
    return 0


def _time(database: Database, age_in_days: int, max_rows: int) -> datetime.datetime:
    """Return the time before which rows were deleted long enough ago.

    :raises ValueError: a value is out of bounds
    """
    now = database.now()
    if age_in_days < 0:
        raise ValueError('age_in_days must not be negative.')
    if age_in_days >= (now - _EPOCH).days:
        raise ValueError('age_in_days leads back before 1970; choose a smaller number.')
    if max_rows < -1:
        raise ValueError('max_rows must be -1, for all rows, or more.')
    if max_rows > _MOST_ROWS:
        raise ValueError(f'max_rows must be at most {_MOST_ROWS}.')
    return now - datetime.timedelta(days=age_in_days)


def _purge_table(database: Database, table: sa.Table, before: datetime.datetime, max_rows: int) -> None:
    found = purge.count(database, table, before)
    total = found if max_rows < 0 else min(found, max_rows)
    with Progress(f'Purging {table.name}', total, 'row') as progress:
        done = purge.purge(database, table, before, max_rows, progress.advance)
    LOG.info('Purged %d of %d deleted rows of the table %s.', done, found, table.name)
    print(f'{table.name}: {done} rows purged, {max(found - done, 0)} left.')


def _options(age: int) -> list[Option]:
    return [
        Option('age_in_days', Kind.NUMBER, f'days for which rows must have been deleted; {age} by default'),
        Option('max_rows', Kind.NUMBER, 'most rows to take out of one table, the oldest first; -1 for all, 100 by default'),
    ]


ACTIONS: Mapping[str, Action] = {
    'purge': Action(_purge, 'Take rows out that were deleted long ago, of all tables but the one of images.', _options(30)),
    'purge_images_table': Action(
        _purge_images_table,
        'Take rows of images out that were deleted long ago; their ids are never used again.',
        _options(180),
    ),
}
