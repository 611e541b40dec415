# SPDX-License-Identifier: Apache-2.0
"""A light HTTP client: raw sockets on the loopback address, several processes beside each other."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import socket
import time
from collections.abc import Iterable
from typing import Any

_BLOCK = 1 << 20
_TIMEOUT = 120


class Refused(Exception):
    """The service answered otherwise than the workload needs.

    :ivar status: HTTP status
    """

    def __init__(self, status: int, body: bytes):
        super().__init__(f'status {status}: {body[:200]!r}')
        self.status = status


@dataclasses.dataclass(slots=True)
class Target:
    """A service under test.

    :ivar headers: sent with every request, e.g. who asks
    :ivar admin: what else makes an administrator of whoever asks, None if nothing does
    """

    port: int
    headers: dict[str, str]
    prefix: str = ''
    admin: dict[str, str] | None = None

    def head(self, method: str, path: str, length: int, more: dict[str, str] | None = None) -> bytes:
        """Return the head of a request."""
        lines = [f'{method} {self.prefix}{path} HTTP/1.1', f'Host: 127.0.0.1:{self.port}', f'Content-Length: {length}']
        lines += [f'{name}: {value}' for name, value in {**self.headers, **(more or {})}.items()]
        return '\r\n'.join([*lines, '', '']).encode()

    def call(self, method: str, path: str, document: Any = None, **headers: str) -> Any:
        """Send one request with a JSON document and return the one of the answer.

        :raises Refused: another status than 2xx
        """
        body = b'' if document is None else json.dumps(document).encode()
        named = {name.replace('_', '-'): value for name, value in headers.items()}
        head = self.head(method, path, len(body), {'Content-Type': 'application/json', **named})
        with Connection(self.port) as connection:
            answer = connection.exchange(head + body)
        return json.loads(answer) if answer else None


class Connection:
    """A connection that is opened again whenever the server closes it."""

    def __init__(self, port: int):
        self._port = port
        self._socket: socket.socket | None = None
        self._buffer = bytearray(_BLOCK)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(self, request: bytes) -> bytes:
        """Send a request and return the body of the answer.

        :raises Refused: another status than 2xx
        """
        self._send([request])
        return self._receive(keep=True)[1]

    def upload(self, head: bytes, size: int) -> None:
        """Send a head and size bytes after it."""
        block = bytes(_BLOCK)
        self._send([head, *(block[: min(_BLOCK, size - sent)] for sent in range(0, size, _BLOCK))])
        self._receive(keep=True)

    def download(self, request: bytes) -> int:
        """Send a request and return the number of bytes of the answer's body."""
        self._send([request])
        return self._receive(keep=False)[0]

    def _send(self, parts: Iterable[bytes]) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(('127.0.0.1', self._port), timeout=_TIMEOUT)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            self._socket.sendall(part)

    def _receive(self, keep: bool) -> tuple[int, bytes]:
        assert self._socket is not None
        data = b''
        while b'\r\n\r\n' not in data:
            piece = self._socket.recv(65536)
            if not piece:
                raise ConnectionError('the server closed the connection without an answer')
            data += piece
        head, _, rest = data.partition(b'\r\n\r\n')
        status, headers = _parsed(head)
        count, kept = len(rest), [rest]
        length = int(headers.get('content-length', 0))
        while count < length:
            size = self._socket.recv_into(self._buffer)
            if not size:
                raise ConnectionError('the answer ended early')
            count += size
            if keep or status >= 300:
                kept.append(bytes(self._buffer[:size]))
        if headers.get('connection', '').lower() == 'close':
            self.close()
        body = b''.join(kept)
        if not 200 <= status < 300:
            raise Refused(status, body)
        return count, body


def _parsed(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode('latin-1').split('\r\n')
    headers = {}
    for line in lines:
        name, _, value = line.partition(':')
        headers[name.strip().lower()] = value.strip()
    return int(first.split()[1]), headers


def run_many(port: int, requests: list[list[bytes]]) -> tuple[float, list[float]]:
    """Send lists of requests, each in a process of its own; return the seconds of it all and of each request."""
    context = multiprocessing.get_context('fork')
    with context.Pool(len(requests)) as pool:
        pool.map(nothing, range(len(requests)))
        began = time.perf_counter()
        parts = pool.starmap(_run, [(port, part) for part in requests], chunksize=1)
        elapsed = time.perf_counter() - began
    return elapsed, [seconds for part in parts for seconds in part]


def nothing(number: int) -> None:
    """Let every process of the pool begin before the clock runs."""


def _run(port: int, requests: list[bytes]) -> list[float]:
    times = []
    with Connection(port) as connection:
        for request in requests:
            began = time.perf_counter()
            connection.exchange(request)
            times.append(time.perf_counter() - began)
    return times
