# SPDX-License-Identifier: Apache-2.0
"""Filters at work beside each other in native threads: each in order, and in no thread while it has nothing to do.

Filters that only compute share as many threads as there are processors, and take turns there block by block: however many
transfers there are, requests do not have to wait for a processor behind all of them. Filters that may have to wait, for a
store, get threads of their own.
"""

from __future__ import annotations

import contextlib

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import Empty
from _queue import SimpleQueue
from collections.abc import Sequence
from typing import Literal
from typing import Protocol
from typing import runtime_checkable

from glance_clone.domain.ports import Concurrency


class Filter(Protocol):
    """Sees every byte once, in order; one call at a time."""

    def update(self, block: bytes | memoryview) -> None:
        """Take a block, which is overwritten some time after this returns; raise to refuse the data."""

    def finish(self) -> None:
        """Learn that the data is complete; raise to refuse it."""


@runtime_checkable
class ComputingFilter(Filter, Protocol):
    """A filter that never waits for anything but a processor."""

    #: Nothing but a mark.
    computes: Literal[True]


class Lanes:
    """Filters that work at the same time on the same blocks.

    :param depth: blocks that may be on their way at once
    """

    def __init__(self, filters: Sequence[Filter], concurrency: Concurrency, depth: int):
        self._lanes = [_Lane(each, concurrency) for each in filters]
        self._depth = depth

    def put(self, block: memoryview) -> None:
        """Give a block to all filters; waits while too many blocks are on their way.

        Raises what a filter raised to an earlier block.
        """
        for lane in self._lanes:
            lane.wait_until(self._depth - 1)
        self._raise_failure()
        for lane in self._lanes:
            lane.put(block)

    def under_way(self) -> int:
        """Return how many of the last blocks some filter has not dealt with."""
        return max((lane.under_way() for lane in self._lanes), default=0)

    def drain(self) -> None:
        """Wait until no filter has anything to do."""
        for lane in self._lanes:
            lane.wait_until(0)

    def finish(self) -> None:
        """Wait for all filters, and raise what one raised."""
        self.drain()
        self._raise_failure()

    def _raise_failure(self) -> None:
        for lane in self._lanes:
            if lane.failure is not None:
                raise lane.failure


class _Lane:
    """The way of all blocks through one filter."""

    def __init__(self, worker: Filter, concurrency: Concurrency):
        self.failure: Exception | None = None
        self._worker = worker
        self._concurrency = concurrency
        self._computes = isinstance(worker, ComputingFilter)
        self._under_way = 0
        self._waiting: SimpleQueue[memoryview] = SimpleQueue()
        #: Gets a token for each block that was dealt with.
        self._done: SimpleQueue[None] = SimpleQueue()
        #: Holds one token while no thread works here; whoever takes it works.
        self._idle: SimpleQueue[None] = SimpleQueue()
        self._idle.put(None)

    def put(self, block: memoryview) -> None:
        """Leave a block to the thread that works here, or to a new one."""
        self._under_way += 1
        self._waiting.put(block)
        if not self._begin():
            return
        if self._computes:
            self._concurrency.compute(self._take_turn)
        else:
            self._concurrency.start(self._work)

    def under_way(self) -> int:
        """Return how many blocks are on their way here."""
        with contextlib.suppress(Empty):
            while True:
                self._done.get_nowait()
                self._under_way -= 1
        return self._under_way

    def wait_until(self, most: int) -> None:
        """Wait until at most so many blocks are on their way here."""
        while self.under_way() > most:
            self._concurrency.run(self._done.get)
            self._under_way -= 1

    def _begin(self) -> bool:
        try:
            self._idle.get_nowait()
        except Empty:
            return False
        return True

    def _work(self) -> None:
        """Deal with all that is waiting."""
        while self._deal() or self._resume():
            pass

    def _take_turn(self) -> None:
        """Deal with one block, and let others have their turn before the next."""
        if self._deal() or self._resume():
            self._concurrency.compute(self._take_turn)

    def _resume(self) -> bool:
        """Say that nobody works here, and look once more after that, lest a block be left alone; True to go on."""
        self._idle.put(None)
        return not self._waiting.empty() and self._begin()

    def _deal(self) -> bool:
        """Pass one block to the filter; False if none is waiting."""
        try:
            block = self._waiting.get_nowait()
        except Empty:
            return False
        try:
            if self.failure is None:
                self._worker.update(block)
        except Exception as error:
            self.failure = error
        del block
        self._done.put(None)
        return True
