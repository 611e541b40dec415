# SPDX-License-Identifier: Apache-2.0
"""TLS in the server itself."""

from __future__ import annotations

import datetime
import ipaddress
import os
import pathlib
import socket
import ssl

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from glance_clone.tests import base
from glance_clone.tests.fixtures import process
from glance_clone.tests.functional.server import fixture


class Authority:
    """Issues certificates into a directory; its own is ``ca.pem``."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name('authority')
        self.file = directory / 'ca.pem'
        self.file.write_bytes(self._issue(self._name, self._key, True).public_bytes(serialization.Encoding.PEM))

    def certificate(self, name: str) -> tuple[pathlib.Path, pathlib.Path]:
        """Return files with a certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert_file, key_file = self.directory / f'{name}.pem', self.directory / f'{name}.key'
        cert_file.write_bytes(self._issue(_name(name), key, False).public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return cert_file, key_file

    def _issue(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, is_authority: bool) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class TlsTest(base.TestCase):
    """A server with a certificate."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(pathlib.Path(process.temporary_directory()))
        self.certificate, self.key = self.authority.certificate('server')

    def _serve(self, **options: object) -> fixture.Server:
        server = self.useFixture(fixture.Server(options={'cert_file': self.certificate, 'key_file': self.key, **options}))
        self.url = f'https://127.0.0.1:{server.port}'
        return server

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.authority.file))

    def _wrapped(self, server: fixture.Server, context: ssl.SSLContext) -> ssl.SSLSocket:
        wrapped = context.wrap_socket(server.connect(), server_hostname='127.0.0.1')
        self.addCleanup(wrapped.close)
        return wrapped

    def test_round_trip(self) -> None:
        server = self._serve()
        data = os.urandom(3_000_000)
        server.file.write_bytes(data)
        session = requests.Session()
        session.trust_env = False  # or a bundle named there would win
        session.verify = str(self.authority.file)
        self.assertIn('wsgi.url_scheme=https', session.get(f'{self.url}/headers', timeout=30).text)
        self.assertTrue(session.put(f'{self.url}/read', data=data, timeout=30).text.startswith('3000000 '))
        self.assertTrue(session.put(f'{self.url}/read', data=iter([data]), timeout=30).text.startswith('3000000 '))
        self.assertTrue(data[7:] == session.get(f'{self.url}/file/7/{len(data) - 7}', timeout=30).content)
        self.assertEqual(409, session.put(f'{self.url}/refuse', data=data * 5, timeout=30).status_code)

    def test_pipelined_requests(self) -> None:
        """The second request is in the same record as the first: nothing more arrives on the socket."""
        wrapped = self._wrapped(self._serve(), self._context())
        wrapped.sendall(b'GET /a HTTP/1.1\r\nHost: image\r\n\r\nGET /b HTTP/1.1\r\nHost: image\r\nConnection: close\r\n\r\n')
        self.assertEqual([200, 200], fixture.statuses(fixture.everything(wrapped)))

    def test_end_is_announced(self) -> None:
        """A client that reads to the end of the connection can tell that nothing was cut off."""
        context = self._context()
        wrapped = self._wrapped(self._serve(), context)
        wrapped.suppress_ragged_eofs = False  # type: ignore[attr-defined]
        wrapped.sendall(b'GET /drip/2 HTTP/1.0\r\n\r\n')
        self.assertTrue(fixture.everything(wrapped).endswith(b'0\n1\n'))

    def test_old_versions_are_refused(self) -> None:
        server = self._serve()
        context = self._context()
        context.set_ciphers('ALL:@SECLEVEL=0')
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        self.assertRaises(ssl.SSLError, context.wrap_socket, server.connect(), server_hostname='127.0.0.1')

    def test_clients_that_do_not_speak_tls(self) -> None:
        server = self._serve(client_header_timeout=1)
        self.assertEqual([], fixture.statuses(server.talk(b'GET /first HTTP/1.1\r\nHost: image\r\n\r\n')))
        self.assertEqual(b'', server.talk(b''))
        self.assertEqual([], server.seen()[1:])
        self.assertNotIn('Traceback', server.log())

    def test_clients_without_certificate(self) -> None:
        server = self._serve(ca_file=self.authority.file)
        context = self._context()
        with self._wrapped(server, context) as wrapped:
            self.assertRaises(ssl.SSLError, self._ask, wrapped)
        context.load_cert_chain(*self.authority.certificate('client'))
        with self._wrapped(server, context) as wrapped:
            self.assertIn(b'200 OK', self._ask(wrapped))

    @staticmethod
    def _ask(wrapped: socket.socket) -> bytes:
        wrapped.sendall(b'GET /first HTTP/1.1\r\nHost: image\r\nConnection: close\r\n\r\n')
        return wrapped.recv(4096)
