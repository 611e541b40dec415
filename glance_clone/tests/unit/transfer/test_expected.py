# SPDX-License-Identifier: Apache-2.0
"""Hashes that data must have because somebody announced them."""

from __future__ import annotations

import hashlib

from oslotest import base

from glance_clone.domain import errors
from glance_clone.transfer import expected
from glance_clone.transfer.digest import Digest


class ExpectedTest(base.BaseTestCase):
    def check(self, announced, data=b'data'):
        computed = [Digest('sha512'), Digest('md5')]
        computed += expected.further(announced, computed)
        for digest in computed:
            digest.update(data)
        expected.require(announced, computed)
        return [digest.algorithm for digest in computed]

    def test_nothing_is_computed_for_nothing(self):
        self.assertEqual(['sha512', 'md5'], self.check({}))

    def test_what_is_computed_anyhow_is_computed_once(self):
        self.assertEqual(['sha512', 'md5'], self.check({'sha512': hashlib.sha512(b'data').hexdigest().upper()}))

    def test_others_are_computed_beside(self):
        self.assertEqual(['sha512', 'md5', 'sha256'], self.check({'sha256': hashlib.sha256(b'data').hexdigest()}))

    def test_any_difference_is_refused(self):
        sound = {name: hashlib.new(name, b'data').hexdigest() for name in ('sha256', 'sha512')}
        for name, digest in sound.items():
            error = self.assertRaises(errors.HashMismatch, self.check, {**sound, name: '0' * len(digest)})
            self.assertIn(name, str(error))
