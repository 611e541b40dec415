# SPDX-License-Identifier: Apache-2.0
"""Hashes the bytes that pass."""

from __future__ import annotations

import hashlib
from typing import Literal


class Digest:
    """A hash over all blocks.

    :param algorithm: a name that hashlib knows
    :raises ValueError: it does not know it
    """

    computes: Literal[True] = True

    def __init__(self, algorithm: str):
        self.algorithm = algorithm
        self._hash = hashlib.new(algorithm, usedforsecurity=False)

    def update(self, block: bytes | memoryview) -> None:
        """Add a block."""
        self._hash.update(block)

    def finish(self) -> None:
        """Do nothing: any data has a hash."""

    @property
    def value(self) -> str:
        """The hash in hexadecimal digits."""
        return self._hash.hexdigest()
