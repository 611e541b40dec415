# SPDX-License-Identifier: Apache-2.0
"""The directory in which each process keeps its numbers, so that any of them can tell the sum.

Numbers of dead processes count on, because counters must not fall while the service runs; they go when a process starts and
finds no other one alive. Each leaves an empty file, ``<pid>.process``, to be found by.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re

_NUMBERS = re.compile(r'(?P<kind>[a-z_]+)_(?P<pid>\d+)\.db')
_PROCESS = re.compile(r'(?P<kind>)(?P<pid>\d+)\.process')
_LOCK = '.lock'


def prepare(directory: str) -> None:
    """Make the directory ready for this process; remove what a service left that runs no more.

    :raises OSError: it cannot be used
    """
    os.makedirs(directory, mode=0o750, exist_ok=True)
    with open(os.path.join(directory, _LOCK), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        processes = _files(directory, _PROCESS)
        dead = [name for name, (_, pid) in processes.items() if not _is_alive(pid)]
        if len(dead) == len(processes):
            dead += _files(directory, _NUMBERS)
        _remove(directory, dead)
        with open(os.path.join(directory, f'{os.getpid()}.process'), 'w'):
            pass


def forget_gauges_of_the_dead(directory: str) -> None:
    """Remove what dead processes said of the present, such as how many transfers are under way."""
    found = _files(directory, _NUMBERS)
    _remove(directory, [name for name, (kind, pid) in found.items() if kind.startswith('gauge_live') and not _is_alive(pid)])


def _files(directory: str, pattern: re.Pattern[str]) -> dict[str, tuple[str, int]]:
    matches = {name: pattern.fullmatch(name) for name in os.listdir(directory)}
    return {name: (match['kind'], int(match['pid'])) for name, match in matches.items() if match}


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove(directory: str, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(directory, name))
