# SPDX-License-Identifier: Apache-2.0
"""How many images there are, asked of the database now and then."""

from __future__ import annotations

import threading
import time
from typing import Protocol

#: Rows of (status, images, bytes).
Counts = list[tuple[str, int, int]]


class Source(Protocol):
    """Counts images."""

    def by_status(self) -> Counts:
        """Return how many images have each status, and their bytes."""


class ImageCounts:
    """Remembers counts for a while: to count a million images takes a second.

    :param age: seconds for which they are remembered
    """

    def __init__(self, source: Source, age: float):
        self._source = source
        self._age = age
        self._lock = threading.Lock()
        self._known: Counts = []
        self._until = 0.0

    def by_status(self) -> Counts:
        """Return how many images have each status, and their bytes.

        :raises DatabaseUnavailable: they cannot be counted now
        """
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = self._source.by_status()
                self._until = time.monotonic() + self._age
            return self._known
