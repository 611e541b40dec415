# SPDX-License-Identifier: Apache-2.0
"""The master process: keeps workers running, replaces them on SIGHUP, ends them on SIGTERM and SIGINT.

The launchers of oslo.service start the workers of a new configuration only as the old ones end, respawn workers whatever
their exit status, and stop at once on SIGINT; none of this fits a service with long transfers, hence a supervisor of our own.
It never runs an event loop: signals stay blocked and are taken one by one, so nothing happens in between.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import Callable

from oslo_log import log as logging
from oslo_service import systemd

LOG = logging.getLogger(__name__)

#: A worker tells us so that it serves; queued, so that none is lost when several tell at once.
_READY = signal.SIGRTMIN
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, _READY}
#: Seconds that a worker must live to be replaced at once.
_QUICK = 1.0
#: Seconds on top of the grace time before workers are killed.
_MARGIN = 10.0


class WorkerCreationFailure(Exception):
    """No process could be made."""


@dataclasses.dataclass(slots=True)
class Child:
    """A worker process.

    :ivar generation: counts how often the configuration was read when it was made
    :ivar born: on the monotonic clock
    :ivar ready: it serves clients
    """

    generation: int
    born: float
    ready: bool = False


#: Runs a worker: ``serve(parent, ready)`` with a socket that ends with the master, and a function to call once it serves.
Serve = Callable[[socket.socket, Callable[[], None]], int]


class Supervisor:
    """Keeps a number of workers running.

    :param serve: runs in each worker and returns its exit status
    :param reload: reads the configuration anew and returns the number of workers; raises RuntimeError if it is no good
    :param stop: called when the workers are about to be stopped; returns the seconds that they take at most, 0: any
    """

    def __init__(self, serve: Serve, reload: Callable[[], int], stop: Callable[[], float]):
        self._serve = serve
        self._reload = reload
        self._before_stop = stop
        self._wanted = 0
        self._generations = itertools.count()
        self._generation = next(self._generations)
        self._children: dict[int, Child] = {}
        self._stopping = False
        self._kill_at = float('inf')
        self._spawn_at = float('inf')
        self._status = 0
        self._ours, self._theirs = socket.socketpair()

    def run(self, workers: int) -> int:
        """Keep workers running until a signal asks to stop or all of them have failed; return the exit status.

        :raises WorkerCreationFailure: no process could be made
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._wanted = workers
        try:
            self._grow()
            while self._children or self._spawn_at < float('inf'):
                self._handle(signal.sigtimedwait(_SIGNALS, self._patience()))
        except WorkerCreationFailure:
            self._signal_all(signal.SIGTERM)
            raise
        return self._status

    def _patience(self) -> float:
        return max(0.0, min(self._kill_at, self._spawn_at, time.monotonic() + 3600) - time.monotonic())

    def _handle(self, received: signal.struct_siginfo | None) -> None:
        number = received.si_signo if received else 0
        if number == signal.SIGHUP:
            self._replace_all()
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._stop()
        elif received and number == _READY:
            self._note_ready(received.si_pid)
        self._reap()
        self._keep_time()

    def _keep_time(self) -> None:
        now = time.monotonic()
        if now >= self._kill_at:
            LOG.warning('Workers that do not end are killed.')
            self._kill_at = now + 1
            self._signal_all(signal.SIGKILL)
        if now >= self._spawn_at:
            self._spawn_at = float('inf')
            self._grow()

    # Workers come

    def _grow(self) -> None:
        missing = self._wanted - len(self._current())
        for _number in range(missing if not self._stopping else 0):
            self._spawn()

    def _current(self) -> list[Child]:
        return [child for child in self._children.values() if child.generation == self._generation]

    def _spawn(self) -> None:
        master = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            raise WorkerCreationFailure(f'A worker process cannot be made: {error}') from None
        if pid == 0:
            self._become_worker(master)
        self._children[pid] = Child(self._generation, time.monotonic())
        LOG.info('Started worker %d.', pid)

    def _become_worker(self, master: int) -> None:
        """Serve in this process, and end it."""
        status = 99
        try:
            self._ours.close()
            status = self._serve(self._theirs, lambda: os.kill(master, _READY))
        finally:
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _note_ready(self, pid: int) -> None:
        if pid in self._children:
            self._children[pid].ready = True
        current = self._current()
        if len(current) == self._wanted and all(child.ready for child in current):
            systemd.notify_once()
            self._retire(self._generation)

    # Workers go

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            child = self._children.pop(pid, None)
            if child is not None:
                self._bury(pid, child, os.waitstatus_to_exitcode(status))

    def _bury(self, pid: int, child: Child, status: int) -> None:
        """Decide what follows from the end of a worker: a failed one is not replaced, because the next would fail, too."""
        LOG.info('Worker %d ended with %s.', pid, f'status {status}' if status >= 0 else f'signal {-status}')
        if self._stopping or child.generation != self._generation:
            return
        if status > 0:
            self._status = status
            LOG.error('Worker %d failed and is not replaced; its messages tell why.', pid)
            self._keep_old_ones()
        else:
            lived = time.monotonic() - child.born
            self._spawn_at = min(self._spawn_at, time.monotonic() + (0 if lived > _QUICK else _QUICK))

    def _keep_old_ones(self) -> None:
        """Go back to the workers of the previous configuration where those of the new one fail before they serve."""
        older = [child.generation for child in self._children.values() if child.generation < self._generation]
        if not older:
            return
        LOG.error('The new configuration does not work; the workers go on with the previous one. Mend it, send SIGHUP again.')
        failed, self._generation = self._generation, max(older)
        self._spawn_at = float('inf')
        for pid, child in self._children.items():
            if child.generation == failed:
                self._signal(pid, signal.SIGTERM)

    def _replace_all(self) -> None:
        """Start workers with the configuration as it is now; the old ones are told to stop when all of these serve."""
        if self._stopping:
            return
        LOG.info('Reading the configuration anew.')
        try:
            self._wanted = self._reload()
        except RuntimeError as error:
            LOG.error('The configuration stays as it was: %s', error)
            return
        self._generation = next(self._generations)
        self._grow()

    def _retire(self, generation: int) -> None:
        for pid, child in self._children.items():
            if child.generation < generation:
                self._signal(pid, signal.SIGTERM)

    def _stop(self) -> None:
        """Let workers finish what runs; asked a second time, end them."""
        if self._stopping:
            self._signal_all(signal.SIGKILL)
            return
        LOG.info('Stopping.')
        self._stopping = True
        self._status = 0
        self._spawn_at = float('inf')
        grace = self._before_stop()
        if grace:
            self._kill_at = time.monotonic() + grace + _MARGIN
        self._signal_all(signal.SIGTERM)

    def _signal_all(self, number: int) -> None:
        for pid in self._children:
            self._signal(pid, number)

    @staticmethod
    def _signal(pid: int, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
