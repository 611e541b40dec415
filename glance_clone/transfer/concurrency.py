# SPDX-License-Identifier: Apache-2.0
"""Blocking work beside the caller, in native threads: hashing and writing leave the interpreter lock to others."""

from __future__ import annotations

import contextvars
import functools
import os
import threading

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import SimpleQueue
from collections.abc import Callable
from concurrent import futures
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

#: Threads of one process. They are made as they are needed; a store that hangs holds one for each of its uploads.
_MOST_THREADS = 128
#: How much less urgent than requests it is to compute, in steps of nice(2).
_NICER = 5


class NativeCall:
    """Work that runs in a thread."""

    def __init__(self, future: futures.Future[Any]):
        self._future = future

    def wait(self, timeout: float | None = None) -> Any:
        """Return the result of the work, or raise what it raised; TimeoutError after so many seconds."""
        return self._future.result(timeout)


class Computing:
    """As many native threads as there are processors, for work that keeps one of them busy.

    More threads would not get it done sooner, but let everything else wait for a processor. Requests come first.

    :param detach: runs work in a native thread of its own
    """

    def __init__(self, detach: Callable[[Callable[[], object]], None]):
        self._detach = detach
        self._lock = threading.Lock()
        self._pid = 0
        self._waiting: SimpleQueue[Callable[[], object]]

    def add(self, work: Callable[[], object]) -> None:
        """Call ``work()`` in its turn."""
        if self._pid != os.getpid():
            self._begin()
        self._waiting.put(work)

    def _begin(self) -> None:
        with self._lock:
            if self._pid != os.getpid():
                self._waiting = SimpleQueue()
                for _ in os.sched_getaffinity(0):
                    # The threads outlive the request that needs them first, and must not keep its context.
                    contextvars.Context().run(self._detach, functools.partial(_run_all, self._waiting))
                self._pid = os.getpid()


def _run_all(waiting: SimpleQueue[Callable[[], object]]) -> None:
    # Linux takes the number of a thread where POSIX has that of a process.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), os.getpriority(os.PRIO_PROCESS, 0) + _NICER)
    while True:
        waiting.get()()


class Periodic:
    """Runs work again and again in a thread of its own, the first time after one interval.

    :param interval: seconds between the end of one run and the begin of the next
    """

    def __init__(self, interval: float, work: Callable[[], object]):
        self._interval = interval
        self._work = work
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f'every-{interval:g}s', daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Run the work no more; a run that is under way ends by itself."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self._work()
            except Exception:
                LOG.exception('Background work failed; it runs again in %g seconds.', self._interval)


class NativeThreads:
    """Concurrency for launchers with native threads; see :class:`glance_clone.domain.ports.Concurrency`.

    Safe to make before a fork: every process gets threads of its own on first use.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0
        self._threads: futures.ThreadPoolExecutor
        self._computing = Computing(self.detach)

    def start(self, work: Callable[..., object], *args: object) -> NativeCall:
        """Begin ``work(*args)`` in a thread."""
        return NativeCall(self._pool().submit(contextvars.copy_context().run, work, *args))

    def run(self, work: Callable[..., object], *args: object) -> Any:
        """Return ``work(*args)``; threads of these launchers may wait."""
        return work(*args)

    def compute(self, work: Callable[[], object]) -> None:
        """Call ``work()`` soon in one of the few threads for that."""
        self._computing.add(work)

    def spawn(self, work: Callable[..., object], *args: object) -> NativeCall:
        """Begin ``work(*args)`` in a thread of its own."""
        future: futures.Future[Any] = futures.Future()
        run = contextvars.copy_context().run
        threading.Thread(target=run, args=(_run, future, work, args), name='task', daemon=True).start()
        return NativeCall(future)

    def detach(self, work: Callable[[], object]) -> None:
        """Run ``work()`` in a native thread of its own."""
        threading.Thread(target=contextvars.copy_context().run, args=(work,), name='store', daemon=True).start()

    def periodic(self, interval: float, work: Callable[[], object]) -> Periodic:
        """Call ``work()`` every interval seconds in the background."""
        return Periodic(interval, work)

    def _pool(self) -> futures.ThreadPoolExecutor:
        with self._lock:
            if self._pid != os.getpid():
                self._threads = futures.ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix='transfer')
                self._pid = os.getpid()
            return self._threads


def _run(future: futures.Future[Any], work: Callable[..., object], args: tuple[object, ...]) -> None:
    """Keep for whoever waits what the work returns or raises."""
    try:
        future.set_result(work(*args))
    except BaseException as error:
        future.set_exception(error)
