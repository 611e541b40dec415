# SPDX-License-Identifier: Apache-2.0
"""One connection, to an address that was checked, for one request; everything about it is bounded in time and size."""

from __future__ import annotations

import contextlib
import http.client
import io
import math
import socket
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from glance_clone.domain import errors
from glance_clone.fetching.address import Address
from glance_clone.fetching.patience import Patience
from glance_clone.fetching.proxy import Proxy
from glance_clone.fetching.target import Target

#: Bytes that the head of an answer may have, all lines together, those of interim answers too.
_LARGEST_HEAD = 128 << 10
_BUFFER = 64 << 10
#: Addresses of one host that are tried.
_MOST_TRIES = 4
#: Seconds after which is asked again whether the data is still wanted.
_SLICE = 2.0
#: Seconds of the shortest wait; 0 would mean none at all.
_LEAST = 0.001


def nobody_asks() -> None:
    """The data is wanted as long as it is waited for."""


class Connection:
    """A connection to the server of a target; closes itself if it cannot be made.

    :param found: addresses to try in turn
    :param alive: called again and again while the server is waited for; what it raises ends that
    :param proxy: connect to this one instead, and have it connect to the server
    :raises FetchError: none of them can be reached, or the server has no valid certificate
    """

    def __init__(
        self,
        target: Target,
        found: Sequence[Address],
        tls: ssl.SSLContext,
        patience: Patience,
        alive: Callable[[], None] = nobody_asks,
        proxy: Proxy | None = None,
    ):
        self._alive = alive
        self._proxy = proxy
        self._target = target
        self._patience = patience
        self._file: io.BufferedReader | None = None
        #: Seconds for which what should not come any more is waited for; None before that.
        self._farewell: float | None = None
        #: Bytes that may still come; no limit once the head was read.
        self._head_left: float = _LARGEST_HEAD
        self._socket = self._connect(found, tls)

    def request(self, method: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        """Send the request and return the answer, of which the head has been read.

        :raises FetchError: no answer, or none that is HTTP
        """
        client = http.client.HTTPConnection(str(self._target.host), self._target.port)
        client.sock = self._socket
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]
        path, headers = self._target.path, {'Host': self._target.authority, **headers}
        if self._proxy and self._target.scheme == 'http':
            path, headers = self._target.url, {**headers, **self._proxy.headers}
        with self.translated():
            client.request(method, path, headers=headers)
            response.begin()
        self._head_left = math.inf
        return response

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def makefile(self, *_args: object, **_kwargs: object) -> io.BufferedReader:
        """Return what the answer is read from; the name is that of sockets, which this stands for."""
        self._file = io.BufferedReader(_Incoming(self), _BUFFER)
        return self._file

    def receive(self, buffer: Any) -> int:
        """Read what has come into a buffer, after waiting for it as long as patience lasts; 0 at the end."""
        if self._farewell is not None:
            return self._receive_rest(buffer, self._farewell)
        begin = time.monotonic()
        count = self._wait(buffer, begin + self._patience.left())
        self._patience.spend(time.monotonic() - begin, count)
        self._head_left -= count
        if self._head_left < 0:
            raise errors.FetchError(f'The head of the answer of {self._target.host} is too large.')
        return count

    def _wait(self, buffer: Any, end: float) -> int:
        """Receive, and ask in between whether anybody still wants it."""
        while True:
            self._socket.settimeout(min(max(end - time.monotonic(), _LEAST), _SLICE))
            try:
                return self._socket.recv_into(buffer)
            except TimeoutError:
                if time.monotonic() >= end:
                    raise
                self._alive()

    def is_at_end(self, seconds: float) -> bool:
        """Tell whether the server closed the connection, or sends nothing more, within a time."""
        if self._file is None or self._file.closed:
            return True
        self._farewell = seconds
        return not self._file.peek(1)

    def _receive_rest(self, buffer: Any, seconds: float) -> int:
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv_into(buffer)
        except OSError:
            return 0

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what goes wrong on the way into errors of the domain."""
        host = self._target.host
        try:
            yield
        except errors.ImageServiceError:
            raise
        except TimeoutError:
            raise errors.FetchError(f'The server {host} sent nothing for too long.') from None
        except OSError as error:
            raise errors.FetchError(f'The connection to {host} broke off.') from error
        except (http.client.HTTPException, ValueError) as error:
            raise errors.FetchError(f'The server {host} does not answer as HTTP servers do.') from error

    def _connect(self, found: Sequence[Address], tls: ssl.SSLContext) -> socket.socket:
        failure: errors.FetchError | None = None
        for address in found[:_MOST_TRIES]:
            try:
                return self._connect_to(address, tls)
            except errors.FetchError as error:
                failure = failure or error
        raise failure or errors.FetchError(f'The server {self._target.host} has no address.')

    def _connect_to(self, address: Address, tls: ssl.SSLContext) -> socket.socket:
        host, port = self._target.host, self._target.port
        place = (self._proxy.host, self._proxy.port) if self._proxy else (str(address), port)
        try:
            plain = socket.create_connection(place, self._patience.to_connect())
        except TimeoutError:
            raise errors.FetchError(f'The server {host} does not answer.') from None
        except OSError as error:
            raise errors.FetchError(f'The server {host} cannot be reached: {error.strerror or "no connection"}.') from error
        if self._target.scheme != 'https':
            return plain
        try:
            if self._proxy:
                self._proxy.tunnel(plain, address, port)
            return tls.wrap_socket(plain, server_hostname=str(host))
        except BaseException as error:
            plain.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise errors.FetchError(f'The certificate of {host} is not valid: {error.verify_message}.') from error
            if isinstance(error, (OSError, http.client.HTTPException)):
                raise errors.FetchError(f'No secure connection can be made to {host}.') from error
            raise


class _Incoming(io.RawIOBase):
    """The receiving half of a connection as a file."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See :meth:`Connection.receive`."""
        return self._connection.receive(buffer)
