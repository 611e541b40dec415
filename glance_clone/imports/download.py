# SPDX-License-Identifier: Apache-2.0
"""A download on its way, as imports read it."""

from __future__ import annotations

from collections.abc import Mapping

from glance_clone.domain.store_ports import RemoteData


class Download:
    """Data from a remote server with what is known of it; see :class:`glance_clone.domain.importing.RemoteData`.

    :param size: bytes that must come, None if the other side announced none
    :param expected: hashes that the data must have
    """

    def __init__(self, remote: RemoteData, size: int | None, expected: Mapping[str, str] | None = None):
        self.size = size
        self.expected = expected or {}
        self._remote = remote

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end; raises as :meth:`glance_clone.domain.store_ports.RemoteData.read` does."""
        return self._remote.read(size)

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as the data goes; raises as read does."""
        return self._remote.readinto(buffer)

    def close(self) -> None:
        """End the connection."""
        self._remote.close()
