# SPDX-License-Identifier: Apache-2.0
"""A client and the server's end of its connection, without a server."""

from __future__ import annotations

import socket

import fixtures

from glance_clone.server.reader import Reader


class Pair(fixtures.Fixture):
    """Two connected sockets: ``client`` and ``server``."""

    def _setUp(self) -> None:
        self.client, self.server = socket.socketpair()
        self.client.settimeout(10)
        self.addCleanup(self.client.close)
        self.addCleanup(self.server.close)
        self.reader = Reader(self.server)

    def say(self, raw: bytes) -> None:
        """Send bytes as the client, and nothing after them."""
        self.client.sendall(raw)
        self.client.shutdown(socket.SHUT_WR)

    def hear(self) -> bytes:
        """Return all that the server has sent; it can send no more."""
        self.server.close()
        received = bytearray()
        while data := self.client.recv(65536):
            received += data
        return bytes(received)
