# SPDX-License-Identifier: Apache-2.0
"""Hashes that clients announce in headers (RFC 9530)."""

from __future__ import annotations

import base64
import hashlib

import webob
from oslotest import base

from glance_clone.api.serial import digests
from glance_clone.domain import errors

_DATA = b'data'


def member(name, algorithm=None, data=_DATA):
    digest = hashlib.new(algorithm or name.replace('-', ''), data).digest()
    return f'{name}=:{base64.b64encode(digest).decode()}:'


class DigestsTest(base.BaseTestCase):
    def parse(self, **headers):
        request = webob.Request.blank('/', headers={name.replace('_', '-'): value for name, value in headers.items()})
        return digests.parse_digests(request)

    def test_none(self):
        self.assertEqual({}, self.parse())

    def test_known_algorithms(self):
        for name in ('sha-256', 'sha-512', 'md5'):
            expected = {name.replace('-', ''): hashlib.new(name.replace('-', ''), _DATA).hexdigest()}
            for header in ('Repr_Digest', 'Content_Digest'):
                self.assertEqual(expected, self.parse(**{header: member(name)}))

    def test_several(self):
        text = f' {member("sha-256")}\t,  {member("sha-512")};a;b=1;c="x, y" , other=:YWJj:'
        self.assertEqual({'sha256', 'sha512'}, set(self.parse(Repr_Digest=text)))
        both = self.parse(Repr_Digest=member('sha-256'), Content_Digest=member('sha-512'))
        self.assertEqual({'sha256', 'sha512'}, set(both))

    def test_unknown_algorithms_are_ignored(self):
        self.assertEqual({}, self.parse(Repr_Digest='unixsum=:AAA=:, crc32c=:AAAAAA==:'))

    def test_the_last_of_two_with_one_name_counts(self):
        text = f'{member("sha-256", data=b"x")}, {member("sha-256")}'
        self.assertEqual({'sha256': hashlib.sha256(_DATA).hexdigest()}, self.parse(Repr_Digest=text))

    def test_agreement(self):
        self.assertEqual(1, len(self.parse(Repr_Digest=member('sha-256'), Content_Digest=member('sha-256'))))
        other = member('sha-256', data=b'x')
        self.assertRaises(errors.Invalid, self.parse, Repr_Digest=member('sha-256'), Content_Digest=other)

    def test_malformed(self):
        for text in (
            '',
            'sha-256',
            'sha-256=abc',
            'sha-256="abc"',
            'sha-256=:a:',
            'sha-256=:*:',
            'sha-256=:YWJj:',
            'SHA-256=:YWJj:',
            member('sha-256') + ',',
            member('sha-256') + ' x',
            member('sha-256')[:-1],
            ',' + member('sha-256'),
            member('sha-512', 'sha256'),
            'other=:YWJj:, ' * 500 + 'other=:YWJj:',
            member('sha-256') + ';' * 4000,
        ):
            self.assertRaises(errors.Invalid, self.parse, Repr_Digest=text)
