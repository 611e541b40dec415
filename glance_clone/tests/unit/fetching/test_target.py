# SPDX-License-Identifier: Apache-2.0
"""URLs, taken apart in one way only."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies
from oslotest import base

from glance_clone.domain import errors
from glance_clone.fetching import host
from glance_clone.fetching import target


class HostTest(base.BaseTestCase):
    def test_names_have_one_spelling(self):
        for text in (
            'Mirror.Example.ORG',
            'mirror.example.org.',
            '\uff2d\uff29\uff32\uff32\uff2f\uff32.example.org',
            'mirror\u3002example\u3002org',
        ):
            self.assertEqual('mirror.example.org', host.normalise(text))

    def test_international_names_are_encoded(self):
        self.assertEqual('xn--bcher-kva.example', host.normalise('Bücher.example'))

    def test_addresses(self):
        for text, expected in (
            ('8.8.8.8', '8.8.8.8'),
            ('8.8.8.8.', '8.8.8.8'),
            ('[2606:4700:0::1111]', '2606:4700::1111'),
            ('2606:4700::1111', '2606:4700::1111'),
            ('[::ffff:127.0.0.1]', '127.0.0.1'),
            ('\uff11\uff12\uff17.0.0.1', '127.0.0.1'),
            ('\u2460\u2461\u2466.0.0.\u2460', '127.0.0.1'),
        ):
            self.assertEqual(ipaddress.ip_address(expected), host.normalise(text))

    def test_numbers_in_other_notations_are_no_hosts(self):
        for text in (
            '2130706433',
            '127.1',
            '127.0.1',
            '0x7f.1',
            '0x7f000001',
            '0X7F.0.0.1',
            '017700000001',
            '0177.0.0.1',
            '127.0.0.01',
            '127.0.0.0x1',
            'example.1',
            'a.0x',
            '1.2.3.4.5',
            '256.1.1.1',
        ):
            self.assertRaises(ValueError, host.normalise, text)

    def test_what_is_no_name(self):
        for text in (
            '',
            '.',
            'a..b',
            '.a',
            'a..',
            '-a.b',
            'a-.b',
            'a b',
            'a%2eb',
            'a/b',
            'x' * 64,
            'a.' * 130 + 'a',
            'a\0b',
            'a_b!',
        ):
            self.assertRaises(ValueError, host.normalise, text)

    def test_what_is_no_address(self):
        for text in ('[::1', '[fe80::1%eth0]', '[fe80::1%25eth0]', '[127.0.0.1]', '[]', '1:2:3', '[::g]', '[v1.x]'):
            self.assertRaises(ValueError, host.normalise, text)

    @settings(max_examples=300, deadline=None)
    @given(strategies.text(max_size=40))
    def test_any_text_is_a_host_of_one_spelling_or_refused(self, text):
        try:
            found = host.normalise(text)
        except ValueError:
            return
        self.assertEqual(found, host.normalise(str(found)))
        if isinstance(found, str):
            self.assertRegex(found, r'^[a-z0-9_.-]+$')


class TargetTest(base.BaseTestCase):
    def test_parts(self):
        found = target.parse_url('HTTP://User:se%3Acret@Mirror.Example.:8080/a/b?c=d#e')
        self.assertEqual(('http', 'mirror.example', 8080, '/a/b?c=d'), (found.scheme, found.host, found.port, found.path))
        self.assertEqual('Basic VXNlcjpzZTpjcmV0', found.authorization)
        self.assertEqual('mirror.example:8080', found.authority)
        self.assertEqual('http://mirror.example:8080/a/b?c=d', found.url)
        self.assertNotIn('VXNlcjpz', repr(found))

    def test_the_port_is_that_of_the_scheme_unless_named(self):
        for url, expected in (
            ('http://a', 80),
            ('https://a', 443),
            ('http://a:/x', 80),
            ('http://a:443', 443),
            ('https://a:00443/', 443),
        ):
            self.assertEqual(expected, target.parse_url(url).port)

    def test_the_usual_port_is_not_said_to_the_server(self):
        self.assertEqual('a', target.parse_url('https://a:443/').authority)
        self.assertEqual('[2606:4700::1]:81', target.parse_url('http://[2606:4700::1]:81/').authority)

    def test_what_is_not_ascii_is_encoded(self):
        self.assertEqual('/b%C3%BC%20?%C3%A4', target.parse_url('http://a/bü%20?ä').path)

    def test_refused(self):
        for url in (
            '',
            'a',
            '//8.8.8.8/',
            'http:///x',
            'http://',
            'http:8.8.8.8',
            'http://:80/',
            'http://user@/',
            'http://a:0/',
            'http://a:65536/',
            'http://a:99999999999999999999/',
            'http://a:-1/',
            'http://a:+80/',
            'http://a:\uff18\uff10/',
            'http://a:8o/',
            'http://a:80:80/',
            'http://a b/',
            'http://a/b c',
            'http://a/\tb',
            'http://a/\r\nX: y',
            'http://a\n.b/',
            ' http://a/',
            'http://a/ ',
            'http://good\\@127.0.0.1/',
            'http://good.example\\.evil/',
            'http://a@b@c/',
            'http://[::1/',
            'http://[::1]x/',
            'http://x[::1]/',
            'http://127.0.0.%31/',
            'http://2130706433/',
            'http://127.1/',
            'http://0x7f.1/',
            'http://a/\u2028',
            'http://a\u200b.b/',
            'http://a/' + 'x' * 8192,
        ):
            self.assertRaises(errors.UrlRefused, target.parse_url, url)

    def test_schemes_that_rules_refuse_can_be_read(self):
        self.assertEqual('ftp', target.parse_url('ftp://a/').scheme)
        self.assertRaises(errors.UrlRefused, target.parse_url, 'file:///etc/passwd')

    def test_redirects(self):
        begin = target.parse_url('http://user:pass@a.example:8080/x/y?z')
        for location, expected in (
            ('/w', 'http://a.example:8080/w'),
            ('w', 'http://a.example:8080/x/w'),
            ('?q', 'http://a.example:8080/x/y?q'),
            ('//b.example/', 'http://b.example/'),
            ('https://b.example/ä b', 'https://b.example/%E4%20b'),
        ):
            self.assertEqual(expected, target.join(begin, location).url)
        for location in ('file:///etc/passwd', 'http://127.1/', 'http://good\\@evil/'):
            self.assertRaises(errors.UrlRefused, target.join, begin, location)

    @settings(max_examples=300, deadline=None)
    @given(strategies.text(max_size=60))
    def test_any_text_is_refused_or_means_what_is_checked(self, text):
        for url in (text, 'http://' + text, f'http://{text}@8.8.8.8/'):
            try:
                found = target.parse_url(url)
            except errors.UrlRefused:
                continue
            self.assertRegex(found.path, r'^/?[\x21-\x7e]*$')
            again = target.parse_url(found.url)
            self.assertEqual((found.host, found.port, found.path), (again.host, again.port, again.path))
