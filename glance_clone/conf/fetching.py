# SPDX-License-Identifier: Apache-2.0
"""What the service may fetch from other servers, and how long it waits for them.

Both groups hold for every request that the service sends to an address that a user named: downloads at import, data of
images under http locations, and the redirects of these (P3, D-10).
"""

from __future__ import annotations

from oslo_config import cfg
from oslo_config import types

FILTER_GROUP = 'import_filtering_opts'
GROUP = 'fetching'

_PORT = types.Integer(1, 65535)

_FILTER_OPTS = [
    cfg.ListOpt(
        'allowed_schemes',
        item_type=types.String(quotes=True),
        bounds=True,
        default=['http', 'https'],
        help="""
URL schemes that may be fetched, written ``[http,https]``.

Where the list is not empty, ``disallowed_schemes`` does not count. Nothing but http and https is ever fetched.
""",
    ),
    cfg.ListOpt(
        'disallowed_schemes',
        item_type=types.String(quotes=True),
        bounds=True,
        default=[],
        help='URL schemes that may not be fetched; looked at only where ``allowed_schemes`` is empty.',
    ),
    cfg.ListOpt(
        'allowed_hosts',
        item_type=types.HostAddress(),
        bounds=True,
        default=[],
        help="""
Names or addresses of the only hosts that may be fetched from, written ``[mirror.example.org,192.0.2.7]``.

Where the list is not empty, ``disallowed_hosts`` does not count, and the hosts in it may have any address: also a loopback
or link-local one, which is refused otherwise.
""",
    ),
    cfg.ListOpt(
        'disallowed_hosts',
        item_type=types.HostAddress(),
        bounds=True,
        default=[],
        help="""
Names or addresses of hosts that may not be fetched from; looked at only where ``allowed_hosts`` is empty.

A listed address is refused under every name that leads to it.
""",
    ),
    cfg.ListOpt(
        'allowed_ports',
        item_type=_PORT,
        bounds=True,
        default=[80, 443],
        help="""
Ports that may be fetched from, written ``[80,443]``; the port of a URL that names none is that of its scheme.

Where the list is not empty, ``disallowed_ports`` does not count. A remote image service usually listens on another port,
such as 9292, which has to be added for the import method ``glance-download``.
""",
    ),
    cfg.ListOpt(
        'disallowed_ports',
        item_type=_PORT,
        bounds=True,
        default=[],
        help='Ports that may not be fetched from; looked at only where ``allowed_ports`` is empty.',
    ),
]

_OPTS = [
    cfg.BoolOpt(
        'refuse_private_addresses',
        default=False,
        help="""
Refuse hosts with private addresses (RFC 1918, unique local) too, unless they are in ``allowed_hosts``.

Addresses of the host itself, its link, of metadata services, multicast and reserved ones are refused whatever the value.
""",
    ),
    cfg.StrOpt(
        'ca_file',
        help='CA certificates (PEM) that https servers must have a certificate of; unset: those of the operating system.',
    ),
    cfg.StrOpt(
        'proxy',
        secret=True,
        help="""
Proxy for everything that is fetched, as ``host:port`` or ``http://user:password@host:port``; unset: none.

Hosts are resolved and checked all the same. For https the proxy is told the checked address; for http it is told the name,
which it resolves itself. Proxies that the environment names are never used.
""",
    ),
    cfg.IntOpt('lookup_timeout', default=5, min=1, help='Seconds for which the address of a host name is waited for.'),
    cfg.IntOpt('connect_timeout', default=10, min=1, help='Seconds in which a connection, with TLS, must be made.'),
    cfg.IntOpt('idle_timeout', default=30, min=1, help='Seconds for which a server may send nothing.'),
    cfg.IntOpt('total_timeout', default=4 * 3600, min=1, help='Seconds in which a download for an import must end.'),
    cfg.IntOpt(
        'min_rate',
        default=1024,
        min=0,
        help='Bytes per second that a server must send on average after the first minute of waiting. 0: any.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_FILTER_OPTS, group=FILTER_GROUP)
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {FILTER_GROUP: _FILTER_OPTS, GROUP: _OPTS}
