# SPDX-License-Identifier: Apache-2.0
"""``glance-manage``: operations on the database, and on the stores.

Results that scripts read go to standard output, everything else to standard error. Exit codes are what deployment tools
branch on: 0 done, 1 failed, 2 wrong usage, and of ``db check`` 3, 4 or 5 for the step that is needed. The actions are in the
other modules of this package, one for each group of them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_log import log as logging
from sqlalchemy import exc as sa_exc

from glance_clone import bootstrap
from glance_clone.cmd.manage import locations
from glance_clone.cmd.manage import metadefs
from glance_clone.cmd.manage import purge
from glance_clone.cmd.manage import schema
from glance_clone.cmd.manage import store
from glance_clone.cmd.manage.actions import Action
from glance_clone.db.engine import reason
from glance_clone.db.migrations.lineage import SchemaError
from glance_clone.domain import errors

_GROUPS: Sequence[Mapping[str, Action]] = (locations.ACTIONS, metadefs.ACTIONS, purge.ACTIONS, schema.ACTIONS)

#: Actions by name, of ``db ACTION`` and ``db_ACTION``.
ACTIONS: Mapping[str, Action] = dict(sorted(item for actions in _GROUPS for item in actions.items()))


def _add_commands(subparsers: Any) -> None:
    actions = subparsers.add_parser('db', help='operations on the database').add_subparsers(dest='action')
    for name, action in ACTIONS.items():
        for parsers, word in ((actions, name), (subparsers, f'db_{name}')):
            parser = parsers.add_parser(word, help=action.help, description=action.help)
            action.add_to(parser)
            parser.set_defaults(action=name, actions=ACTIONS)
    actions = subparsers.add_parser('store', help='operations on the stores').add_subparsers(dest='action')
    for name, action in store.ACTIONS.items():
        parser = actions.add_parser(name, help=action.help, description=action.help)
        action.add_to(parser)
        parser.set_defaults(action=name, actions=store.ACTIONS)


def _run(conf: cfg.ConfigOpts) -> int:
    command = conf.command
    if not getattr(command, 'action', None):
        known = {'store': store.ACTIONS}.get(command.name, ACTIONS)
        print(f'The actions of "glance-manage {command.name}" are: ' + ', '.join(known))
        return 2
    action = command.actions[command.action]
    if len(command.action_args) > len(action.positional):
        print(f'ERROR: {command.action} takes at most {len(action.positional)} values.', file=sys.stderr)
        return 2
    return action.perform(conf, command, command.action_args)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    conf = cfg.CONF
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        print('usage: glance-manage [--config-file FILE] [--config-dir DIR] db|store ACTION [OPTIONS]')
        return 2
    conf.register_cli_opt(cfg.SubCommandOpt('command', title='Commands', handler=_add_commands))
    logging.register_options(conf)
    conf.set_override('use_stderr', True)
    try:
        bootstrap.load_config(conf, arguments, 'glance-manage', _config_files())
        return _run(conf)
    except (db_exc.DBError, sa_exc.SQLAlchemyError) as error:
        print(f'ERROR: The database cannot be used. {reason(error)}', file=sys.stderr)
    except (SchemaError, ValueError, cfg.Error, errors.ImageServiceError) as error:
        print(f'ERROR: {error}', file=sys.stderr)
    return 1


def _config_files() -> list[str]:
    """Return the files to read, of which later ones override earlier ones."""
    programs = ('glance-api', 'glance-manage')
    found = [path for program in programs for path in cfg.find_config_files(project=bootstrap.PROJECT, prog=program)]
    return list(dict.fromkeys(found))
