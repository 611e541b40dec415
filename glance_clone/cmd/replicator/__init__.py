# SPDX-License-Identifier: Apache-2.0
"""``glance-replicator``: brings images from one image service to another, directly or by a directory.

Exit codes: 0 done, 1 wrong usage, or an image failed (the others were still done).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone import version
from glance_clone.cmd.replicator.commands import Replicator
from glance_clone.cmd.replicator.server import Failure

_PROJECT = 'glance'
_PROG = 'glance-replicator'

#: Options of the command line.
CLI_OPTS = [
    cfg.IntOpt('chunksize', short='c', default=65536, min=1, help='Bytes to transfer at a time.'),
    cfg.StrOpt(
        'dontreplicate',
        short='D',
        default='created_at date deleted_at location updated_at',
        help='Names of attributes and properties, separated by spaces, that are neither replicated nor compared.',
    ),
    cfg.BoolOpt('metaonly', short='m', default=False, help='Replicate what is said about images, not their data.'),
    cfg.StrOpt('token', short='t', default='', secret=True, help='Token for both servers.'),
    cfg.StrOpt('command', positional=True, required=False, help='What to do; "help" tells what there is.'),
    cfg.MultiStrOpt('args', positional=True, required=False, help='Servers and directories that the command is about.'),
]

#: Options of configuration files only, so that tokens need not stand on a command line that others can read.
TOKEN_OPTS = [
    cfg.StrOpt('sourcetoken', default='', secret=True, help='Token for the server that is read from.'),
    cfg.StrOpt('targettoken', default='', secret=True, help='Token for the server that is written to.'),
]

#: Commands with their arguments.
COMMANDS: Mapping[str, tuple[Callable[..., int], tuple[str, ...]]] = {
    'compare': (Replicator.compare, ('fromserver:port', 'toserver:port')),
    'dump': (Replicator.dump, ('server:port', 'path')),
    'livecopy': (Replicator.livecopy, ('fromserver:port', 'toserver:port')),
    'load': (Replicator.load, ('server:port', 'path')),
    'size': (Replicator.size, ('server:port',)),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    conf = cfg.CONF
    conf.register_cli_opts(CLI_OPTS)
    conf.register_opts(TOKEN_OPTS)
    logging.register_options(conf)
    # What scripts read is printed to standard output.
    conf.set_override('use_stderr', True)
    try:
        arguments = list(sys.argv[1:] if argv is None else argv)
        conf(arguments, _PROJECT, prog=_PROG, version=version.version_string())
        logging.setup(conf, _PROJECT)
        return _run(conf)
    except (Failure, ValueError, OSError, cfg.Error) as error:
        print(f'ERROR: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('Interrupted; run the command again to go on.', file=sys.stderr)
        return 130


def _run(conf: cfg.ConfigOpts) -> int:
    arguments = conf.args or []
    if not conf.command or conf.command == 'help':
        return _help(arguments[0] if arguments else None)
    function, names = _find(conf.command)
    if len(arguments) != len(names):
        raise ValueError(f'Usage: {_usage(conf.command)}')
    return function(Replicator(conf), *arguments)


def _find(command: str) -> tuple[Callable[..., int], tuple[str, ...]]:
    if command not in COMMANDS:
        raise ValueError(f'There is no command {command!r}; choose from {", ".join(COMMANDS)}.')
    return COMMANDS[command]


def _help(command: str | None) -> int:
    if command in (None, 'help'):
        print(f'Usage: {_PROG} [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:')
        for name, (function, _) in COMMANDS.items():
            print(f'  {name:10}{_summary(function)}')
        print(f'  {"help":10}Tell about a command.\n\n"{_PROG} --help" lists the options.')
    else:
        function, _ = _find(str(command))
        print(f'Usage: {_usage(str(command))}\n\n{_summary(function)}')
    return 0


def _summary(function: Callable[..., int]) -> str:
    return str(function.__doc__)


def _usage(command: str) -> str:
    return ' '.join([_PROG, '[OPTIONS]', command, *(f'<{name}>' for name in COMMANDS[command][1])])
