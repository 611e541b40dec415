# SPDX-License-Identifier: Apache-2.0
"""The one way out: every request to a server that a user named is sent here (P3, D-10, W-07)."""

from __future__ import annotations

import dataclasses
import http.client
import ssl
from collections.abc import Callable
from collections.abc import Mapping

from oslo_config import cfg

from glance_clone.domain import errors
from glance_clone.domain.ports import Concurrency
from glance_clone.fetching.address import Address
from glance_clone.fetching.connection import Connection
from glance_clone.fetching.connection import nobody_asks
from glance_clone.fetching.lookup import Lookup
from glance_clone.fetching.patience import Limits
from glance_clone.fetching.patience import Patience
from glance_clone.fetching.proxy import Proxy
from glance_clone.fetching.proxy import parse_proxy
from glance_clone.fetching.remote import Remote
from glance_clone.fetching.rules import Rules
from glance_clone.fetching.target import DEFAULT_PORTS
from glance_clone.fetching.target import Target
from glance_clone.fetching.target import join
from glance_clone.fetching.target import parse_url

_OK = 200
_PARTIAL = 206
_BEYOND = 416
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_USER_AGENT = 'glance-clone'
#: Headers that are for the origin of the first URL only.
_CREDENTIALS = frozenset(('authorization', 'cookie', 'proxy-authorization', 'x-auth-token', 'x-service-token'))


class SafeFetcher:
    """Fetches what the rules allow; see :class:`glance_clone.domain.store_ports.Fetcher`."""

    def __init__(self, rules: Rules, lookup: Lookup, limits: Limits, tls: ssl.SSLContext, proxies: Mapping[str, Proxy | None]):
        self._proxies = proxies
        self._rules = rules
        self._lookup = lookup
        self._limits = limits
        self._tls = tls

    def check(self, url: str) -> None:
        """See :meth:`Fetcher.check`."""
        self._require(parse_url(url))

    def open(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        offset: int = 0,
        length: int | None = None,
        redirects: int = 10,
        total_timeout: float | None = None,
        alive: Callable[[], None] = nobody_asks,
    ) -> Remote:
        """See :meth:`Fetcher.open`."""
        target = parse_url(url)
        patience = Patience(self._limits, total_timeout)
        wanted = {**(headers or {}), **_range_header(offset, length)}
        target, connection, response = self._follow('GET', target, wanted, redirects, patience, alive)
        try:
            return Remote(connection, response, str(target.host), offset, length)
        except BaseException:
            connection.close()
            raise

    def size(self, url: str, headers: Mapping[str, str] | None = None, redirects: int = 10) -> int | None:
        """See :meth:`Fetcher.size`."""
        patience = Patience(self._limits, self._limits.connect + self._limits.idle)
        _, connection, response = self._follow('HEAD', parse_url(url), headers or {}, redirects, patience)
        connection.close()
        text = response.headers.get('Content-Length', '').strip()
        return int(text) if text.isdecimal() and len(text) <= 20 else None

    def _follow(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        redirects: int,
        patience: Patience,
        alive: Callable[[], None] = nobody_asks,
    ) -> tuple[Target, Connection, http.client.HTTPResponse]:
        """Send a request, and again wherever the answer leads, until there is one with data."""
        while True:
            connection, response = self._ask(method, target, headers, patience, alive)
            try:
                location = response.headers.get('Location') if redirects else None
                if response.status not in _REDIRECTS or location is None:
                    _require_answer(target, response, 'Range' in headers)
                    return target, connection, response
                target, headers = _redirected(target, location, headers)
            except BaseException:
                connection.close()
                raise
            connection.close()
            redirects -= 1

    def _ask(
        self, method: str, target: Target, headers: Mapping[str, str], patience: Patience, alive: Callable[[], None]
    ) -> tuple[Connection, http.client.HTTPResponse]:
        connection = Connection(target, self._require(target), self._tls, patience, alive, self._proxies.get(target.scheme))
        sent = {'Accept-Encoding': 'identity', 'Connection': 'close', 'User-Agent': _USER_AGENT, **headers}
        if target.authorization:
            sent['Authorization'] = target.authorization
        try:
            return connection, connection.request(method, sent)
        except BaseException:
            connection.close()
            raise

    def _require(self, target: Target) -> list[Address]:
        """Return the addresses of a target to which the service may connect.

        :raises UrlRefused: it may not be fetched
        """
        self._rules.require(target)
        found = self._lookup.addresses(target.host, local=self._rules.lists(target.host))
        return self._rules.usable(target.host, found)


def build_fetcher(
    conf: cfg.ConfigOpts,
    concurrency: Concurrency,
    ca_file: str | None = None,
    insecure: bool = False,
    proxies: Mapping[str, str] | None = None,
) -> SafeFetcher:
    """Return a fetcher with the rules and limits of the configuration.

    :param ca_file: CA certificates to trust instead of those that ``[fetching] ca_file`` says
    :param insecure: believe servers without a valid certificate too
    :param proxies: of other servers, by scheme, instead of that which ``[fetching] proxy`` names
    :raises ValueError: a list has something in it that is no host, a proxy is malformed, or the CA certificates cannot be read
    """
    options = conf.fetching
    limits = Limits(options.connect_timeout, options.idle_timeout, options.total_timeout, options.min_rate)
    tls = _tls_context(ca_file or options.ca_file, insecure)
    chosen = {scheme: parse_proxy((proxies or {}).get(scheme) or options.proxy) for scheme in DEFAULT_PORTS}
    return SafeFetcher(Rules.of(conf), Lookup(concurrency, options.lookup_timeout), limits, tls, chosen)


def _tls_context(ca_file: str | None, insecure: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ValueError(f'The CA certificates in {ca_file} cannot be read: {error}') from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _range_header(offset: int, length: int | None) -> dict[str, str]:
    if not offset and length is None:
        return {}
    # Where no byte is wanted, one is asked for: a range cannot be empty.
    last = '' if length is None else offset + max(length, 1) - 1
    return {'Range': f'bytes={offset}-{last}'}


def _redirected(target: Target, location: str, headers: Mapping[str, str]) -> tuple[Target, Mapping[str, str]]:
    """Return where a redirect leads, and the headers to send there: credentials never leave the origin they are for."""
    following = join(target, location)
    if following.origin != target.origin:
        return following, {name: value for name, value in headers.items() if name.lower() not in _CREDENTIALS}
    return dataclasses.replace(following, authorization=following.authorization or target.authorization), headers


def _require_answer(target: Target, response: http.client.HTTPResponse, ranged: bool) -> None:
    """Refuse an answer that is not the wanted data.

    :param ranged: whether only a part was asked for
    """
    expected = (_OK, _PARTIAL, _BEYOND) if ranged else (_OK,)
    if response.status in expected:
        return
    if response.status in _REDIRECTS and response.headers.get('Location'):
        raise errors.FetchError(f'The server {target.host} redirects further than this service follows.', response.status)
    raise errors.FetchError(f'The server {target.host} answered {response.status} instead of the data.', response.status)
