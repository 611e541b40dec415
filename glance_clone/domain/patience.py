# SPDX-License-Identifier: Apache-2.0
"""How long work waits for a database that is away.

A request is told to come back after a few seconds (R8). The last step of an upload, after minutes in which all the data came,
is worth waiting longer for; and nobody waits for the answer of a task. Their leases hold meanwhile, so that nobody else
takes the image.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator

#: Seconds; half of the time for which a lease holds without a sign of life, unless options say otherwise.
LONG = 30.0

_seconds: contextvars.ContextVar[float] = contextvars.ContextVar('seconds', default=0.0)


@contextlib.contextmanager
def patient(seconds: float = LONG) -> Iterator[None]:
    """Let the present thread wait so long for the database, in each of the calls of repositories in the block."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def seconds() -> float:
    """Return how long the present thread is willing to wait; 0 if it has not said so."""
    return _seconds.get()
