# SPDX-License-Identifier: Apache-2.0
"""Hashes that a client says its data has: the headers Repr-Digest and Content-Digest (RFC 9530)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

import webob

from glance_clone.domain import errors

HEADERS = ('Repr-Digest', 'Content-Digest')

#: Names of the registry to those of hashlib. Of other algorithms nobody can say whether the data fits: they are ignored.
_ALGORITHMS = {'sha-512': 'sha512', 'sha-256': 'sha256', 'md5': 'md5'}

_LONGEST = 4096
#: One member of a dictionary of structured fields (RFC 9651) whose value is a byte sequence; parameters say nothing here.
_MEMBER = re.compile(
    r'[ \t]*(?P<name>[a-z*][a-z0-9_.*-]*)=:(?P<value>[A-Za-z0-9+/=]*):'
    r'(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=(?:"[^"\\]*"|[^"\s;,]+))?)*[ \t]*(?P<end>,|\Z)'
)


def parse_digests(request: webob.Request) -> dict[str, str]:
    """Return the hashes that the body must have: algorithm as hashlib names it to hexadecimal digest.

    The body is the whole representation, so that both headers mean the same; together they must agree.

    :raises Invalid: a header is malformed, a digest has not the length of its algorithm, or they contradict each other
    """
    expected: dict[str, str] = {}
    for header in HEADERS:
        text = request.headers.get(header)
        if text is None:
            continue
        for name, value in _members(header, text):
            algorithm = _ALGORITHMS.get(name)
            if algorithm and expected.setdefault(algorithm, _digest(header, algorithm, value)) != _hex(header, value):
                raise errors.Invalid(f'{" and ".join(HEADERS)} name different {name} digests of the same data.')
    return expected


def _members(header: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield names and values; where a name comes twice, its last value counts."""
    members: dict[str, str] = {}
    position = 0
    while len(text) <= _LONGEST and (match := _MEMBER.match(text, position)):
        members[match['name']] = match['value']
        position = match.end()
        if not match['end']:
            return iter(members.items())
    raise _malformed(header)


def _digest(header: str, algorithm: str, value: str) -> str:
    digest = _hex(header, value)
    size = hashlib.new(algorithm, usedforsecurity=False).digest_size
    if len(digest) != size * 2:
        raise errors.Invalid(f'The {algorithm} digest in {header} must have {size} bytes.')
    return digest


def _hex(header: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).hex()
    except binascii.Error:
        raise _malformed(header) from None


def _malformed(header: str) -> errors.Invalid:
    return errors.Invalid(f'{header} is malformed; write it as sha-256=:<base64 of the digest>: (RFC 9530).')
