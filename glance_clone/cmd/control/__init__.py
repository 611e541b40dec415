# SPDX-License-Identifier: Apache-2.0
"""``glance-control``: starts and stops the standalone server and the scrubber in the background.

Exit codes: 0 done, or there was nothing to do; 1 it cannot be done; 2 wrong usage; with ``--await-child``, that of the server.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

from oslo_config import cfg

from glance_clone import version
from glance_clone.cmd.control import launch
from glance_clone.cmd.control.pid_file import PidFile

_PROG = 'glance-control'
API, SCRUBBER = 'glance-api', 'glance-scrubber'
_SERVERS: Mapping[str, Sequence[str]] = {
    'all': (API, SCRUBBER),
    'api': (API,),
    'scrubber': (SCRUBBER,),
    API: (API,),
    SCRUBBER: (SCRUBBER,),
}

#: Seconds that a server gets to end.
_PATIENCE = 15.0

CLI_OPTS = [
    cfg.StrOpt('pid-file', metavar='PATH', help='File that names the process; default: /var/run/glance/SERVER.pid.'),
    cfg.IntOpt(
        'await-child',
        metavar='DELAY',
        default=0,
        min=0,
        help='Wait so many seconds for a started server to end, and then end with its exit status.',
    ),
    cfg.BoolOpt('capture-output', default=False, help='Send what the server prints to syslog instead of nowhere.'),
    cfg.BoolOpt('respawn', default=False, help='Start the server again when it fails.'),
    cfg.StrOpt('server', positional=True, required=False, help=f'One of {", ".join(_SERVERS)}.'),
    cfg.StrOpt('command', positional=True, required=False, help='What to do; see the commands below.'),
    cfg.StrOpt('confpath', positional=True, required=False, help='Configuration file or directory for the server.'),
]


class Refused(RuntimeError):
    """Something cannot be done; the text says why."""


class Control:
    """One server.

    :param server: name of its program
    """

    def __init__(self, conf: cfg.ConfigOpts, server: str):
        self._conf = conf
        self._server = server
        self._pid_file = PidFile(server, conf.pid_file)

    def start(self) -> int:
        """Start the server unless it runs."""
        pid = self._pid_file.pid()
        if pid is not None:
            print(f'{self._server} is already running, as process {pid}.')
            return 0
        command = launch.command_of(self._server, self._conf.confpath)
        if self._server == SCRUBBER:
            command.append('--daemon')
        self._pid_file.prepare()
        print(f'Starting {self._server}.')
        way = launch.Way(self._conf.await_child, self._conf.capture_output, self._conf.respawn)
        return launch.launch(command, self._pid_file, way)

    def status(self) -> int:
        """Tell whether the server runs."""
        pid = self._pid_file.pid()
        print(f'{self._server} is stopped.' if pid is None else f'{self._server} (pid {pid}) is running.')
        return 0

    def stop(self) -> int:
        """Stop the server: requests that run get 15 seconds to end."""
        pid = self._signal(signal.SIGTERM)
        if pid is not None and not self._ended(pid, _PATIENCE):
            # Asked a second time, it ends what still runs.
            self._signal(signal.SIGTERM)
            self._ended(pid, _PATIENCE)
        return self._forget(pid)

    def shutdown(self) -> int:
        """Stop the server, and let requests that run end as the configuration says, also when this command has ended."""
        pid = self._signal(signal.SIGTERM)
        if pid is not None:
            self._ended(pid, _PATIENCE)
        return self._forget(pid)

    def restart(self) -> int:
        """Stop the server if it runs, and start it."""
        self.stop()
        return self.start()

    def reload(self) -> int:
        """Have the server read its configuration anew.

        :raises Refused: it cannot do that, or does not run
        """
        if self._server != API:
            raise Refused(f'{self._server} cannot reload; restart it.')
        pid = self._signal(signal.SIGHUP)
        if pid is None:
            raise Refused(f'{self._server} does not run, so it cannot reload.')
        return 0

    def _signal(self, number: signal.Signals) -> int | None:
        """Send a signal to the server; return its process, None if it does not run."""
        pid = self._pid_file.pid()
        if pid is None:
            print(f'{self._server} is not running.')
            return None
        try:
            os.kill(pid, number)
        except PermissionError:
            raise Refused(f'Process {pid} belongs to another user; run this as that user or as root.') from None
        except ProcessLookupError:
            return None
        print(f'Sent {number.name} to {self._server}, process {pid}.')
        return pid

    def _ended(self, pid: int, seconds: float) -> bool:
        """Wait for a process to end; tell whether it did in time."""
        deadline = time.monotonic() + seconds
        while self._pid_file.is_server(pid):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _forget(self, pid: int | None) -> int:
        if pid is not None and self._pid_file.is_server(pid):
            print(f'{self._server}, process {pid}, takes no more requests and ends when those that run are done.')
        self._pid_file.remove()
        return 0


COMMANDS: Mapping[str, Callable[[Control], int]] = {
    'start': Control.start,
    'status': Control.status,
    'stop': Control.stop,
    'shutdown': Control.shutdown,
    'restart': Control.restart,
    'reload': Control.reload,
    'force-reload': Control.reload,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    conf = cfg.CONF
    conf.register_cli_opts(CLI_OPTS)
    try:
        arguments = list(sys.argv[1:] if argv is None else argv)
        conf(arguments, 'glance', prog=_PROG, version=version.version_string())
        if conf.server not in _SERVERS or conf.command not in COMMANDS:
            return _usage(conf)
        return _run(conf)
    except (RuntimeError, OSError, cfg.Error) as error:
        print(f'ERROR: {error}', file=sys.stderr)
        return 1


def _run(conf: cfg.ConfigOpts) -> int:
    servers = _SERVERS[conf.server]
    if conf.await_child and conf.respawn:
        raise Refused('--await-child and --respawn exclude each other.')
    if conf.pid_file and len(servers) > 1:
        raise Refused('--pid-file names the process of one server; name the server.')
    return max(COMMANDS[conf.command](Control(conf, server)) for server in servers)


def _usage(conf: cfg.ConfigOpts) -> int:
    """Tell what is missing or unknown; return the exit code."""
    for what, word, choices in (('server', conf.server, _SERVERS), ('command', conf.command, COMMANDS)):
        if word not in choices:
            problem = f'there is no {what} {word!r}' if word else f'no {what} is named'
            print(f'usage: {_PROG} [OPTIONS] SERVER COMMAND [CONFPATH]', file=sys.stderr)
            print(f'{_PROG}: error: {problem}; choose from {", ".join(choices)}', file=sys.stderr)
            return 2
    return 0
