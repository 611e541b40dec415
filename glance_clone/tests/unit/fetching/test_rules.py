# SPDX-License-Identifier: Apache-2.0
"""What the lists of the operator let through: the table of cases of the contract, and spellings of it (W-07)."""

from __future__ import annotations

import ipaddress
import os
import socket

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone.conf import fetching as options
from glance_clone.domain import errors
from glance_clone.fetching import fetcher
from glance_clone.fetching import lookup
from glance_clone.transfer.concurrency import NativeThreads

_NAMES = {
    'public.example.': ['8.8.8.8'],
    'both.example.': ['127.0.0.1', '8.8.8.8', '::ffff:10.0.0.9'],
    'inward.example.': ['127.0.0.1', '::1', 'fe80::1%2', '64:ff9b::7f00:1'],
    'twice.example.': ['::ffff:8.8.8.8', '8.8.8.8'],
    'site.example.': ['10.0.0.2'],
    'xn--bcher-kva.example.': ['8.8.8.8'],
    'inhosts': ['127.0.0.1'],
}


def _getaddrinfo(name, port, **kwargs):
    if name == 'slow.example.':
        raise socket.gaierror(socket.EAI_AGAIN, 'try again')
    if name not in _NAMES:
        raise socket.gaierror(socket.EAI_NONAME, 'unknown')
    return [(0, 0, 0, '', (text, 0)) for text in _NAMES[name]]


class FilterCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.MonkeyPatch('socket.getaddrinfo', _getaddrinfo))

    def build(self, text=''):
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'test.conf')
        with open(path, 'w') as file:
            file.write(f'[import_filtering_opts]\n{text}\n')
        conf(['--config-file', path])
        return fetcher.build_fetcher(conf, NativeThreads())

    def accepts(self, checker, *urls):
        for url in urls:
            checker.check(url)

    def refuses(self, checker, *urls):
        for url in urls:
            self.assertRaises(errors.UrlRefused, checker.check, url)


class DefaultsTest(FilterCase):
    def test_accepted(self):
        self.accepts(
            self.build(),
            'http://8.8.8.8/',
            'https://8.8.8.8/',
            'http://8.8.8.8:443/',
            'http://user:pass@8.8.8.8/',
            'http://10.0.0.2/',
            'http://[fd00::1]/',
            'http://[2606:4700::1111]/',
            'http://public.example/',
            'http://PUBLIC.example./x?y#z',
            'http://bücher.example/',
            'http://both.example/',
            'http://site.example/',
            'http://[::ffff:8.8.8.8]/',
        )

    def test_refused(self):
        self.refuses(
            self.build(),
            'http://8.8.8.8:8080/',
            'http://8.8.8.8:0/',
            'ftp://8.8.8.8/',
            '//8.8.8.8/',
            '8.8.8.8',
            'http:///x',
            'file:///etc/passwd',
            'file://8.8.8.8/x',
            'gopher://8.8.8.8:80/',
            'data:text/plain,x',
            'http://2130706433/',
            'http://127.1/',
            'http://0x7f.1/',
            'http://0177.0.0.1/',
            'http://127.0.0.1/',
            'http://127.0.0.1./',
            'http://\uff11\uff12\uff17.0.0.1/',
            'http://[::1]/',
            'http://[::ffff:127.0.0.1]/',
            'http://[::ffff:7f00:1]/',
            'http://[0:0:0:0:0:ffff:127.0.0.1]/',
            'http://169.254.169.254/latest/meta-data',
            'http://[fe80::1]/',
            'http://0.0.0.0/',
            'http://[::]/',
            'http://[::127.0.0.1]/',
            'http://[64:ff9b::7f00:1]/',
            'http://[2002:7f00:1::1]/',
            'http://[2002:a9fe:a9fe::]/',
            'http://[2001:0:808:808::80ff:fffe]/',
            'http://[fd00:ec2::254]/',
            'http://255.255.255.255/',
            'http://224.0.0.1/',
            'http://[ff02::1]/',
            'http://user@127.0.0.1/',
            'http://8.8.8.8@127.0.0.1/',
            'http://inward.example/',
            'http://unknown.example/',
            'http://inhosts/',
        )

    def test_only_the_sound_addresses_of_a_name_are_used(self):
        checker = self.build()
        names = lookup.Lookup(NativeThreads(), 5)
        found = names.addresses('both.example')
        self.assertEqual(
            [ipaddress.ip_address('8.8.8.8'), ipaddress.ip_address('10.0.0.9')], checker._rules.usable('both.example', found)
        )
        self.assertEqual(1, len(names.addresses('twice.example')))

    def test_a_name_service_that_is_down_is_told_from_an_unknown_name(self):
        error = self.assertRaises(errors.UrlRefused, self.build().check, 'http://slow.example/')
        self.assertIn('try again', str(error))


class ListsTest(FilterCase):
    def test_denied_hosts_in_every_spelling(self):
        checker = self.build('disallowed_hosts = [Public.Example., 10.0.0.2]')
        self.refuses(
            checker,
            'http://public.example/',
            'http://public.example./',
            'http://PUBLIC.example/',
            'http://\uff30\uff35\uff22\uff2c\uff29\uff23.example/',
            'http://10.0.0.2/',
            'http://[::ffff:10.0.0.2]/',
            'http://[64:ff9b::a00:2]/',
            'http://[2002:a00:2::1]/',
            'http://site.example/',
        )
        self.accepts(checker, 'http://both.example/', 'http://10.0.0.3/')

    def test_only_allowed_hosts(self):
        checker = self.build('allowed_hosts = [127.0.0.1,public.example,inhosts]\ndisallowed_hosts = [127.0.0.1]')
        self.accepts(checker, 'http://127.0.0.1/', 'http://[::ffff:127.0.0.1]/', 'http://public.example./', 'http://inhosts/')
        self.refuses(checker, 'http://8.8.8.8/', 'http://127.0.0.2/', 'http://both.example/', 'http://127.1/')

    def test_ports(self):
        self.accepts(self.build('allowed_ports = [80,9292]'), 'http://8.8.8.8:9292/', 'http://8.8.8.8/')
        self.refuses(self.build('allowed_ports = [9292]'), 'http://8.8.8.8/', 'https://8.8.8.8/')
        self.accepts(self.build('allowed_ports = []'), 'http://8.8.8.8:1/')
        self.refuses(self.build('allowed_ports = []\ndisallowed_ports = [80,22]'), 'http://8.8.8.8/', 'http://8.8.8.8:22/')
        self.refuses(self.build('allowed_ports = []'), 'http://8.8.8.8:0/')

    def test_schemes(self):
        self.refuses(self.build('allowed_schemes = [HTTPS]'), 'http://8.8.8.8/')
        self.accepts(self.build('allowed_schemes = [HTTPS]'), 'https://8.8.8.8/', 'HTTPS://8.8.8.8/')
        self.refuses(self.build('allowed_schemes = []\ndisallowed_schemes = [http]'), 'http://8.8.8.8/', 'ftp://8.8.8.8/')
        self.refuses(self.build('allowed_schemes = [ftp,file]'), 'ftp://8.8.8.8:80/', 'file://8.8.8.8:80/x')

    def test_private_addresses_can_be_refused(self):
        checker = self.build('[fetching]\nrefuse_private_addresses = true')
        self.refuses(checker, 'http://10.0.0.2/', 'http://site.example/', 'http://[fd00::1]/', 'http://[2002:a00:2::1]/')
        self.accepts(checker, 'http://8.8.8.8/', 'http://both.example/')

    def test_a_list_with_something_else_in_it_stops_the_service(self):
        self.assertRaises(ValueError, self.build, 'allowed_hosts = [127.1]')
        self.assertRaises(ValueError, self.build, 'allowed_ports = [0]')
        self.assertRaises(ValueError, self.build, '[fetching]\nca_file = /nonexistent')
