# SPDX-License-Identifier: Apache-2.0
"""Show how far a command is: a bar on a terminal, else a line of the log now and then."""

from __future__ import annotations

import contextlib
import sys
import time
from types import TracebackType

import tqdm
from oslo_log import log as logging
from tqdm.contrib import logging as tqdm_logging

LOG = logging.getLogger(__name__)

#: Seconds between two lines of the log, and of work before a bar is shown.
_INTERVAL = 10.0
_DELAY = 0.5


class Progress:
    """Progress towards a total, shown from the beginning to the end of a ``with`` block.

    :param what: what is being done, such as ``Loading``
    :param total: how many steps there are; None if nobody knows
    :param unit: what is counted, in the singular
    :param scale: whether to shorten numbers by K, M and G; for bytes
    """

    def __init__(self, what: str, total: int | None, unit: str, scale: bool = False):
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0
        self._next = time.monotonic() + _INTERVAL
        self._bar = tqdm.tqdm(
            desc=what, total=total, unit=unit if scale else f' {unit}', unit_scale=scale, unit_divisor=1024 if scale else 1000,
            file=sys.stderr, disable=None, leave=False, delay=_DELAY,
        )  # fmt: skip

    def __enter__(self) -> Progress:
        self._lines = contextlib.ExitStack()
        if not self._bar.disable:
            # Lines of the log stand above the bar.
            self._lines.enter_context(tqdm_logging.logging_redirect_tqdm())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._bar.close()
        self._lines.close()

    def advance(self, steps: int = 1) -> None:
        """Count steps that were done."""
        self._done += steps
        self._bar.update(steps)
        now = time.monotonic()
        if self._bar.disable and now >= self._next:
            self._next = now + _INTERVAL
            LOG.info(
                '%s: %s of %s %s done.', self._what, self._done, self._total if self._total is not None else '?', self._unit
            )
