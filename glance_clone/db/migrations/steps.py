# SPDX-License-Identifier: Apache-2.0
"""The operations on schemas behind ``glance-manage db``.

Each can be killed at any time and run again. Operations on the shared schema bring this service's own tables along.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic import util
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.migrations.lineage import CONTRACT_HEAD
from glance_clone.db.migrations.lineage import EXPAND_HEAD
from glance_clone.db.migrations.lineage import Lineage
from glance_clone.db.migrations.lineage import SchemaError
from glance_clone.db.migrations.lineage import require_known

EXPAND_NEEDED, MIGRATE_NEEDED, CONTRACT_NEEDED = 3, 4, 5

_ROLLING_ENGINES = ('mysql', 'mariadb', 'sqlite')


def version(database: Database) -> list[str]:
    """Return the recorded revisions of the shared schema."""
    with database.write() as connection:
        return sorted(Lineage.FROZEN.recorded(connection))


def check(database: Database) -> int:
    """Return 0 if nothing is to be done, else which step is: 3 expand, 4 migrate, 5 contract.

    No data migration belongs to the present heads, so 4 is not returned in this version.
    """
    _require_rolling(database)
    recorded = _recorded(database)
    if CONTRACT_HEAD in recorded:
        return 0
    return CONTRACT_NEEDED if EXPAND_HEAD in recorded else EXPAND_NEEDED


def sync(database: Database) -> bool:
    """Bring any database to the newest schema; False if it was there already."""
    recorded = _recorded(database)
    with database.write() as connection:
        own = Lineage.OWN.recorded(connection)
    if CONTRACT_HEAD in recorded and own == Lineage.OWN.heads():
        return False
    if CONTRACT_HEAD not in recorded:
        _upgrade(database, Lineage.FROZEN, 'heads')
    _upgrade(database, Lineage.OWN, 'heads')
    return True


def upgrade(database: Database, revision: str) -> list[str]:
    """Upgrade the shared schema to a revision; return what is recorded then.

    :raises SchemaError: no such revision
    """
    recorded = _recorded(database)
    if not (revision in ('head', 'heads') and CONTRACT_HEAD in recorded):
        _upgrade(database, Lineage.FROZEN, 'heads' if revision == 'head' else revision)
    _upgrade(database, Lineage.OWN, 'heads')
    return version(database)


def version_control(database: Database, revision: str) -> None:
    """Record a revision of the shared schema without changing any table of it."""
    with database.write() as connection:
        metadata = sa.MetaData()
        table = sa.Table(
            'alembic_version',
            metadata,
            sa.Column('version_num', sa.String(32), nullable=False),
            sa.PrimaryKeyConstraint('version_num', name='alembic_version_pkc'),
        )
        metadata.create_all(connection)
        connection.execute(sa.delete(table))
        connection.execute(sa.insert(table).values(version_num=revision))


def expand(database: Database) -> bool:
    """Add what the newest schema has more; False if it is there."""
    _require_rolling(database)
    recorded = _recorded(database)
    expanded = bool(recorded & {EXPAND_HEAD, CONTRACT_HEAD})
    if not expanded:
        _upgrade(database, Lineage.FROZEN, 'expand@head')
    _upgrade(database, Lineage.OWN, 'heads')
    return not expanded


def migrate(database: Database) -> int:
    """Move data from old to new columns; return the number of rows moved.

    :raises SchemaError: the schema is not expanded yet
    """
    _require_rolling(database)
    if not _recorded(database) & {EXPAND_HEAD, CONTRACT_HEAD}:
        raise SchemaError('The schema is not expanded yet; run "glance-manage db expand" first.')
    return 0


def contract(database: Database) -> bool:
    """Remove what the newest schema has no more; False if it is gone.

    :raises SchemaError: the schema is not expanded yet
    """
    _require_rolling(database)
    recorded = _recorded(database)
    if CONTRACT_HEAD in recorded:
        return False
    if EXPAND_HEAD not in recorded:
        raise SchemaError('The schema is not expanded yet; run "glance-manage db expand" first.')
    _upgrade(database, Lineage.FROZEN, 'contract@head')
    return True


def _recorded(database: Database) -> set[str]:
    with database.write() as connection:
        recorded = Lineage.FROZEN.recorded(connection)
    require_known(recorded)
    return recorded


def _require_rolling(database: Database) -> None:
    dialect = database.engine.dialect.name
    if dialect not in _ROLLING_ENGINES:
        raise SchemaError(f'Rolling upgrades are for MySQL, MariaDB and SQLite, not {dialect}; run "glance-manage db sync".')


def _upgrade(database: Database, lineage: Lineage, revision: str) -> None:
    try:
        with database.write() as connection:
            command.upgrade(lineage.config(connection), revision)
    except util.CommandError as error:
        raise SchemaError(f'The schema cannot be upgraded to {revision}: {error}') from None
    except db_exc.DBError as error:
        raise SchemaError(f'The database refused a change of its schema: {error}') from error
