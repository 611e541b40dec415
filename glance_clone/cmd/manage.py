# SPDX-License-Identifier: Apache-2.0
"""``glance-manage``: operations on the database.

Results that scripts read go to standard output, everything else to standard error. Exit codes are what deployment tools
branch on: 0 done, 1 failed, 2 wrong usage, and of ``db check`` 3, 4 or 5 for the step that is needed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_log import log as logging
from sqlalchemy import exc as sa_exc

from glance_clone import bootstrap
from glance_clone.db.engine import Database
from glance_clone.db.engine import reason
from glance_clone.db.migrations import steps
from glance_clone.db.migrations.lineage import SchemaError

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
    """Bring the schema up to date; the version is accepted and has no effect."""
    if steps.sync(database):
        print('Database synced: expanded, migrated and contracted to the newest schema.')
    else:
        print('Database is up to date. No migrations needed.')
    return 0


def _upgrade(database: Database, version: str | None = None) -> int:
    print('Database upgraded to: ' + ', '.join(steps.upgrade(database, version or 'heads')))
    return 0


def _version_control(database: Database, version: str | None = None) -> int:
    revision = version or 'liberty'
    print('Database is recorded to be at: ' + ', '.join(steps.version_control(database, revision)))
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


#: Actions and the names of the values that they take.
ACTIONS: dict[str, tuple[Callable[..., int], tuple[str, ...]]] = {
    'check': (_check, ()),
    'contract': (_contract, ()),
    'expand': (_expand, ()),
    'migrate': (_migrate, ()),
    'sync': (_sync, ('version',)),
    'upgrade': (_upgrade, ('version',)),
    'version': (_version, ()),
    'version_control': (_version_control, ('version',)),
}


def _add_commands(subparsers: Any) -> None:
    actions = subparsers.add_parser('db', help='operations on the database').add_subparsers(dest='action')
    for name, (function, values) in ACTIONS.items():
        parser = actions.add_parser(name, help=(function.__doc__ or '').partition(';')[0])
        for value in values:
            parser.add_argument(f'--{value}', metavar=f'<{value}>')
        parser.add_argument('action_args', nargs='*', help=argparse.SUPPRESS)
        parser.set_defaults(action=name)
        joined = subparsers.add_parser(f'db_{name}')
        joined.add_argument('action_args', nargs='*', metavar='value')
        joined.set_defaults(action=name)


def _run(conf: cfg.ConfigOpts) -> int:
    command = conf.command
    if not getattr(command, 'action', None):
        print('The actions of "glance-manage db" are: ' + ', '.join(ACTIONS))
        return 2
    function, names = ACTIONS[command.action]
    values = {name: getattr(command, name, None) for name in names}
    if len(command.action_args) > len(names):
        print(f'ERROR: {command.action} takes at most {len(names)} values.', file=sys.stderr)
        return 2
    values.update(zip(names, command.action_args, strict=False))
    return function(Database(conf, patient=True), **values)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    conf = cfg.CONF
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        print('usage: glance-manage [--config-file FILE] [--config-dir DIR] db ACTION [OPTIONS]')
        return 2
    conf.register_cli_opt(cfg.SubCommandOpt('command', title='Commands', handler=_add_commands))
    logging.register_options(conf)
    conf.set_override('use_stderr', True)
    try:
        bootstrap.load_config(conf, arguments, 'glance-manage', _config_files())
        return _run(conf)
    except (db_exc.DBError, sa_exc.SQLAlchemyError) as error:
        print(f'ERROR: The database cannot be used. {reason(error)}', file=sys.stderr)
    except (SchemaError, ValueError, cfg.Error) as error:
        print(f'ERROR: {error}', file=sys.stderr)
    return 1


def _config_files() -> list[str]:
    """Return the files to read, of which later ones override earlier ones."""
    programs = ('glance-api', 'glance-manage')
    found = [path for program in programs for path in cfg.find_config_files(project=bootstrap.PROJECT, prog=program)]
    return list(dict.fromkeys(found))


if __name__ == '__main__':
    sys.exit(main())
