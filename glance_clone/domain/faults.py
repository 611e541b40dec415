# SPDX-License-Identifier: Apache-2.0
"""Named places at which tests make a process die without notice; nothing happens at them otherwise.

The environment variable ``GLANCE_CLONE_DIE_AT`` holds the name of one, or ``name:file``: then the process dies only if it
can remove that file, so that it happens once however many processes there are.
"""

from __future__ import annotations

import os
import signal

_VARIABLE = 'GLANCE_CLONE_DIE_AT'
_WANTED, _, _TOKEN = os.environ.get(_VARIABLE, '').partition(':')


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if _WANTED and name == _WANTED:
        _die()


def _die() -> None:
    if _TOKEN:
        try:
            os.unlink(_TOKEN)
        except FileNotFoundError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
