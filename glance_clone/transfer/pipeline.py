# SPDX-License-Identifier: Apache-2.0
"""Sends the blocks of a source through filters: cheap ones in turn, costly ones at the same time in native threads.

The costly ones go on while the next block is read, each at its own pace a few blocks apart; so a few blocks are in memory,
and the whole is as fast as the slowest of reading, one filter, writing.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import ByteSource
from glance_clone.transfer.lane import Filter
from glance_clone.transfer.lane import Lanes

#: Bytes that pass at once.
BLOCK = 1 << 20
#: Blocks that may be on their way through the costly filters; one more is being read.
DEPTH = 3
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
        for index, block in enumerate(blocks(source, block_size)):
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


def _pass(block: bytes, workers: Sequence[Filter]) -> None:
    for worker in workers:
        worker.update(block)


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
