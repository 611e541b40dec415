# SPDX-License-Identifier: Apache-2.0
"""Blocking work beside green threads: in native ones, so that the others go on."""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from typing import Any

import eventlet
from eventlet import event
from eventlet import patcher
from eventlet import tpool

from glance_clone.transfer.concurrency import Computing
from glance_clone.transfer.concurrency import Periodic

#: Native threads of one process; a store that hangs holds one for each of its uploads.
_THREADS = 64


class GreenCall:
    """Work that runs in a green thread; of native ones, in one that waits for them."""

    def __init__(self, work: Callable[..., object], args: tuple[object, ...]):
        self._done = event.Event()
        eventlet.spawn_n(self._run, work, args)

    def wait(self, timeout: float | None = None) -> Any:
        """Return the result of the work, or raise what it raised; TimeoutError after so many seconds."""
        with eventlet.Timeout(timeout, TimeoutError()):
            return self._done.wait()

    def _run(self, work: Callable[..., object], args: tuple[object, ...]) -> None:
        try:
            self._done.send(work(*args))
        except Exception:
            self._done.send_exception(*sys.exc_info())


class GreenThreads:
    """Concurrency for the standalone server; see :class:`glance_clone.domain.ports.Concurrency`. Make it after the fork."""

    def __init__(self) -> None:
        tpool.set_num_threads(_THREADS)
        self._computing = Computing(self.detach)

    def start(self, work: Callable[..., object], *args: object) -> GreenCall:
        """Begin ``work(*args)`` in a native thread."""
        return GreenCall(tpool.execute, (contextvars.copy_context().run, work, *args))

    def run(self, work: Callable[..., object], *args: object) -> Any:
        """Return ``work(*args)``, called in a native thread."""
        return tpool.execute(contextvars.copy_context().run, work, *args)

    def compute(self, work: Callable[[], object]) -> None:
        """Call ``work()`` soon in one of the few native threads for that."""
        self._computing.add(work)

    def spawn(self, work: Callable[..., object], *args: object) -> GreenCall:
        """Begin ``work(*args)`` in a green thread."""
        return GreenCall(contextvars.copy_context().run, (work, *args))

    def detach(self, work: Callable[[], object]) -> None:
        """Run ``work()`` in a native thread of its own, outside of eventlet's pool."""
        run = contextvars.copy_context().run
        patcher.original('threading').Thread(target=run, args=(work,), name='store', daemon=True).start()

    def periodic(self, interval: float, work: Callable[[], object]) -> Periodic:
        """Call ``work()`` every interval seconds; the threads of Periodic are green where modules are patched."""
        return Periodic(interval, work)
