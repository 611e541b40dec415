# SPDX-License-Identifier: Apache-2.0
"""Filters at work beside each other in native threads: each in order, and in no thread while it has nothing to do."""

from __future__ import annotations

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import Empty
from _queue import SimpleQueue
from collections.abc import Sequence
from typing import Protocol

from glance_clone.domain.ports import Concurrency


class Filter(Protocol):
    """Sees every byte once, in order; one call at a time."""

    def update(self, block: bytes) -> None:
        """Take a block; raise to refuse the data."""

    def finish(self) -> None:
        """Learn that the data is complete; raise to refuse it."""


class Lanes:
    """Filters that work at the same time on the same blocks.

    :param depth: blocks that may be on their way at once
    """

    def __init__(self, filters: Sequence[Filter], concurrency: Concurrency, depth: int):
        self._lanes = [_Lane(each, concurrency) for each in filters]
        self._depth = depth

    def put(self, block: bytes) -> None:
        """Give a block to all filters; waits while too many blocks are on their way.

        Raises what a filter raised to an earlier block.
        """
        for lane in self._lanes:
            lane.wait_until(self._depth - 1)
        self._raise_failure()
        for lane in self._lanes:
            lane.put(block)

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
        self._under_way = 0
        self._waiting: SimpleQueue[bytes] = SimpleQueue()
        #: Gets a token for each block that was dealt with.
        self._done: SimpleQueue[None] = SimpleQueue()
        #: Holds one token while no thread works here; whoever takes it works.
        self._idle: SimpleQueue[None] = SimpleQueue()
        self._idle.put(None)

    def put(self, block: bytes) -> None:
        """Leave a block to the thread that works here, or to a new one."""
        self._under_way += 1
        self._waiting.put(block)
        if self._begin():
            self._concurrency.start(self._work)

    def wait_until(self, most: int) -> None:
        """Wait until at most so many blocks are on their way here."""
        while self._under_way > most:
            try:
                self._done.get_nowait()
            except Empty:
                self._concurrency.start(self._done.get).wait()
            self._under_way -= 1

    def _begin(self) -> bool:
        try:
            self._idle.get_nowait()
        except Empty:
            return False
        return True

    def _work(self) -> None:
        """Deal with what is waiting; look once more after saying that nobody works here, lest a block be left alone."""
        working = True
        while working:
            self._empty()
            self._idle.put(None)
            working = not self._waiting.empty() and self._begin()

    def _empty(self) -> None:
        while True:
            try:
                block = self._waiting.get_nowait()
            except Empty:
                return
            try:
                if self.failure is None:
                    self._worker.update(block)
            except Exception as error:
                self.failure = error
            del block
            self._done.put(None)
