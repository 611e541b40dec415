# SPDX-License-Identifier: Apache-2.0
"""A proxy that the operator configured; those that the environment names are never used (P3)."""

from __future__ import annotations

import dataclasses
import http.client
import ipaddress
import socket
from urllib import parse

from glance_clone.domain import errors
from glance_clone.fetching.address import Address
from glance_clone.fetching.target import authorization_of

_DEFAULT_PORT = 3128


@dataclasses.dataclass(frozen=True)
class Proxy:
    """A proxy that speaks HTTP.

    :ivar authorization: what user and password in its URL amount to; a secret
    """

    host: str
    port: int
    authorization: str | None = dataclasses.field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What it wants to be told with every request."""
        return {'Proxy-Authorization': self.authorization} if self.authorization else {}

    def tunnel(self, connection: socket.socket, address: Address, port: int) -> None:
        """Have a connection to the proxy led on to an address, which was checked.

        :raises FetchError: the proxy refuses
        :raises OSError: it breaks off
        :raises HTTPException: it is none
        """
        place = f'[{address}]:{port}' if isinstance(address, ipaddress.IPv6Address) else f'{address}:{port}'
        lines = [f'CONNECT {place} HTTP/1.1', f'Host: {place}', *(f'{name}: {text}' for name, text in self.headers.items())]
        connection.sendall('\r\n'.join([*lines, '', '']).encode('latin-1'))
        response = http.client.HTTPResponse(connection, method='CONNECT')
        response.begin()
        if response.status != http.HTTPStatus.OK:
            raise errors.FetchError(f'The proxy of this service answered {response.status}; tell an operator.')


def parse_proxy(text: str | None) -> Proxy | None:
    """Return the proxy that an option names, as ``host:port`` or ``http://user:password@host:port``; None for none.

    :raises ValueError: it is malformed
    """
    if not text:
        return None
    parts = parse.urlsplit(text if '://' in text else f'//{text}')
    if parts.scheme not in ('', 'http') or not parts.hostname or parts.path.strip('/') or parts.query:
        raise ValueError('A proxy is written as host:port or http://user:password@host:port.')
    user = parts.netloc.rpartition('@')[0]
    return Proxy(parts.hostname, parts.port or _DEFAULT_PORT, authorization_of(user))
