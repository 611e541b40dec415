# SPDX-License-Identifier: Apache-2.0
"""One spelling for each host, so that lists can be compared with what users write."""

from __future__ import annotations

import ipaddress
import re
import unicodedata

from glance_clone.fetching.address import Address
from glance_clone.fetching.address import canonical

_LABEL = re.compile(r'[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?', re.ASCII)
#: How the last part of a name begins to be a number, in one of the notations of which some libraries make an address.
_NUMBER = re.compile(r'[0-9]+|0x[0-9a-f]*', re.ASCII)
_LONGEST = 253


def normalise(text: str) -> str | Address:
    """Return the host that is meant: an address, or a name in lower case without a dot at its end.

    :param text: a name, an IPv4 address, or an IPv6 address in square brackets or without
    :raises ValueError: it is neither, or a number in a notation that is no address everywhere
    """
    if ':' in text:
        return canonical(ipaddress.IPv6Address(_bare(text)))
    name = _ascii(text)
    labels = name.split('.')
    if _NUMBER.fullmatch(labels[-1]):
        return ipaddress.IPv4Address(name)
    if len(name) > _LONGEST or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError('not a host name')
    return name


def _bare(text: str) -> str:
    """Return an IPv6 address without brackets; one with a zone, which means something on one machine only, is none."""
    if '%' in text or text.startswith('[') != text.endswith(']'):
        raise ValueError('not an address')
    return text.removeprefix('[').removesuffix(']')


def _ascii(text: str) -> str:
    """Return a name as the name service knows it: compatible forms of characters are one, others are encoded."""
    name = unicodedata.normalize('NFKC', text).lower().removesuffix('.')
    try:
        return name if name.isascii() else name.encode('idna').decode('ascii').lower()
    except UnicodeError as error:
        raise ValueError('not a host name') from error
