# SPDX-License-Identifier: Apache-2.0
"""What a service counts about itself, for those who operate it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

SENT, RECEIVED = 'sent', 'received'
UPLOAD, STAGE, DOWNLOAD = 'upload', 'stage', 'download'
HIT, MISS, FILL, FAILURE = 'hit', 'miss', 'fill', 'failure'


class Meter(Protocol):
    """Takes measurements. A call costs microseconds, never waits and never fails; call it in the threads of requests."""

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """Note a request that was answered.

        :param route: the template of its path, never the path itself
        :param seconds: from its head to the head of the answer
        """

    def begin(self, kind: str) -> Callable[[], None]:
        """Note that a transfer of image data began; call the result when it ends, from wherever.

        :param kind: ``upload``, ``stage`` or ``download``
        """

    def settle(self) -> None:
        """Take account of transfers that ended; call it every few seconds."""

    def moved(self, direction: str, store: str | None, size: int) -> None:
        """Note bytes that a store gave or took.

        :param direction: ``sent`` by the store or ``received`` by it
        """

    def cache(self, event: str) -> None:
        """Note what happened in the image cache: ``hit``, ``miss``, ``fill`` or ``failure``."""

    def stage(self, name: str, is_done: bool, seconds: float) -> None:
        """Note a stage of an import that ended.

        :param is_done: it succeeded
        """


class NoMeter:
    """Measures nothing."""

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """See :meth:`Meter.request`."""

    def begin(self, kind: str) -> Callable[[], None]:
        """See :meth:`Meter.begin`."""
        return _nothing

    def settle(self) -> None:
        """See :meth:`Meter.settle`."""

    def moved(self, direction: str, store: str | None, size: int) -> None:
        """See :meth:`Meter.moved`."""

    def cache(self, event: str) -> None:
        """See :meth:`Meter.cache`."""

    def stage(self, name: str, is_done: bool, seconds: float) -> None:
        """See :meth:`Meter.stage`."""


def _nothing() -> None:
    """Do nothing."""
