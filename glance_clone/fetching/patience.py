# SPDX-License-Identifier: Apache-2.0
"""How long a server is waited for: for a connection, for the next byte, for all bytes, and at which rate (F25)."""

from __future__ import annotations

import dataclasses
import time

from glance_clone.domain import errors

#: Seconds of waiting before the rate counts.
_GRACE = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows, in seconds; rate in bytes per second."""

    connect: float
    idle: float
    total: float
    rate: int


class Patience:
    """What is left of it for one download; redirects share it.

    :param total: seconds for the whole, None for what the limits say
    """

    def __init__(self, limits: Limits, total: float | None = None):
        self._limits = limits
        self._end = time.monotonic() + (limits.total if total is None else total)
        self._waited = 0.0
        self._received = 0

    def to_connect(self) -> float:
        """Return the seconds in which a connection must be made.

        :raises FetchError: the whole has taken too long
        """
        return min(self._limits.connect, self._rest())

    def left(self) -> float:
        """Return the seconds to wait for the next byte.

        :raises FetchError: the whole has taken too long
        """
        return min(self._limits.idle, self._rest())

    def spend(self, seconds: float, count: int) -> None:
        """Count how long was waited for so many bytes; what is spent on handling them does not count.

        :raises FetchError: they come too slowly
        """
        self._waited += seconds
        self._received += count
        if self._waited > _GRACE and self._received < self._limits.rate * self._waited:
            raise errors.FetchError('The server sends its data too slowly.')

    def _rest(self) -> float:
        rest = self._end - time.monotonic()
        if rest <= 0:
            raise errors.FetchError('The download took longer than this service allows.')
        return rest
