# SPDX-License-Identifier: Apache-2.0
"""Sends the blocks of a source through filters: cheap ones in turn, costly ones at the same time in native threads.

The costly ones go on while the next block is read, each at its own pace a few blocks apart; so a few blocks are in memory,
and the whole is as fast as the slowest of reading, one filter, writing. Blocks lie in memory that is used again and again.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence

from glance_clone.domain.incoming import read_into
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import ByteSource
from glance_clone.transfer.lane import Filter
from glance_clone.transfer.lane import Lanes

#: Bytes that pass at once: enough to make little of what it costs to wake a thread, few enough for the processor's cache.
BLOCK = 4 << 20
#: Blocks that may be on their way through the costly filters; one more is being read.
DEPTH = 6
#: Data up to this size is not worth a change of threads.
INLINE = 64 << 10


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
    lanes = Lanes(workers, concurrency, DEPTH)
    try:
        for index, block in enumerate(blocks(source, block_size, lanes.under_way)):
            for check in checks:
                check.update(block)
            if index == 0 and len(block) <= INLINE:
                _pass(block, workers)
            else:
                lanes.put(block)
        lanes.finish()
    finally:
        lanes.drain()
    for each in (*checks, *workers):
        each.finish()


def _pass(block: memoryview, workers: Sequence[Filter]) -> None:
    for worker in workers:
        worker.update(block)


def blocks(source: ByteSource, size: int, lent: Callable[[], int] = int) -> Iterator[memoryview]:
    """Yield the data of a source in blocks of exactly this size; only the last may be smaller.

    :param lent: returns how many of the last blocks are in use; others are overwritten by the next
    """
    for buffer in _memory(size, lent):
        count = _fill(source, buffer)
        if count:
            yield buffer[:count]
        if count < size:
            return


def _memory(size: int, lent: Callable[[], int]) -> Iterator[memoryview]:
    """Yield memory that is not in use, of that what was used last, since caches still know it; more if there is none."""
    taken: list[memoryview] = []
    while True:
        free = len(taken) - lent()
        buffer = taken.pop(free - 1) if free > 0 else memoryview(mmap.mmap(-1, size))
        taken.append(buffer)
        yield buffer


def _fill(source: ByteSource, buffer: memoryview) -> int:
    """Fill memory as far as the source goes; return how many bytes there were."""
    count = 0
    while count < len(buffer) and (size := read_into(source, buffer[count:])):
        count += size
    return count
