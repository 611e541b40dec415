# SPDX-License-Identifier: Apache-2.0
"""Counts the bytes that pass, and stops them where they become too many."""

from __future__ import annotations

from glance_clone.domain import errors


class Limit:
    """Counts bytes.

    :param cap: most bytes that are allowed
    :param announced: bytes that were promised, None if nothing was
    :raises LimitExceeded: more are announced than allowed
    """

    def __init__(self, cap: int, announced: int | None = None):
        self.count = 0
        self._cap = cap
        self._announced = announced
        if announced is not None and announced > cap:
            raise self._too_large()

    def update(self, block: bytes | memoryview) -> None:
        """Count a block.

        :raises SizeMismatch: there is more than was announced
        :raises LimitExceeded: there is more than allowed
        """
        self.count += len(block)
        if self._announced is not None and self.count > self._announced:
            raise errors.SizeMismatch(f'The data is longer than the {self._announced} bytes that were announced.')
        if self.count > self._cap:
            raise self._too_large()

    def finish(self) -> None:
        """Compare what came with what was announced.

        :raises SizeMismatch: there is less, or a negative number was announced
        """
        if self._announced is not None and self.count != self._announced:
            raise errors.SizeMismatch(f'{self._announced} bytes were announced, but {self.count} came.')

    def _too_large(self) -> errors.LimitExceeded:
        return errors.LimitExceeded(f'The data is larger than the {self._cap} bytes that an image may have.')
