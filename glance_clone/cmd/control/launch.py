# SPDX-License-Identifier: Apache-2.0
"""Start a server in the background, alone or under a keeper that logs its output and starts it again when it fails."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import syslog
import threading
import time
from collections.abc import Sequence
from typing import IO

from glance_clone.cmd.control.pid_file import PidFile

#: Files that a server may have open at a time, where the system allows as many.
_DESCRIPTORS = 32768
#: A server that ends sooner than this, in seconds, is not started again: it would only do so for ever.
_SHORTEST_LIFE = 1.0
#: Seconds in which the system shows the command line of a program that it has started.
_LONGEST_BIRTH = 5.0


@dataclasses.dataclass(frozen=True)
class Way:
    """How a server is started.

    :ivar await_child: seconds to wait for it to end, whose status is then the result; 0: do not wait
    :ivar capture_output: whether what it prints goes to syslog, instead of nowhere
    :ivar respawn: whether it is started again when it fails
    """

    await_child: int = 0
    capture_output: bool = False
    respawn: bool = False


def command_of(server: str, configuration: str | None) -> list[str]:
    """Return the command line of a server.

    :param configuration: a file, or a directory of files; None for those that it finds by itself
    :raises RuntimeError: the program is not installed
    """
    beside = pathlib.Path(sys.argv[0]).resolve().parent
    path = os.pathsep.join([str(beside), os.path.dirname(sys.executable), os.environ.get('PATH', os.defpath)])
    program = shutil.which(server, path=path)
    if program is None:
        raise RuntimeError(f'The program {server} is not installed.')
    command = [program]
    if configuration is not None:
        option = '--config-dir' if os.path.isdir(configuration) else '--config-file'
        command += [option, os.path.abspath(configuration)]
    return command


def launch(command: Sequence[str], pid_file: PidFile, way: Way) -> int:
    """Start a server; return 0, or the exit status with which it ended while it was waited for."""
    if way.capture_output or way.respawn:
        return _Keeper(command, pid_file, way).start()
    process = _spawn(command, pid_file, subprocess.DEVNULL)
    return _await(process, way.await_child)


def _spawn(command: Sequence[str], pid_file: PidFile, output: int) -> subprocess.Popen[bytes]:
    """Start a server, and name its process once it can be told from others."""
    _raise_limits()
    process = subprocess.Popen(
        list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd='/', start_new_session=True
    )
    deadline = time.monotonic() + _LONGEST_BIRTH
    while process.poll() is None and not pid_file.is_server(process.pid) and time.monotonic() < deadline:
        # The system shows the command line of a new program a moment after it has begun.
        time.sleep(0.01)
    pid_file.write(process.pid)
    return process


def _raise_limits() -> None:
    """Let this process, and what it starts, open as many files as it may, up to a number that is surely enough."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if os.geteuid() == 0:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, max(_DESCRIPTORS, hard)))
            return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _await(process: subprocess.Popen[bytes], seconds: int) -> int:
    if not seconds:
        return 0
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return 0
    return status if status >= 0 else 128 - status


class _Keeper:
    """A process of its own that looks after a server."""

    def __init__(self, command: Sequence[str], pid_file: PidFile, way: Way):
        self._command = command
        self._pid_file = pid_file
        self._way = way

    def start(self) -> int:
        """Start the server by way of a keeper; return once it runs, or when the time to wait for its end is over."""
        reading, writing = os.pipe()
        if os.fork() == 0:
            os.close(reading)
            os.setsid()
            self._run_and_leave(writing)
        os.close(writing)
        with open(reading) as channel:
            # The keeper writes one line, the status, and closes.
            return int(channel.readline() or 1)

    def _run_and_leave(self, channel: int) -> None:
        """Be the keeper until the server ends for good."""
        status = 1
        try:
            _to_nowhere()
            syslog.openlog(self._pid_file.server, syslog.LOG_PID, syslog.LOG_DAEMON)
            self._keep(channel)
            status = 0
        except Exception as error:
            syslog.syslog(syslog.LOG_ERR, f'The keeper ends: {error}')
        finally:
            os._exit(status)

    def _keep(self, channel: int) -> None:
        while True:
            began = time.monotonic()
            process = self._spawn()
            if channel >= 0:
                os.write(channel, f'{_await(process, self._way.await_child)}\n'.encode())
                os.close(channel)
                channel = -1
            status = process.wait()
            if status == 0 or not self._way.respawn:
                return
            if time.monotonic() - began < _SHORTEST_LIFE:
                syslog.syslog(syslog.LOG_ERR, f'Not started again: it ended at once, with status {status}.')
                return
            syslog.syslog(syslog.LOG_WARNING, f'Started again: it ended with status {status}.')

    def _spawn(self) -> subprocess.Popen[bytes]:
        capture = self._way.capture_output
        process = _spawn(self._command, self._pid_file, subprocess.PIPE if capture else subprocess.DEVNULL)
        if process.stdout is not None:
            threading.Thread(target=_log, args=(process.stdout,), daemon=True).start()
        return process


def _log(output: IO[bytes]) -> None:
    for line in output:
        syslog.syslog(syslog.LOG_INFO, line.decode(errors='replace').rstrip())


def _to_nowhere() -> None:
    """Let go of the terminal."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)
