# SPDX-License-Identifier: Apache-2.0
"""The listening socket and its options."""

from __future__ import annotations

import socket
import time

from oslo_config import cfg

from glance_clone.conf import standalone
from glance_clone.server import listener
from glance_clone.server.limits import Limits
from glance_clone.tests import base


class _Case(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = cfg.ConfigOpts()
        standalone.register_opts(self.conf)
        self.conf([], default_config_files=[], default_config_dirs=[])

    def set(self, **options: object) -> None:
        for name, value in options.items():
            self.conf.set_override(name, value)


class ListenTest(_Case):
    """Sockets on loopback."""

    def _listen(self, **options: object) -> socket.socket:
        self.set(**{'bind_host': '127.0.0.1', 'bind_port': 0, **options})
        sock = listener.listen(self.conf, patience=0)
        self.addCleanup(sock.close)
        return sock

    def test_default_port(self) -> None:
        self.assertEqual(('0.0.0.0', 9292), listener.address_of(self.conf))

    def test_options_reach_connections(self) -> None:
        sock = self._listen(tcp_keepidle=77)
        with socket.create_connection(sock.getsockname()), sock.accept()[0] as accepted:
            self.assertEqual(1, accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
            self.assertEqual(77, accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))
            self.assertEqual(1, accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    def test_names(self) -> None:
        self.assertEqual('127.0.0.1', self._listen(bind_host='localhost').getsockname()[0])

    def test_ipv6(self) -> None:
        try:
            socket.create_server(('::1', 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest('no IPv6 here')
        self.assertEqual('::1', self._listen(bind_host='::1').getsockname()[0])

    def test_address_in_use(self) -> None:
        port = self._listen().getsockname()[1]
        self.set(bind_port=port)
        begin = time.monotonic()
        error = self.assertRaises(RuntimeError, listener.listen, self.conf, 0.6)
        self.assertIn(f'port {port}', str(error))
        self.assertGreater(time.monotonic() - begin, 0.5)

    def test_address_of_another_host(self) -> None:
        self.set(bind_host='192.0.2.1', bind_port=0)
        begin = time.monotonic()
        self.assertRaises(RuntimeError, listener.listen, self.conf)
        self.assertLess(time.monotonic() - begin, 5)


class TlsTest(_Case):
    """Options of TLS that do not fit together; those that do are tested with a server."""

    def test_none(self) -> None:
        self.assertIsNone(listener.tls_context(self.conf))

    def test_half(self) -> None:
        for options in ({'cert_file': '/x'}, {'key_file': '/x'}, {'ca_file': '/x'}, {'cert_file': '/x', 'key_file': '/x'}):
            for name in ('cert_file', 'key_file', 'ca_file'):
                self.conf.clear_override(name)
            self.set(**options)
            self.assertRaises(RuntimeError, listener.tls_context, self.conf)


class LimitsTest(_Case):
    """Limits from options."""

    def test_defaults_are_those_of_the_options(self) -> None:
        self.assertEqual(Limits(), Limits.of(self.conf))

    def test_one_timeout_bounds_all(self) -> None:
        self.set(client_socket_timeout=3)
        limits = Limits.of(self.conf)
        self.assertEqual({3}, {limits.head_time, limits.body_idle, limits.write_idle, limits.idle})

    def test_no_timeout_bounds_none(self) -> None:
        self.set(client_socket_timeout=0)
        self.assertEqual(Limits(), Limits.of(self.conf))

    def test_no_keepalive(self) -> None:
        self.set(http_keepalive=False)
        self.assertEqual(1, Limits.of(self.conf).requests)

    def test_no_limit_on_lines(self) -> None:
        self.set(max_header_line=0)
        self.assertEqual(65536, Limits.of(self.conf).head_line)
