# SPDX-License-Identifier: Apache-2.0
"""The fetcher against servers that stall, drip, cut, lie and redirect inward (F25, P3)."""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
import ssl
import time

import fixtures
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from oslo_config import cfg

from glance_clone.conf import fetching as options
from glance_clone.domain import errors
from glance_clone.fetching import fetcher
from glance_clone.fetching import patience
from glance_clone.tests import base
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import repeats
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.fixtures.hostile import tunnels
from glance_clone.transfer.concurrency import NativeThreads

DATA = bytes(range(256)) * 2000
_MOVED = '302 Found'


class FetchCase(base.TestCase):
    def setUp(self):
        super().setUp()
        self.server = self.useFixture(HostileServer())

    def fetcher(self, text='', hosts='127.0.0.1,localhost', **build):
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'test.conf')
        with open(path, 'w') as file:
            file.write(f'[import_filtering_opts]\nallowed_hosts = [{hosts}]\nallowed_ports = []\n[fetching]\n{text}\n')
        conf(['--config-file', path])
        return fetcher.build_fetcher(conf, NativeThreads(), **build)

    def serve(self, behaviour, path='/x'):
        self.server.paths[path] = behaviour
        return self.server.url + path

    def get(self, behaviour, text='', **wanted):
        return self.read(self.fetcher(text), self.serve(behaviour), **wanted)

    def read(self, source, url, **wanted):
        remote = source.open(url, **wanted)
        try:
            return b''.join(remote), remote.size
        finally:
            remote.close()

    def fails(self, behaviour, text='', words='', **wanted):
        error = self.assertRaises(errors.FetchError, self.get, behaviour, text, **wanted)
        self.assertIn(words, str(error))
        return error


class DataTest(FetchCase):
    def test_data_of_announced_length(self):
        self.assertEqual((DATA, len(DATA)), self.get(sends(answer(DATA))))
        head = self.server.heads[0]
        self.assertIn(f'Host: 127.0.0.1:{self.server.port}\r\n', head)
        self.assertIn('Connection: close\r\n', head)
        self.assertNotIn('Authorization', head)

    def test_data_of_unknown_length(self):
        self.assertEqual((DATA, None), self.get(sends(answer(DATA, length=-1))))

    def test_chunks(self):
        body = b'%x\r\n%s\r\n5;ext\r\nabcde\r\n0\r\nTrailer: x\r\n\r\n' % (len(DATA), DATA)
        self.assertEqual((DATA + b'abcde', None), self.get(sends(answer(body, length=-1, Transfer_Encoding='chunked'))))

    def test_no_data(self):
        self.assertEqual((b'', 0), self.get(sends(answer())))

    def test_headers_of_the_answer(self):
        url = self.serve(sends(answer(b'x', Content_MD5='abc')))
        self.assertEqual('abc', self.fetcher().open(url).headers['content-md5'])

    def test_interim_answers_are_passed_over(self):
        self.assertEqual((b'abc', 3), self.get(sends(b'HTTP/1.1 100 Go\r\n\r\n' * 3, answer(b'abc'))))

    def test_a_part_from_a_server_that_gives_parts(self):
        headers = {'status': '206 Partial Content', 'Content_Range': f'bytes 5-14/{len(DATA)}'}
        self.assertEqual((DATA[5:15], len(DATA)), self.get(sends(answer(DATA[5:15], **headers)), offset=5, length=10))
        self.assertIn('Range: bytes=5-14\r\n', self.server.heads[0])

    def test_a_part_from_a_server_that_gives_all(self):
        self.assertEqual((DATA[700:710], len(DATA)), self.get(sends(answer(DATA)), offset=700, length=10))
        self.assertEqual((DATA[700:], len(DATA)), self.get(sends(answer(DATA)), offset=700))

    def test_another_part_than_was_asked_for(self):
        headers = {'status': '206 Partial Content', 'Content_Range': f'bytes 4-14/{len(DATA)}'}
        self.fails(sends(answer(DATA[4:15], **headers)), offset=5, length=10, words='another part')
        self.fails(sends(answer(DATA[5:15], status='206 Partial Content')), offset=5, length=10)
        self.fails(sends(answer(DATA, status='206 Partial Content')))

    def test_a_part_beyond_the_end(self):
        behaviour = sends(answer(b'no', status='416 Beyond', Content_Range='bytes */9'))
        self.assertEqual((b'', 9), self.get(behaviour, offset=9))

    def test_size(self):
        self.assertEqual(77, self.fetcher().size(self.serve(sends(answer(length=77)))))
        self.assertTrue(self.server.heads[0].startswith('HEAD '))
        self.assertIsNone(self.fetcher().size(self.serve(sends(answer(length=-1)))))

    def test_user_and_password_of_the_url(self):
        url = self.serve(sends(answer(b'x'))).replace('//', '//us%65r:pass@')
        self.read(self.fetcher(), url)
        self.assertIn('Authorization: Basic dXNlcjpwYXNz\r\n', self.server.heads[0])
        self.assertIn('GET /x HTTP/1.1\r\n', self.server.heads[0])

    def test_a_proxy_of_the_operator(self):
        proxy = self.useFixture(HostileServer({self.server.url + '/x': sends(answer(b'by proxy'))}))
        for build in (
            {'text': f'proxy = 127.0.0.1:{proxy.port}'},
            {'text': 'proxy = 127.0.0.1:1', 'proxies': {'http': f'http://127.0.0.1:{proxy.port}/'}},
        ):
            self.assertEqual((b'by proxy', 8), self.read(self.fetcher(**build), self.server.url + '/x'))
        self.assertEqual([], self.server.heads)
        self.assertRaises(errors.UrlRefused, self.fetcher(**build).open, 'http://127.0.0.2/')
        self.assertEqual(2, len(proxy.heads))

    def test_malformed_proxies_stop_the_service(self):
        for text in ('ftp://a:1', 'a:b', 'http://', 'http://a:1/path', 'a:70000'):
            self.assertRaises(ValueError, self.fetcher, f'proxy = {text}')

    def test_no_proxy_of_the_environment(self):
        proxy = self.useFixture(HostileServer())
        for name in ('http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy', 'ALL_PROXY'):
            self.useFixture(fixtures.EnvironmentVariable(name, proxy.url))
        self.assertEqual((b'x', 1), self.get(sends(answer(b'x'))))
        self.assertEqual([], proxy.heads)


class FaultTest(FetchCase):
    def test_statuses(self):
        for status in ('400 Bad', '404 Not Found', '500 Broken', '204 Nothing', '304 Same', '206 Part'):
            error = self.fails(sends(answer(b'text', status=status)))
            self.assertEqual(int(status[:3]), error.status)

    def test_less_than_announced(self):
        self.fails(sends(answer(DATA, length=len(DATA) + 1)), words='1 bytes early')
        self.fails(sends(answer(DATA, length=10**18)))

    def test_more_than_announced(self):
        self.fails(sends(answer(DATA, length=len(DATA) - 1)), words='more data')
        self.fails(sends(answer(DATA, length=0)), words='more data')
        self.fails(sends(answer(b'abcdef', length=3)), words='more data')
        self.fails(sends(answer(b'abc', length=3), 0.1, b'd'), words='more data')

    def test_a_connection_that_is_kept_open_is_not_waited_for(self):
        begin = time.monotonic()
        self.assertEqual((DATA, len(DATA)), self.get(sends(answer(DATA), wait=20)))
        self.assertLess(time.monotonic() - begin, 10)

    def test_broken_chunks(self):
        for body in (b'5\r\nabc', b'5\r\nabcde\r\n', b'zz\r\nabc\r\n', b'-5\r\nabc'):
            self.fails(sends(answer(body, length=-1, Transfer_Encoding='chunked')))

    def test_ambiguous_framing(self):
        self.fails(sends(answer(b'abc', Content_Length='2')), words='where its data ends')
        self.fails(sends(answer(b'abc', length=-1, Content_Length='+3')), words='where its data ends')
        self.fails(sends(answer(b'abc', Transfer_Encoding='gzip, chunked')), words='where its data ends')

    def test_no_http(self):
        for text in (b'', b'SSH-2.0-x\r\n', b'HTTP/1.1\r\n\r\n', b'HTTP/9.9 999999 x\r\n\r\n', b'\0' * 100):
            self.fails(sends(text))

    def test_huge_heads(self):
        self.fails(sends(answer(b'x', X='y' * 10**6)))
        self.fails(repeats(b'HTTP/1.1 200 OK\r\n', b'X: ' + b'y' * 1000 + b'\r\n'))
        self.fails(repeats(b'', b'HTTP/1.1 100 Continue\r\n\r\n'), words='too large')

    def test_nobody_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        self.assertRaises(errors.FetchError, self.fetcher().open, f'http://127.0.0.1:{port}/x')

    def test_a_stall_before_and_in_the_data(self):
        for behaviour in (sends(wait=30), sends(b'HTTP/1.1 200', wait=30), sends(answer(b'abc', length=9), wait=30)):
            begin = time.monotonic()
            self.fails(behaviour, 'idle_timeout = 1', words='too long')
            self.assertLess(time.monotonic() - begin, 8)

    def test_a_drip_is_given_up_when_the_time_is_over(self):
        for behaviour in (
            repeats(answer(length=10**9), b'x', 0.05),
            repeats(b'HTTP/1.1 200 OK\r\n', b'X: y\r\n', 0.1),
            repeats(answer(length=-1, Transfer_Encoding='chunked') + b'1\r\nx\r\n0\r\n', b'X: y\r\n', 0.05),
        ):
            begin = time.monotonic()
            self.fails(behaviour, total_timeout=1)
            self.assertLess(time.monotonic() - begin, 8)

    def test_a_drip_is_given_up_for_its_rate(self):
        self.useFixture(fixtures.MonkeyPatch('glance_clone.fetching.patience._GRACE', 0.5))
        self.fails(repeats(answer(length=10**9), b'x', 0.05), words='too slowly')

    def test_time_of_the_reader_is_not_counted_against_the_server(self):
        self.useFixture(fixtures.MonkeyPatch('glance_clone.fetching.patience._GRACE', 0.5))
        remote = self.fetcher().open(self.serve(sends(answer(b'abc'))))
        time.sleep(0.8)
        self.assertEqual(b'abc', b''.join(remote))

    def test_data_without_end_can_be_left(self):
        remote = self.fetcher().open(self.serve(repeats(answer(length=-1), bytes(65536))))
        for _ in range(100):
            self.assertTrue(remote.read(1 << 20))
        remote.close()

    def test_whoever_does_not_want_the_data_any_more_ends_the_waiting(self):
        def gone():
            raise errors.LeaseLost('gone')

        for behaviour in (sends(wait=30), sends(answer(b'abc', length=9), wait=30)):
            begin = time.monotonic()
            self.assertRaises(errors.LeaseLost, self.get, behaviour, alive=gone)
            self.assertLess(time.monotonic() - begin, 10)

    def test_the_data_goes_on_after_waiting(self):
        asked = []
        data = self.get(sends(answer(b'abc', length=6), 2.5, b'def'), alive=lambda: asked.append(1))
        self.assertEqual((b'abcdef', 6), data)
        self.assertEqual([1], asked)


class RedirectTest(FetchCase):
    def moved(self, location, status=_MOVED):
        return sends(answer(status=status, Location=location))

    def test_redirects_are_followed(self):
        self.serve(sends(answer(b'there')), '/there')
        for status in ('301 x', _MOVED, '303 x', '307 x', '308 x'):
            for location in ('/there', self.server.url + '/there#f', 'there'):
                self.assertEqual((b'there', 5), self.get(self.moved(location, status)))

    def test_inward_redirects_are_refused(self):
        for location in (
            'http://127.0.0.2/',
            f'http://127.0.0.2:{self.server.port}/there',
            f'http://[::1]:{self.server.port}/there',
            'http://169.254.169.254/',
            'http://2130706433/',
            'file:///etc/passwd',
            'ftp://127.0.0.1/',
            'http://127.0.0.1:0/',
        ):
            self.assertRaises(errors.UrlRefused, self.get, self.moved(location))
        self.assertTrue(all(head.startswith('GET /x ') for head in self.server.heads))

    def test_ten_redirects_and_no_more(self):
        for number in range(20):
            self.serve(self.moved(f'/{number + 1}'), f'/{number}')
        source = self.fetcher()
        self.serve(sends(answer(b'end')), '/10')
        self.assertEqual((b'end', 3), self.read(source, self.server.url + '/0'))
        self.serve(self.moved('/11'), '/10')
        self.serve(sends(answer(b'end')), '/11')
        self.assertRaises(errors.FetchError, self.read, source, self.server.url + '/0')
        self.assertEqual(22, len(self.server.heads))

    def test_a_loop_ends(self):
        self.fails(self.moved('/x'), words='further')

    def test_none_are_followed_where_none_are_wanted(self):
        self.serve(sends(answer(b'there')), '/there')
        self.fails(self.moved('/there'), redirects=0)
        self.assertRaises(errors.FetchError, self.fetcher().size, self.server.url + '/x', redirects=0)
        self.assertEqual(2, len(self.server.heads))

    def test_a_redirect_without_a_place(self):
        self.fails(sends(answer(status=_MOVED)))
        self.assertRaises(errors.UrlRefused, self.get, self.moved('http://['))

    def test_credentials_stay_with_their_origin(self):
        other = self.useFixture(HostileServer({'/there': sends(answer(b'x'))}))
        self.serve(self.moved(other.url + '/there'), '/away')
        self.serve(self.moved('/away'), '/begin')
        url = (self.server.url + '/begin').replace('//', '//user:pass@')
        secrets = {'X-Auth-Token': 'token', 'Cookie': 'c=d', 'X-Other': 'kept'}
        self.read(self.fetcher(), url, headers=secrets)
        for head in self.server.heads:
            self.assertIn('X-Auth-Token: token\r\n', head)
            self.assertIn('Authorization: Basic', head)
        (head,) = other.heads
        for name in ('X-Auth-Token', 'Authorization', 'Cookie'):
            self.assertNotIn(name, head)
        self.assertIn('X-Other: kept\r\n', head)


def _certificate(name):
    """Return (certificate, key) in PEM of a server on loopback that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    try:
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))])
    except ValueError:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = built.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem, secret


class TlsTest(FetchCase):
    def setUp(self):
        super().setUp()
        self.directory = self.useFixture(fixtures.TempDir()).path

    def tls_server(self, name='127.0.0.1', newest=None):
        for suffix, pem in zip(('crt', 'key'), _certificate(name), strict=True):
            with open(f'{self.directory}/{name}.{suffix}', 'wb') as file:
                file.write(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f'{self.directory}/{name}.crt', f'{self.directory}/{name}.key')
        if newest:
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = newest
            context.set_ciphers('ALL:@SECLEVEL=0')
        self.ca_file = f'{self.directory}/{name}.crt'
        return self.useFixture(HostileServer({'/x': sends(answer(b'safe'))}, tls=context))

    def test_a_valid_certificate(self):
        server = self.tls_server()
        self.assertEqual((b'safe', 4), self.read(self.fetcher(f'ca_file = {self.ca_file}'), server.url + '/x'))
        self.assertEqual((b'safe', 4), self.read(self.fetcher(ca_file=self.ca_file), server.url + '/x'))

    def test_the_name_of_the_url_counts_not_the_address(self):
        server = self.tls_server('localhost')
        url = server.url.replace('127.0.0.1', 'localhost') + '/x'
        self.assertEqual((b'safe', 4), self.read(self.fetcher(ca_file=self.ca_file), url))
        self.assertIn(f'Host: localhost:{server.port}\r\n', server.heads[0])
        self.assertRaises(errors.FetchError, self.fetcher(ca_file=self.ca_file).open, server.url + '/x')

    def test_an_unknown_authority(self):
        server = self.tls_server()
        error = self.assertRaises(errors.FetchError, self.fetcher().open, server.url + '/x')
        self.assertIn('certificate', str(error))
        self.assertEqual([], server.heads)

    def test_certificates_are_not_looked_at_where_the_operator_says_so(self):
        server = self.tls_server()
        self.assertEqual((b'safe', 4), self.read(self.fetcher(insecure=True), server.url + '/x'))

    def test_old_protocols_are_refused(self):
        server = self.tls_server(newest=ssl.TLSVersion.TLSv1_1)
        self.assertRaises(errors.FetchError, self.fetcher(ca_file=self.ca_file).open, server.url + '/x')

    def test_a_server_without_tls(self):
        self.serve(sends(answer(b'x')))
        url = self.server.url.replace('http:', 'https:') + '/x'
        self.assertRaises(errors.FetchError, self.fetcher().open, url)

    def test_a_proxy_is_asked_for_the_checked_address(self):
        server = self.tls_server('localhost')
        proxy = self.useFixture(HostileServer())
        place = f'127.0.0.1:{server.port}'
        proxy.paths[place] = tunnels(server.port)
        url = server.url.replace('127.0.0.1', 'localhost') + '/x'
        conf = f'proxy = http://us%65r:pass@127.0.0.1:{proxy.port}'
        self.assertEqual((b'safe', 4), self.read(self.fetcher(conf, ca_file=self.ca_file), url))
        self.assertTrue(proxy.heads[0].startswith(f'CONNECT {place} HTTP/1.1\r\n'), proxy.heads)
        self.assertIn('Proxy-Authorization: Basic dXNlcjpwYXNz\r\n', proxy.heads[0])
        self.assertNotIn('Proxy-Authorization', server.heads[0])

    def test_a_proxy_that_refuses(self):
        server = self.tls_server()
        proxy = self.useFixture(HostileServer({f'127.0.0.1:{server.port}': sends(answer(status='403 Forbidden'))}))
        error = self.assertRaises(
            errors.FetchError, self.fetcher(f'proxy = 127.0.0.1:{proxy.port}', insecure=True).open, server.url + '/x'
        )
        self.assertIn('proxy', str(error))

    def test_a_cut_that_looks_like_an_end(self):
        server = self.tls_server()
        server.paths['/x'] = sends(answer(b'short', length=9))
        self.assertRaises(errors.FetchError, self.read, self.fetcher(ca_file=self.ca_file), server.url + '/x')


class PatienceTest(base.TestCase):
    def test_the_whole_bounds_its_parts(self):
        left = patience.Patience(patience.Limits(connect=10, idle=30, total=5, rate=0))
        self.assertLessEqual(left.to_connect(), 5)
        self.assertLessEqual(left.left(), 5)
        self.assertRaises(errors.FetchError, patience.Patience(patience.Limits(10, 30, 5, 0), total=0).left)
