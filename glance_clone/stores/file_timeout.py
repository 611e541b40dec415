# SPDX-License-Identifier: Apache-2.0
"""How long a file store waits for a file system that may hang, such as NFS whose server is away."""

from __future__ import annotations

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import Empty
from _queue import SimpleQueue
from collections.abc import Callable
from typing import Any
from typing import Protocol

from oslo_log import log as logging

from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

#: Work that is told, by a function that raises, when nobody waits for it any more.
Work = Callable[[Callable[[], None]], Any]


class Timeout(Protocol):
    """Runs work on a file system."""

    def run(self, what: str, work: Work) -> Any:
        """Return the result of the work, or raise what it raised.

        :param what: what is done, for the log
        :raises StoreUnavailable: it did not end in time
        """


class Forever:
    """Waits as long as it takes."""

    def run(self, what: str, work: Work) -> Any:
        """See :class:`Timeout`."""
        return work(_wanted)


class Bounded:
    """Waits some seconds; what hangs then keeps its thread until the file system comes back.

    :param seconds: for each piece of work, the wait for a thread included
    :param most: threads at once
    :param warn_at: percentage of threads in use from which on operators are warned
    :param detach: runs work in a native thread of its own
    """

    def __init__(self, seconds: float, most: int, warn_at: int, detach: Callable[[Callable[[], None]], None]):
        self._seconds = seconds
        self._most = most
        self._warn_at = warn_at
        self._detach = detach
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(most):
            self._free.put(None)

    def run(self, what: str, work: Work) -> Any:
        """See :class:`Timeout`."""
        call = _Call(work, self._free)
        try:
            self._free.get(timeout=self._seconds)
            self._warn()
            self._detach(call.run)
            return call.result(self._seconds)
        except Empty:
            call.abandon()
            LOG.error('%s did not end within %g seconds; the file system seems to hang.', what, self._seconds)
            raise errors.StoreUnavailable('The store does not answer in time; try again later.') from None

    def _warn(self) -> None:
        used = self._most - self._free.qsize()
        if used * 100 >= self._warn_at * self._most:
            LOG.warning(
                '%d of %d threads wait for the file system of a store (filesystem_store_thread_pool_size).', used, self._most
            )


class _Call:
    """One piece of work in its thread."""

    def __init__(self, work: Work, free: SimpleQueue[None]):
        self._work = work
        self._free = free
        self._ended: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._abandoned = False

    def run(self) -> None:
        """Do the work."""
        try:
            ended = self._work(self._require_wanted), None
        except BaseException as error:  # whoever waits gets it
            ended = None, error
        self._free.put(None)
        self._ended.put(ended)

    def result(self, seconds: float) -> Any:
        """Return what the work returned, or raise what it raised; Empty if it does not end in time."""
        result, failure = self._ended.get(timeout=seconds)
        if failure is not None:
            raise failure
        return result

    def abandon(self) -> None:
        """Let the work do no harm any more when it goes on."""
        self._abandoned = True

    def _require_wanted(self) -> None:
        if self._abandoned:
            raise errors.StoreUnavailable('Nobody waits for this any more.')


def _wanted() -> None:
    """Do nothing: whoever waits forever still waits."""
