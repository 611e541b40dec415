# SPDX-License-Identifier: Apache-2.0
"""Addresses that must never be connected to, in every form."""

from __future__ import annotations

import ipaddress

from hypothesis import given
from hypothesis import settings
from hypothesis import strategies
from oslotest import base

from glance_clone.fetching import address

_FORBIDDEN_V4 = (
    '0.0.0.0',
    '0.1.2.3',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '192.0.0.192',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '100.100.100.200',
    '168.63.129.16',
)
_FORBIDDEN_NETWORKS = ('127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '0.0.0.0/8')
_PRIVATE_V4 = ('10.0.0.2', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1')
_PUBLIC_V4 = ('8.8.8.8', '1.1.1.1', '172.15.0.1', '172.32.0.1', '192.0.1.1', '223.255.255.255')

_FORBIDDEN_V6 = (
    '::',
    '::1',
    '::2',
    'fe80::1',
    'febf::1',
    'fec0::1',
    'ff02::1',
    'ff0e::1',
    '100::1',
    '4000::1',
    'fd00:ec2::254',
    'fd20:ce::254',
    '64:ff9b:1::808:808',
    '::8.8.8.8',
    '::ffff:0:8.8.8.8',
)
_PRIVATE_V6 = ('fc00::1', 'fd12:3456::1')
_PUBLIC_V6 = ('2001:4860:4860::8888', '2606:4700::1111', '3fff::1')


def _embeddings(text):
    """Return the IPv6 addresses by which packets may reach an IPv4 address."""
    value = int(ipaddress.IPv4Address(text))
    inverse = value ^ 0xFFFFFFFF
    prefix = int(ipaddress.IPv6Address('2001:db8::'))
    teredo = int(ipaddress.IPv6Address('2001::'))
    public = int(ipaddress.IPv4Address('8.8.8.8'))
    numbers = (
        int(ipaddress.IPv6Address('::ffff:0:0')) | value,
        int(ipaddress.IPv6Address('64:ff9b::')) | value,
        int(ipaddress.IPv6Address('2002::')) | value << 80 | 1,
        teredo | value << 64 | (public ^ 0xFFFFFFFF),
        teredo | public << 64 | inverse,
        prefix | 0x00005EFE << 32 | value,
        prefix | 0x02005EFE << 32 | value,
    )
    return [ipaddress.IPv6Address(number) for number in numbers]


class ForbiddenTest(base.BaseTestCase):
    def check(self, expected, texts, refuse_private=False):
        for text in texts:
            found = address.is_forbidden(ipaddress.ip_address(text), refuse_private)
            self.assertEqual(expected, found, text)

    def test_own_and_reserved_addresses(self):
        self.check(True, _FORBIDDEN_V4 + _FORBIDDEN_V6)

    def test_public_addresses_are_allowed(self):
        self.check(False, _PUBLIC_V4 + _PUBLIC_V6)
        self.check(False, _PUBLIC_V4 + _PUBLIC_V6, refuse_private=True)

    def test_private_addresses_are_allowed_unless_refused(self):
        self.check(False, _PRIVATE_V4 + _PRIVATE_V6)
        self.check(True, _PRIVATE_V4 + _PRIVATE_V6, refuse_private=True)

    def test_forms_that_hide_a_forbidden_address(self):
        for text in _FORBIDDEN_V4:
            for form in _embeddings(text):
                self.assertTrue(address.is_forbidden(form), f'{form} hides {text}')

    def test_forms_that_hide_a_private_address(self):
        for text in _PRIVATE_V4:
            for form in _embeddings(text):
                self.assertTrue(address.is_forbidden(form, True), f'{form} hides {text}')
                self.assertFalse(address.is_forbidden(form), f'{form} hides {text}')

    def test_forms_of_public_addresses_are_allowed(self):
        for form in _embeddings('8.8.8.8'):
            self.assertFalse(address.is_forbidden(form), str(form))

    def test_a_mapped_address_is_the_address(self):
        for text in ('127.0.0.1', '8.8.8.8'):
            mapped = ipaddress.IPv6Address(f'::ffff:{text}')
            self.assertEqual(ipaddress.IPv4Address(text), address.canonical(mapped))
        plain = ipaddress.ip_address('2606:4700::1111')
        self.assertEqual(plain, address.canonical(plain))

    @settings(max_examples=200, deadline=None)
    @given(strategies.ip_addresses(v=6))
    def test_whatever_is_not_global_by_the_registry_is_forbidden(self, found):
        """Beside ours, the standard library knows the registries; what it calls local in any way is never allowed."""
        if found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified or found.is_site_local:
            self.assertTrue(address.is_forbidden(found))

    @settings(max_examples=200, deadline=None)
    @given(
        strategies.sampled_from(['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '0.0.0.0/8']), strategies.data()
    )
    def test_every_address_of_a_forbidden_network_in_every_form(self, network, data):
        found = data.draw(strategies.ip_addresses(network=network))
        self.assertTrue(address.is_forbidden(found))
        for form in _embeddings(found):
            self.assertTrue(address.is_forbidden(form))
