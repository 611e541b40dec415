# SPDX-License-Identifier: Apache-2.0
"""A URL, taken apart once: what is checked is what is connected to."""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import re
from urllib import parse

from glance_clone.domain import errors
from glance_clone.fetching.address import Address
from glance_clone.fetching.host import normalise

DEFAULT_PORTS = {'http': 80, 'https': 443}
_LONGEST = 8192
#: What no URL has: blanks and control characters, and backslashes, which some readers take for slashes.
_NOT_IN_URLS = re.compile(r'[\x00-\x20\x7f-\xa0\\\ufeff\u2000-\u200f\u2028-\u202f\u3000]')
#: What servers send in redirects although it should be encoded; headers are read as Latin-1.
_SENT_RAW = re.compile(r'[ \x80-\xff]')
_AUTHORITY = re.compile(r'(?:(?P<user>[^@]*)@)?(?P<host>\[[^\[\]@]*\]|[^\[\]:@]*)(?::(?P<port>[0-9]*))?', re.ASCII)
_KEPT = "%/:?#[]@!$&'()*+,;=~-._"


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What is to be fetched.

    :ivar host: a name or an address, in the one spelling that lists have too
    :ivar port: the port to connect to, whether the URL names it or not
    :ivar path: path and query as they are sent
    :ivar authorization: what user and password in the URL amount to, None if it has none; a secret
    """

    scheme: str
    host: str | Address
    port: int
    path: str
    authorization: str | None = dataclasses.field(default=None, repr=False)

    @property
    def origin(self) -> tuple[str, str | Address, int]:
        """Where credentials may be sent again."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """Host and port as a server wants to be called."""
        host = f'[{self.host}]' if isinstance(self.host, ipaddress.IPv6Address) else str(self.host)
        return host if self.port == DEFAULT_PORTS.get(self.scheme) else f'{host}:{self.port}'

    @property
    def url(self) -> str:
        """The URL without user, password and fragment."""
        return f'{self.scheme}://{self.authority}{self.path}'


def parse_url(url: str) -> Target:
    """Take a URL apart.

    :raises UrlRefused: it cannot be read in one way only, or lacks something
    """
    if len(url) > _LONGEST:
        raise errors.UrlRefused(f'The URL is longer than {_LONGEST} characters.')
    if _NOT_IN_URLS.search(url):
        raise errors.UrlRefused('The URL has characters in it that must be percent-encoded.')
    try:
        parts = parse.urlsplit(url)
        match = _AUTHORITY.fullmatch(parts.netloc)
    except ValueError:
        match = None
    if match is None:
        raise errors.UrlRefused('The URL is malformed.')
    scheme = parts.scheme.lower()
    if not scheme:
        raise errors.UrlRefused('The URL has no scheme; begin it with http:// or https://.')
    return Target(scheme, _host(match['host']), _port(match['port'], scheme), _path(parts), authorization_of(match['user']))


def join(target: Target, location: str) -> Target:
    """Return where a redirect leads.

    :param location: the header Location as it came, absolute or relative
    :raises UrlRefused: see :func:`parse_url`
    """
    quoted = _SENT_RAW.sub(lambda match: f'%{ord(match[0]):02X}', location.strip(' '))
    try:
        return parse_url(parse.urljoin(target.url, quoted))
    except ValueError:
        raise errors.UrlRefused('The server redirects to a malformed URL.') from None


def _host(text: str) -> str | Address:
    if not text:
        raise errors.UrlRefused('The URL has no host.')
    try:
        return normalise(text)
    except ValueError:
        raise errors.UrlRefused('The host of the URL is neither a name nor an address in the usual notation.') from None


def _port(text: str | None, scheme: str) -> int:
    """Return the port; 0, which is refused everywhere, for a scheme that has none."""
    port = int(text[:6]) if text else DEFAULT_PORTS.get(scheme, 0)
    if text and not 0 < port < 65536:
        raise errors.UrlRefused('The port of the URL must be between 1 and 65535.')
    return port


def _path(parts: parse.SplitResult) -> str:
    path = parse.quote(parts.path or '/', safe=_KEPT)
    return f'{path}?{parse.quote(parts.query, safe=_KEPT)}' if parts.query else path


def authorization_of(user: str | None) -> str | None:
    """Return the header that user and password of a URL, ``user:password``, amount to; None for none."""
    if not user:
        return None
    name, colon, password = user.partition(':')
    plain = parse.unquote(name) + ':' + (parse.unquote(password) if colon else '')
    return 'Basic ' + base64.b64encode(plain.encode()).decode('ascii')
