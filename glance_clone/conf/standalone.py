# SPDX-License-Identifier: Apache-2.0
"""Options of the standalone server ``glance-api``; other WSGI servers have their own configuration."""

from __future__ import annotations

from oslo_config import cfg

_SOCKET = [
    cfg.HostAddressOpt('bind_host', default='0.0.0.0', help='Address to listen on: IPv4, IPv6 or a host name.'),  # noqa: S104
    cfg.PortOpt('bind_port', help='Port to listen on; 9292 where it is not set.'),
    cfg.IntOpt('backlog', default=4096, min=1, help='Connections that may wait to be accepted.'),
    cfg.IntOpt('tcp_keepidle', default=600, min=1, help='Idle seconds after which TCP keepalive probes begin.'),
]

_TLS = [
    cfg.StrOpt('cert_file', help='Certificate chain (PEM) of the server; with it the server speaks TLS 1.2 or newer.'),
    cfg.StrOpt('key_file', help='Private key (PEM) of the certificate in ``cert_file``.'),
    cfg.StrOpt('ca_file', help='CA certificates (PEM) that clients must present a certificate of; unset: none needed.'),
]

_PROCESSES = [
    cfg.IntOpt(
        'workers',
        min=0,
        help='Worker processes. 0: one process that does not fork; unset: one per CPU, at most 8.',
    ),
    cfg.IntOpt(
        'graceful_shutdown_timeout',
        default=60,
        min=0,
        help='Seconds for which running requests may go on after a signal to stop. 0: without limit.',
    ),
    cfg.IntOpt(
        'max_concurrent_requests',
        default=1000,
        min=1,
        help='Connections that one worker process serves at the same time; more wait.',
    ),
]

_LIMITS = [
    cfg.IntOpt('max_header_line', default=16384, min=0, help='Bytes of the longest line of a request head. 0: 64 KiB.'),
    cfg.IntOpt('max_header_size', default=32768, min=1024, help='Bytes of all header lines of a request together.'),
    cfg.IntOpt('max_header_fields', default=100, min=1, help='Header fields of a request.'),
    cfg.BoolOpt('http_keepalive', default=True, help='Serve several requests on one connection.'),
    cfg.IntOpt('http_keepalive_idle', default=15, min=1, help='Seconds for which an idle connection is kept open.'),
    cfg.IntOpt('http_keepalive_requests', default=1000, min=1, help='Requests that are served on one connection.'),
    cfg.IntOpt('client_header_timeout', default=10, min=1, help='Seconds in which the head of a request must arrive.'),
    cfg.IntOpt('client_body_timeout', default=30, min=1, help='Seconds that a client may pause in a request body.'),
    cfg.IntOpt('client_write_timeout', default=60, min=1, help='Seconds that a client may take no byte of an answer.'),
    cfg.IntOpt(
        'client_min_rate',
        default=1024,
        min=0,
        help='Bytes per second that a request body must reach on average after its first minute. 0: any.',
    ),
    cfg.IntOpt(
        'client_socket_timeout',
        default=900,
        min=0,
        help='Seconds after which any single operation on a client connection is given up. 0: never.',
    ),
]

_DEBUG = [
    cfg.HostAddressOpt('pydev_worker_debug_host', help='Accepted for compatibility; has no effect.'),
    cfg.PortOpt('pydev_worker_debug_port', default=5678, help='Accepted for compatibility; has no effect.'),
]

_OPTS = _SOCKET + _TLS + _PROCESSES + _LIMITS + _DEBUG


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {None: _OPTS}
