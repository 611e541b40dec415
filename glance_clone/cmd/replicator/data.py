# SPDX-License-Identifier: Apache-2.0
"""The bytes of an image on their way, compared with what its record says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from glance_clone.cmd.progress import Progress
from glance_clone.cmd.replicator.server import Failure


class CheckedData:
    """Passes bytes on, shows progress, and stops before the last block if the whole is not what it should be.

    Whoever receives less than was announced discards it, so wrong bytes never become an image.

    :param image: the record with size and hashes
    :param blocks: where the bytes come from
    :ivar len: number of bytes
    """

    def __init__(self, image: dict[str, Any], blocks: Iterable[bytes]):
        self.len = int(image['size'])
        self._image = image
        self._blocks = blocks
        self._hash, self._wanted = _hash_of(image)

    def __iter__(self) -> Iterator[bytes]:
        """Return the bytes in blocks.

        :raises Failure: they are more, fewer or others than the record says
        """
        held, seen = b'', 0
        with Progress(f'Image {self._image["id"]}', self.len, 'B', scale=True) as progress:
            for block in self._blocks:
                if not block:
                    continue
                seen += len(block)
                if seen > self.len:
                    break
                if self._hash:
                    self._hash.update(block)
                if held:
                    yield held
                held = block
                progress.advance(len(block))
            self._require_right(seen)
            if held:
                yield held

    def _require_right(self, seen: int) -> None:
        if seen != self.len:
            came = f'More than {self.len}' if seen > self.len else seen
            raise Failure(f'{came} bytes of data came, and the image has {self.len}.')
        if self._hash and self._hash.hexdigest() != self._wanted:
            raise Failure('The data are damaged: their hash is not the one that the image has.')


def _hash_of(image: dict[str, Any]) -> tuple[Any, str | None]:
    """Return a hash to compute and the value that it must have; None where the record has none."""
    for algorithm, wanted in ((image.get('os_hash_algo'), image.get('os_hash_value')), ('md5', image.get('checksum'))):
        if algorithm and wanted and algorithm in hashlib.algorithms_available:
            return hashlib.new(algorithm, usedforsecurity=False), str(wanted)
    return None, None
