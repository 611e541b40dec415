# SPDX-License-Identifier: Apache-2.0
"""Named places at which tests make a process die without notice; nothing happens at them otherwise.

The environment variable ``GLANCE_CLONE_FAULTS`` names a directory when the process starts. Whichever process then removes the
file of a name from it, at the place of that name, dies there: so it happens once, however many processes there are.
"""

from __future__ import annotations

import os
import signal

VARIABLE = 'GLANCE_CLONE_FAULTS'
_DIRECTORY = os.environ.get(VARIABLE)


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if _DIRECTORY is not None:
        _die(os.path.join(_DIRECTORY, name))


def _die(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
