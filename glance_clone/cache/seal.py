# SPDX-License-Identifier: Apache-2.0
"""Tells whether a cached file is as it was when its hash was checked (D-7).

To hash a file on every read would cost more than the read. Instead, checked files are sealed: the fraction of a second of
their modification time is a number that only their hash gives. Whoever writes to such a file breaks the seal, and the next
reader hashes it again. Seals outlive restarts, and all processes see them.
"""

from __future__ import annotations

import hashlib
import os

from glance_clone.domain.image import Image
from glance_clone.transfer.digest import Digest
from glance_clone.transfer.verify import algorithm_of

_SECOND = 10**9
_BLOCK = 1 << 20


def is_hashed(image: Image) -> bool:
    """Tell whether there is a hash by which the data of an image can be checked."""
    return bool(algorithm_of(image))


def new_digest(image: Image) -> Digest:
    """Return an empty hash of the algorithm by which the data of an image is checked."""
    return Digest(algorithm_of(image))


def expected(image: Image) -> str:
    """Return the hash that the data of an image must have, in hexadecimal digits."""
    value = image.os_hash_value if algorithm_of(image) == image.os_hash_algo else image.checksum
    return (value or '').lower()


def apply(descriptor: int, image: Image) -> None:
    """Seal a file whose hash is right."""
    state = os.fstat(descriptor)
    whole = state.st_mtime_ns - state.st_mtime_ns % _SECOND
    os.utime(descriptor, ns=(state.st_atime_ns, whole + _fraction(image)))


def holds(state: os.stat_result, image: Image) -> bool:
    """Tell whether a file was not written to since it was sealed."""
    return state.st_mtime_ns % _SECOND == _fraction(image)


def check(descriptor: int, image: Image) -> bool:
    """Hash a file as it lies on the disk; tell whether it is right."""
    digest, offset = new_digest(image), 0
    while block := os.pread(descriptor, _BLOCK, offset):
        digest.update(block)
        offset += len(block)
    return digest.value == expected(image)


def _fraction(image: Image) -> int:
    """Return nanoseconds below a second; whole microseconds, because some file systems keep no more."""
    number = int.from_bytes(hashlib.sha256(expected(image).encode()).digest()[:8], 'big')
    return (1 + number % (10**6 - 1)) * 1000
