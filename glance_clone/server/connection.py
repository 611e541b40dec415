# SPDX-License-Identifier: Apache-2.0
"""One client: its requests one after the other, until one side ends the connection."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import time
from typing import Any

from oslo_log import log as logging

from glance_clone.server.answer import Sender
from glance_clone.server.answer import refusal
from glance_clone.server.environ import environ_of
from glance_clone.server.exchange import Exchange
from glance_clone.server.exchange import Site
from glance_clone.server.exchange import log_access
from glance_clone.server.reader import ClientGone
from glance_clone.server.reader import ClientSlow
from glance_clone.server.reader import FramingError
from glance_clone.server.reader import Reader
from glance_clone.server.request_body import Body
from glance_clone.server.request_head import Head
from glance_clone.server.request_head import read_head

LOG = logging.getLogger(__name__)

#: Seconds between two looks at whether the server stops, while a connection is idle: a client whose next request is on its
#: way when that begins is still answered.
_LOOK = 1.0
#: Seconds for which we take what a client goes on sending after our last answer, because it would never see that answer if
#: we closed: the rest of an upload that was refused, or of what was no request; and those that it may pause meanwhile.
_LINGER_UPLOAD = 30.0
_LINGER = 2.0
_DISCARD = 256 * 1024


class Connection:
    """Serves one client.

    :param sock: its socket; it is closed at the end
    :param address: where it comes from
    """

    def __init__(self, site: Site, sock: socket.socket, address: Any):
        self._site = site
        self._limits = site.limits
        self._sock = sock
        self._peer = (str(address[0]), str(address[1])) if isinstance(address, tuple) else ('local', '0')
        self._deadline = time.monotonic() + self._limits.head_time
        self._linger_time = 0.0

    def run(self) -> None:
        """Serve requests until the connection ends. Nothing that a client does makes this raise."""
        try:
            self._encrypt()
            self._serve_all()
            self._linger()
            self._say_goodbye()
        except OSError as error:  # ClientGone and ClientSlow among them
            LOG.debug('%s: the connection ended: %s', self._peer[0], error)
        finally:
            self._sock.close()

    def cut(self) -> None:
        """End the connection at once, whatever runs on it; the application sees a client that went away."""
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._sock.fileno())) as plain:
            plain.shutdown(socket.SHUT_RDWR)

    def _encrypt(self) -> None:
        if self._site.tls is None:
            return
        self._sock.settimeout(self._limits.head_time)
        encrypted = self._site.tls.wrap_socket(self._sock, server_side=True, do_handshake_on_connect=False)
        self._sock = encrypted
        encrypted.settimeout(self._limits.head_time)
        encrypted.do_handshake()

    def _serve_all(self) -> None:
        """Serve one request after the other."""
        self._reader = Reader(self._sock)
        for number in range(1, self._limits.requests + 1):
            if not self._await_request():
                return
            if number > 1:
                self._deadline = time.monotonic() + self._limits.head_time
            if not self._serve(last=number == self._limits.requests):
                return
            self._deadline = time.monotonic() + self._limits.idle

    def _await_request(self) -> bool:
        """Wait for the first byte of a request; return False if none is to be expected any more."""
        while (left := self._deadline - time.monotonic()) > 0:
            if self._reader.buffered or self._decrypted() or select.select([self._sock], [], [], min(left, _LOOK))[0]:
                return True
            if self._site.stopping:
                return False
        return False

    def _decrypted(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.pending() > 0

    def _serve(self, last: bool) -> bool:
        """Serve one request; return whether the connection is fit for another."""
        begin = time.monotonic()
        sender = Sender(self._sock, self._limits.write_idle)
        try:
            head = read_head(self._reader, self._limits, self._deadline)
        except FramingError as error:
            self._refuse(sender, error.status, str(error), begin)
            return False
        except ClientSlow:
            self._refuse(sender, 408, 'the request took too long to arrive', begin)
            return False
        return self._exchange(head, sender, last)

    def _exchange(self, head: Head, sender: Sender, last: bool) -> bool:
        body = Body(self._reader, head.length, self._limits)
        scheme = 'https' if self._site.tls else 'http'
        environ = environ_of(head, body, self._sock, self._peer, scheme, self._site.multiprocess)
        try:
            return Exchange(self._site, sender, head, body, self._peer[0], last).run(environ)
        finally:
            self._linger_time = 0.0 if body.complete else _LINGER_UPLOAD

    def _refuse(self, sender: Sender, status: int, reason: str, begin: float) -> None:
        self._linger_time = _LINGER
        try:
            sender.send(refusal(status, reason))
        finally:
            log_access(self._peer[0], f'- ({reason})', status, sender.sent, begin)

    def _linger(self) -> None:
        """Take and forget what the client still sends."""
        if not self._linger_time:
            return
        if self._site.tls is None:
            self._sock.shutdown(socket.SHUT_WR)
        end = time.monotonic() + self._linger_time
        with contextlib.suppress(ClientGone, ClientSlow):
            while (left := end - time.monotonic()) > 0:
                self._reader.some(_DISCARD, min(left, _LINGER))
                time.sleep(0)

    def _say_goodbye(self) -> None:
        """Tell a TLS client that what it got was all of it."""
        if isinstance(self._sock, ssl.SSLSocket):
            self._sock.settimeout(_LINGER)
            self._sock.unwrap()
