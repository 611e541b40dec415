# SPDX-License-Identifier: Apache-2.0
"""Counting and limiting bytes."""

from __future__ import annotations

from oslotest import base

from glance_clone.domain import errors
from glance_clone.transfer.limit import Limit


class LimitTest(base.BaseTestCase):
    def test_count(self):
        limit = Limit(10)
        limit.update(b'abc')
        limit.update(b'defg')
        limit.finish()
        self.assertEqual(7, limit.count)

    def test_cap(self):
        limit = Limit(4)
        limit.update(b'abcd')
        self.assertRaises(errors.LimitExceeded, limit.update, b'e')

    def test_announced_above_the_cap_is_refused_at_once(self):
        self.assertRaises(errors.LimitExceeded, Limit, 4, 5)
        Limit(4, 4)

    def test_more_than_announced_is_refused_at_once(self):
        limit = Limit(10, 3)
        limit.update(b'abc')
        self.assertRaises(errors.SizeMismatch, limit.update, b'd')

    def test_less_than_announced_is_refused_at_the_end(self):
        limit = Limit(10, 3)
        limit.update(b'ab')
        self.assertRaises(errors.SizeMismatch, limit.finish)

    def test_negative_sizes_never_match(self):
        self.assertRaises(errors.SizeMismatch, Limit(10, -1).finish)
        self.assertRaises(errors.SizeMismatch, Limit(10, -1).update, b'a')
