# SPDX-License-Identifier: Apache-2.0
"""Which processes serve a port, and how much CPU they have used; from /proc."""

from __future__ import annotations

import contextlib
import glob
import os
import pathlib

_TICKS = os.sysconf('SC_CLK_TCK')
_LISTEN = '0A'


def serving(port: int) -> set[int]:
    """Return the processes that listen on a TCP port of this machine, and all that they started.

    :raises LookupError: nobody listens there, or the processes are another user's
    """
    sockets = _sockets(port)
    holders = {pid for pid in _pids() if sockets & _open_sockets(pid)}
    if not holders:
        raise LookupError(f'No process of yours listens on port {port}.')
    return _with_descendants(holders)


def cpu_seconds(pids: set[int]) -> float:
    """Return the CPU time that processes have used so far, in user mode and in the kernel, with that of children that ended."""
    return sum(_cpu_ticks(pid) for pid in pids) / _TICKS


def forget_peak(pids: set[int]) -> None:
    """Let the peak of the memory of processes be what they have now."""
    for pid in pids:
        with contextlib.suppress(OSError):
            pathlib.Path(f'/proc/{pid}/clear_refs').write_text('5')


def resident(pids: set[int]) -> dict[int, int]:
    """Return the bytes of memory that each process has now."""
    return {pid: _memory(pid, 'VmRSS') for pid in pids}


def growth(pids: set[int], before: dict[int, int]) -> int:
    """Return by how many bytes memory was greater at its peak than before, of the process where it grew most."""
    return max((_memory(pid, 'VmHWM') - before[pid] for pid in pids), default=0)


def _memory(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
            if line.startswith(f'{name}:'):
                return int(line.split()[1]) * 1024
    return 0


def parse_stat(text: str) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may itself hold blanks and parentheses."""
    return text.rpartition(')')[2].split()


def _cpu_ticks(pid: int) -> int:
    with contextlib.suppress(OSError):
        return sum(int(field) for field in parse_stat(pathlib.Path(f'/proc/{pid}/stat').read_text())[11:15])
    return 0


def _sockets(port: int) -> set[str]:
    found = set()
    for path in ('/proc/net/tcp', '/proc/net/tcp6'):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(path).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(':')[2], 16) == port:
                    found.add(f'socket:[{fields[9]}]')
    return found


def _open_sockets(pid: int) -> set[str]:
    found = set()
    for path in glob.glob(f'/proc/{pid}/fd/*'):
        with contextlib.suppress(OSError):
            found.add(os.readlink(path))
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir('/proc') if name.isdigit()]


def _with_descendants(pids: set[int]) -> set[int]:
    parents = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            parents[pid] = int(parse_stat(pathlib.Path(f'/proc/{pid}/stat').read_text())[1])
    found, grown = set(pids), True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        grown = bool(more)
        found |= more
    return found
