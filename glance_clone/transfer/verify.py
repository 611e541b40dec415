# SPDX-License-Identifier: Apache-2.0
"""Checks the hash of data on its way out, and keeps the last block back until it fits (D-7, R11)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.transfer.digest import Digest
from glance_clone.transfer.reading import Copies

LOG = logging.getLogger(__name__)

MD5 = 'md5'


def algorithm_of(image: Image) -> str:
    """Return which hash of an image can be computed here, '' if none is known."""
    for algorithm in (image.os_hash_algo, MD5):
        if algorithm and algorithm in hashlib.algorithms_available and _value_of(image, algorithm):
            return algorithm
    return ''


def _value_of(image: Image, algorithm: str) -> str | None:
    value = image.checksum if algorithm == MD5 and image.os_hash_algo != MD5 else image.os_hash_value
    return value.lower() if value else None


class Verified:
    """Whole data whose reader never gets the last block of damaged data; see :class:`BlobReader`.

    Where nothing was handed out yet, as with small images, the next copy is read instead.

    :param copies: that are left to read
    """

    def __init__(self, image: Image, reader: BlobReader, copies: Copies, concurrency: Concurrency):
        self.size = reader.size
        self._image = image
        self._reader = reader
        self._copies = copies
        self._concurrency = concurrency

    def __iter__(self) -> Iterator[bytes]:
        """Yield the data.

        :raises StoreError: it is not what was stored
        """
        while True:
            digest = Digest(algorithm_of(self._image))
            kept = None
            is_begun = False
            for block in self._reader:
                hashing = self._concurrency.start(digest.update, block)
                if kept is not None:
                    is_begun = True
                    yield kept
                hashing.wait()
                kept = block
            if digest.value == _value_of(self._image, digest.algorithm):
                break
            self._refuse(is_begun)
        if kept is not None:
            yield kept

    def close(self) -> None:
        """Give back what the store lent."""
        self._reader.close()

    def _refuse(self, is_begun: bool) -> None:
        """Turn to another copy if that is still possible."""
        LOG.error('A copy of image %s is damaged: it has not the hash with which it was stored.', self._image.id)
        damaged = errors.StoreError('The data is damaged.')
        if is_begun:
            raise damaged
        self._reader.close()
        try:
            self._reader = self._copies.open(0, None)
        except errors.Unavailable:
            raise damaged from None
