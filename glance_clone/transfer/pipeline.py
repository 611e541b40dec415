# SPDX-License-Identifier: Apache-2.0
"""Sends the blocks of a source through filters: cheap ones in turn, costly ones at the same time.

While the costly filters work on one block in native threads, the next one is read; so two blocks are in memory, and the
whole is as fast as the slowest of reading, one filter, writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Protocol

from glance_clone.domain.ports import ByteSource
from glance_clone.domain.ports import Call
from glance_clone.domain.ports import Concurrency

#: Bytes that pass at once.
BLOCK = 4 << 20
#: Blocks up to this size are not worth a change of threads.
INLINE = 64 << 10


class Filter(Protocol):
    """Sees every byte once, in order; one call at a time."""

    def update(self, block: bytes) -> None:
        """Take a block; raise to refuse the data."""

    def finish(self) -> None:
        """Learn that the data is complete; raise to refuse it."""


def run(
    source: ByteSource,
    checks: Sequence[Filter],
    workers: Sequence[Filter],
    concurrency: Concurrency,
    block_size: int = BLOCK,
) -> None:
    """Read the source to its end through all filters.

    No filter runs any more when this returns or raises.

    :param checks: cheap filters; each may refuse a block before the workers see it
    :param workers: filters that run at the same time
    """
    calls: list[Call] = []
    try:
        for block in blocks(source, block_size):
            for check in checks:
                check.update(block)
            finished, calls = calls, []
            _wait(finished)
            calls = _begin(block, workers, concurrency)
    finally:
        _wait(calls)
    for each in (*checks, *workers):
        each.finish()


def _begin(block: bytes, workers: Sequence[Filter], concurrency: Concurrency) -> list[Call]:
    if len(block) > INLINE:
        return [concurrency.start(worker.update, block) for worker in workers]
    for worker in workers:
        worker.update(block)
    return []


def _wait(calls: Sequence[Call]) -> None:
    """Wait for all calls, then raise what the first of them raised that failed."""
    failure: BaseException | None = None
    for call in calls:
        try:
            call.wait()
        except Exception as error:
            failure = failure or error
    if failure is not None:
        raise failure


def blocks(source: ByteSource, size: int) -> Iterator[bytes]:
    """Yield the data of a source in blocks of exactly this size; only the last may be smaller."""
    pieces: list[bytes] = []
    missing = size
    while piece := source.read(missing):
        pieces.append(piece)
        missing -= len(piece)
        if missing == 0:
            yield pieces[0] if len(pieces) == 1 else b''.join(pieces)
            pieces, missing = [], size
    if pieces:
        yield b''.join(pieces)
