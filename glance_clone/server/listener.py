# SPDX-License-Identifier: Apache-2.0
"""The listening socket, and TLS on what it accepts."""

from __future__ import annotations

import errno
import socket
import ssl
import time

from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

DEFAULT_PORT = 9292
#: Seconds for which an address that is in use is tried again: another instance may be about to end.
_PATIENCE = 30


def address_of(conf: cfg.ConfigOpts) -> tuple[str, int]:
    """Return the configured host and port."""
    return conf.bind_host, DEFAULT_PORT if conf.bind_port is None else conf.bind_port


def listen(conf: cfg.ConfigOpts, patience: float = _PATIENCE) -> socket.socket:
    """Return a socket that listens at the configured address.

    :param patience: seconds to wait for an address that is in use
    :raises RuntimeError: the address cannot be had
    """
    host, port = address_of(conf)
    end = time.monotonic() + patience
    while True:
        try:
            sock = _bind(host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > end:
                raise RuntimeError(f'Cannot listen on {host} port {port}: {error}. Check bind_host and bind_port.') from None
            time.sleep(0.5)
        else:
            tune(sock, conf)
            LOG.info('Listening on %s port %d.', host, sock.getsockname()[1])
            return sock


def tune(sock: socket.socket, conf: cfg.ConfigOpts) -> None:
    """Apply the options of the listening socket; connections inherit what is set on it, as on Linux they do."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, conf.tcp_keepidle)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.listen(conf.backlog)


def _bind(host: str, port: int) -> socket.socket:
    try:
        return _bind_family(socket.AF_INET6 if ':' in host else socket.AF_INET, host, port)
    except socket.gaierror:  # a name that has only an IPv6 address
        return _bind_family(socket.AF_INET6, host, port)


def _bind_family(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def tls_context(conf: cfg.ConfigOpts) -> ssl.SSLContext | None:
    """Return the context for connections; None where no certificate is configured.

    :raises RuntimeError: options or files that do not fit together
    """
    if not conf.cert_file and not conf.key_file:
        if conf.ca_file:
            raise RuntimeError('ca_file needs cert_file and key_file.')
        return None
    if not conf.cert_file or not conf.key_file:
        raise RuntimeError('TLS needs both cert_file and key_file.')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(conf.cert_file, conf.key_file, _no_password)
        if conf.ca_file:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(conf.ca_file)
    except (OSError, ValueError) as error:
        raise RuntimeError(f'The files of cert_file, key_file and ca_file cannot be used: {error}') from None
    return context


def _no_password() -> str:
    raise ValueError('the private key is encrypted, and there is nobody to ask for its password')
