# SPDX-License-Identifier: Apache-2.0
"""Actions on the schema of the database."""

from __future__ import annotations

from collections.abc import Mapping

from glance_clone.cmd.manage.actions import Action
from glance_clone.cmd.manage.actions import Kind
from glance_clone.cmd.manage.actions import Option
from glance_clone.db.engine import Database
from glance_clone.db.migrations import steps

_NEXT_STEP = {
    0: 'The database is up to date.',
    steps.EXPAND_NEEDED: 'The database needs to be expanded: run "glance-manage db expand".',
    steps.MIGRATE_NEEDED: 'Data needs to be migrated: run "glance-manage db migrate".',
    steps.CONTRACT_NEEDED: 'The database needs to be contracted: run "glance-manage db contract".',
}


def _version(database: Database) -> int:
    print('\n'.join(steps.version(database)) or 'The database has no schema yet: run "glance-manage db sync".')
    return 0


def _check(database: Database) -> int:
    code = steps.check(database)
    print(_NEXT_STEP[code])
    return code


def _sync(database: Database, version: str | None = None) -> int:
    if steps.sync(database):
        print('Database synced: expanded, migrated and contracted to the newest schema.')
    else:
        print('Database is up to date. No migrations needed.')
    return 0


def _upgrade(database: Database, version: str = 'heads') -> int:
    print('Database upgraded to: ' + ', '.join(steps.upgrade(database, version)))
    return 0


def _version_control(database: Database, version: str = 'liberty') -> int:
    print('Database is recorded to be at: ' + ', '.join(steps.version_control(database, version)))
    return 0


def _expand(database: Database) -> int:
    print('Database expanded.' if steps.expand(database) else 'Database is up to date. No expansion needed.')
    return 0


def _migrate(database: Database) -> int:
    rows = steps.migrate(database)
    print(f'Migrated {rows} rows.' if rows else 'Database migration is up to date. No migration needed.')
    return 0


def _contract(database: Database) -> int:
    changed = steps.contract(database)
    print('Database contracted to: ' + ', '.join(steps.version(database)) if changed else 'Database is up to date.')
    return 0


ACTIONS: Mapping[str, Action] = {
    'check': Action(_check, 'Tell by the exit status what an upgrade has to do: 0 nothing, 3 expand, 4 migrate, 5 contract.'),
    'contract': Action(_contract, 'Remove what the newest schema has no more; last step of an upgrade.'),
    'expand': Action(_expand, 'Add what the newest schema has more; first step of an upgrade.'),
    'migrate': Action(_migrate, 'Move data from old to new columns; second step of an upgrade.'),
    'sync': Action(
        _sync,
        'Create the schema or bring it up to date, in one step.',
        [Option('version', Kind.TEXT, 'accepted, and without any effect')],
    ),
    'upgrade': Action(
        _upgrade,
        'Upgrade to a revision of the schema.',
        [Option('version', Kind.TEXT, 'the revision; the newest by default')],
    ),
    'version': Action(_version, 'Print the revisions that the database is at.'),
    'version_control': Action(
        _version_control,
        'Record that the database is at a revision, without changing a table.',
        [Option('version', Kind.TEXT, 'the revision; liberty by default')],
    ),
}
