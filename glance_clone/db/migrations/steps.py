# SPDX-License-Identifier: Apache-2.0
"""The operations on schemas behind ``glance-manage db``.

Each can be killed at any time and run again. Operations that expand the shared schema bring this service's own tables
along.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic import util

from glance_clone.db.engine import Database
from glance_clone.db.migrations import ddl
from glance_clone.db.migrations.lineage import CONTRACT_HEAD
from glance_clone.db.migrations.lineage import EXPAND_HEAD
from glance_clone.db.migrations.lineage import OLDER
from glance_clone.db.migrations.lineage import Lineage
from glance_clone.db.migrations.lineage import SchemaError
from glance_clone.db.migrations.lineage import require_known

EXPAND_NEEDED, MIGRATE_NEEDED, CONTRACT_NEEDED = 3, 4, 5

_ROLLING_ENGINES = ('mysql', 'sqlite')
_NEWEST = ('head', 'heads')


def version(database: Database) -> list[str]:
    """Return the recorded revisions of the shared schema."""
    with database.read() as connection:
        return sorted(Lineage.FROZEN.recorded(connection))


def check(database: Database) -> int:
    """Return 0 if nothing is to be done, else which step is: 3 expand, 4 migrate, 5 contract.

    No data migration belongs to the present heads, so 4 is not returned in this version.
    """
    _require_rolling(database)
    if not _is_expanded(database):
        return EXPAND_NEEDED
    return 0 if CONTRACT_HEAD in _recorded(database) else CONTRACT_NEEDED


def sync(database: Database) -> bool:
    """Bring any database to the newest schema; False if it was there already."""
    if CONTRACT_HEAD in _recorded(database) and _is_expanded(database):
        return False
    _upgrade(database, 'heads')
    return True


def upgrade(database: Database, revision: str) -> list[str]:
    """Upgrade the shared schema to a revision; return what is recorded then.

    :raises SchemaError: no such revision, or one that is too old to be made
    """
    if revision in OLDER:
        if not _recorded(database):
            raise SchemaError(f'This version cannot make a schema as old as {revision}; leave the revision out.')
    else:
        _upgrade(database, 'heads' if revision in _NEWEST else revision)
    return version(database)


def version_control(database: Database, revision: str) -> list[str]:
    """Record a revision of the shared schema without changing any table of it; return what is recorded then.

    :raises SchemaError: no such revision
    """
    revision = CONTRACT_HEAD if revision in _NEWEST else revision
    if revision not in OLDER | {EXPAND_HEAD, CONTRACT_HEAD}:
        raise SchemaError(f'There is no revision {revision}.')
    record = Lineage.FROZEN.record
    with database.write() as connection:
        record.create(connection, checkfirst=True)
        connection.execute(sa.delete(record))
        connection.execute(sa.insert(record).values(version_num=revision))
    return [revision]


def expand(database: Database) -> bool:
    """Add what the newest schema has more; False if it is there."""
    _require_rolling(database)
    if _is_expanded(database):
        return False
    _upgrade(database, 'expand@head')
    return True


def migrate(database: Database) -> int:
    """Move data from old to new columns; return the number of rows moved.

    :raises SchemaError: the schema is not expanded yet
    """
    _require_expanded(database)
    return 0


def contract(database: Database) -> bool:
    """Remove what the newest schema has no more; False if it is gone.

    :raises SchemaError: the schema is not expanded yet
    """
    _require_expanded(database)
    if CONTRACT_HEAD in _recorded(database):
        return False
    _upgrade(database, 'contract@head')
    return True


def _recorded(database: Database) -> set[str]:
    with database.read() as connection:
        recorded = Lineage.FROZEN.recorded(connection)
    require_known(recorded)
    return recorded


def _is_expanded(database: Database) -> bool:
    """Tell whether all tables and columns are there, this service's own included."""
    with database.read() as connection:
        own = Lineage.OWN.recorded(connection)
    return bool(_recorded(database) & {EXPAND_HEAD, CONTRACT_HEAD}) and own == Lineage.OWN.heads()


def _require_rolling(database: Database) -> None:
    if database.backend not in _ROLLING_ENGINES:
        raise SchemaError(
            f'Rolling upgrades are for MySQL, MariaDB and SQLite, not {database.backend}; run "glance-manage db sync".'
        )


def _require_expanded(database: Database) -> None:
    _require_rolling(database)
    if not _is_expanded(database):
        raise SchemaError('The schema is not expanded yet; run "glance-manage db expand" first.')


def _upgrade(database: Database, revision: str) -> None:
    """Upgrade the shared schema to a revision, then our own to its newest."""
    try:
        with database.write() as connection:
            ddl.keep_others_out(connection)
            _upgrade_frozen(connection, revision)
            command.upgrade(Lineage.OWN.config(connection), 'heads')
    except util.CommandError as error:
        raise SchemaError(f'The schema cannot be upgraded to {revision}: {error}') from None


def _upgrade_frozen(connection: sa.Connection, revision: str) -> None:
    recorded = Lineage.FROZEN.recorded(connection)
    require_known(recorded)
    if EXPAND_HEAD in recorded and revision in (EXPAND_HEAD, 'expand@head'):
        return
    if recorded & OLDER:
        # The contraction that is recorded is contained in the one that follows the expansion.
        record = Lineage.FROZEN.record
        connection.execute(sa.delete(record).where(record.c.version_num.in_(OLDER)))
    command.upgrade(Lineage.FROZEN.config(connection), revision)
