# SPDX-License-Identifier: Apache-2.0
"""Blocking work beside green threads; only the standalone server, which runs on eventlet, imports this.

The native threads are those of eventlet's pool, whose number the environment variable ``EVENTLET_THREADPOOL_SIZE`` sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import eventlet
from eventlet import tpool
from oslo_log import log as logging

LOG = logging.getLogger(__name__)


class GreenPeriodic:
    """Runs work again and again in a green thread, the first time after one interval.

    :param interval: seconds between the end of one run and the begin of the next
    """

    def __init__(self, interval: float, work: Callable[[], object]):
        self._interval = interval
        self._work = work
        self._thread = eventlet.spawn(self._run)

    def stop(self) -> None:
        """Run the work no more; a run that is under way is broken off where it waits."""
        self._thread.kill()

    def _run(self) -> None:
        while True:
            eventlet.sleep(self._interval)
            try:
                self._work()
            except Exception:
                LOG.exception('Background work failed; it runs again in %g seconds.', self._interval)


class EventletThreads:
    """Concurrency for eventlet; see :class:`glance_clone.domain.ports.Concurrency`."""

    def start(self, work: Callable[..., object], *args: object) -> Any:
        """Begin ``work(*args)`` in a native thread; the result can be waited for without stopping other green threads."""
        call = eventlet.spawn(tpool.execute, work, *args)
        eventlet.sleep(0)
        return call

    def spawn(self, work: Callable[..., object], *args: object) -> Any:
        """Begin ``work(*args)`` in a green thread."""
        return eventlet.spawn(work, *args)

    def periodic(self, interval: float, work: Callable[[], object]) -> GreenPeriodic:
        """Call ``work()`` every interval seconds in the background."""
        return GreenPeriodic(interval, work)
