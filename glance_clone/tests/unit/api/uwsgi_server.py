# SPDX-License-Identifier: Apache-2.0
"""What a request sees of uWSGI, without uWSGI."""

from __future__ import annotations

import socket

import fixtures


class Uwsgi(fixtures.Fixture):
    """The module ``uwsgi``, with a connection whose other end is ``client``.

    :param options: of uWSGI
    """

    buffer_size = 1000

    def __init__(self, **options: bytes):
        super().__init__()
        self.opt = {'http-socket': b':80', **{name.replace('_', '-'): value for name, value in options.items()}}

    def _setUp(self) -> None:
        self.client, self.server = socket.socketpair()
        self.addCleanup(self.client.close)
        self.addCleanup(self.server.close)
        self.client.settimeout(10)
        self.server.setblocking(False)
        self.useFixture(fixtures.MonkeyPatch('glance_clone.api.uwsgi_connection.uwsgi', self))

    def connection_fd(self) -> int:
        """Return the descriptor of the server's end."""
        return self.server.fileno()
