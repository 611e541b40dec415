# SPDX-License-Identifier: Apache-2.0
"""Which addresses the service must never connect to on behalf of a user, in every form in which they can be written."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from ipaddress import IPv4Address
from ipaddress import IPv6Address

Address = IPv4Address | IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


#: The host itself, its link, groups, and what nobody has.
_UNREACHABLE = _networks(
    '0.0.0.0/8',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '192.88.99.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
)

#: Where clouds tell their machines secrets, as far as that is none of the above.
_METADATA = _networks('100.100.100.200/32', '168.63.129.16/32', 'fd00:ec2::254/128', 'fd20:ce::254/128')

#: Networks of sites.
_PRIVATE = _networks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7')

#: All that is used of IPv6 for single hosts: global and unique local addresses, mapped ones, and those of NAT64.
_MAPPED = ipaddress.IPv6Network('::ffff:0:0/96')
_NAT64 = ipaddress.IPv6Network('64:ff9b::/96')
_HOSTS = (ipaddress.IPv6Network('2000::/3'), ipaddress.IPv6Network('fc00::/7'), _MAPPED, _NAT64)

_SIX_TO_FOUR = ipaddress.IPv6Network('2002::/16')
_TEREDO = ipaddress.IPv6Network('2001::/32')
#: Middle of the lower half of ISATAP addresses, before the IPv4 address; the bit for "globally unique" left out.
_ISATAP = 0x00005EFE
_ISATAP_MASK = 0xFDFFFFFF
_LOW = 0xFFFFFFFF


def canonical(address: Address) -> Address:
    """Return the IPv4 address where an IPv6 address is only another spelling of it."""
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def is_forbidden(address: Address, refuse_private: bool = False) -> bool:
    """Tell whether nothing may be fetched from an address.

    :param refuse_private: forbid the private networks of sites too
    """
    return any(_is_forbidden(form, refuse_private) for form in forms(address))


def forms(address: Address) -> Iterator[Address]:
    """Yield an address and every IPv4 address to which packets for it may be led."""
    yield address
    if isinstance(address, IPv6Address):
        yield from _embedded(address)


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    bits = int(address)
    if address in _MAPPED or address in _NAT64 or bits >> 32 & _ISATAP_MASK == _ISATAP:
        yield IPv4Address(bits & _LOW)
    if address in _SIX_TO_FOUR:
        yield IPv4Address(bits >> 80 & _LOW)
    if address in _TEREDO:
        yield IPv4Address(bits >> 64 & _LOW)
        yield IPv4Address(~bits & _LOW)


def _is_forbidden(address: Address, refuse_private: bool) -> bool:
    if isinstance(address, IPv6Address) and not any(address in network for network in _HOSTS):
        return True
    networks = _UNREACHABLE + _METADATA + (_PRIVATE if refuse_private else ())
    return any(address in network for network in networks if network.version == address.version)
