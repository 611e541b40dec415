# SPDX-License-Identifier: Apache-2.0
"""The directory in which each process keeps its numbers, so that any of them can tell the sum.

Numbers of dead processes count on, because counters must not fall while the service runs; they go when the whole service
has ended.
"""

from __future__ import annotations

import contextlib
import os
import re

_NAME = re.compile(r'(?P<kind>[a-z_]+)_(?P<pid>\d+)\.db')


def prepare(directory: str) -> None:
    """Create the directory; remove what a service left that runs no more.

    :raises OSError: it cannot be used
    """
    os.makedirs(directory, mode=0o750, exist_ok=True)
    found = _files(directory)
    if not any(_is_alive(pid) for _, pid in found.values()):
        _remove(directory, list(found))


def forget_gauges_of_the_dead(directory: str) -> None:
    """Remove what dead processes said of the present, such as how many transfers are under way."""
    found = _files(directory)
    _remove(directory, [name for name, (kind, pid) in found.items() if kind.startswith('gauge_live') and not _is_alive(pid)])


def _files(directory: str) -> dict[str, tuple[str, int]]:
    matches = {name: _NAME.fullmatch(name) for name in os.listdir(directory)}
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
