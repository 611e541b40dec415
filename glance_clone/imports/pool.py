# SPDX-License-Identifier: Apache-2.0
"""Runs tasks in the background of a process, a bounded number at once, each on behalf of whoever asked for it."""

from __future__ import annotations

import collections
import contextvars
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain import patience
from glance_clone.domain.ports import Concurrency

LOG = logging.getLogger(__name__)


class TaskPool:
    """See :class:`glance_clone.domain.import_ports.Pool`; safe to make before a fork.

    :param size: tasks that run at the same time
    """

    def __init__(self, concurrency: Concurrency, size: int):
        self._concurrency = concurrency
        self._size = size
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._waiting: collections.deque[tuple[contextvars.Context, Callable[..., Any], tuple[Any, ...]]] = collections.deque()
        self._running = 0
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, work: Callable[..., Any], *args: Any) -> None:
        """Run ``work(*args)`` as soon as a place is free."""
        if self._pid != os.getpid():
            self._reset()
        with self._changed:
            if self._closed:
                raise errors.Unavailable('This node of the service is about to stop; try again.')
            self._waiting.append((contextvars.copy_context(), work, args))
            if self._running >= self._size:
                return
            self._running += 1
        self._concurrency.spawn(self._run)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed or not self._waiting:
                    self._running -= 1
                    self._changed.notify_all()
                    return
                context, work, args = self._waiting.popleft()
            try:
                context.run(_work_patiently, work, args)
            except Exception:
                LOG.exception('A task failed in a way that nobody foresaw.')

    def drain(self, seconds: float) -> bool:
        """Take no more work, and wait until all that was begun has ended; what waits is left to the reapers of others."""
        with self._changed:
            self._closed = True
            return bool(self._changed.wait_for(lambda: not self._running, seconds))


def _work_patiently(work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    with patience.patient():
        work(*args)
