# SPDX-License-Identifier: Apache-2.0
"""Sizes and limits."""

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.quota import Limit


class SizeTest(base.BaseTestCase):
    def test_units(self):
        sizes = {'0': 0, '12': 12, '7B': 7, '1KB': 1024, '3MB': 3 << 20, '2GB': 2 << 30, '5TB': 5 << 40}
        self.assertEqual(sizes, {text: quota.parse_size(text) for text in sizes})

    def test_anything_else_is_refused(self):
        for text in ('', ' 1', '1 KB', '1kb', '1K', '1PB', '-1', '1.5GB', '0x10', 'KB', '1GB\n', '٣', '9' * 19):
            self.assertRaises(ValueError, quota.parse_size, text)


class LimitTest(base.BaseTestCase):
    def require(self, used, **limits):
        quota.require_within(limits, {'stored': used, 'images': used})

    def test_as_much_as_the_limit_is_allowed(self):
        self.require(5, stored=Limit('s', 5))
        self.require(5)
        refused = self.assertRaises(errors.LimitExceeded, self.require, 6, stored=Limit('the_limit', 5))
        self.assertIn('the_limit', str(refused))

    def test_every_limit_counts(self):
        self.assertRaises(errors.LimitExceeded, self.require, 6, stored=Limit('s', 100), images=Limit('i', 5))

    def test_only_whole_mib_count(self):
        limit = quota.limit_in_mib('s', 2)
        self.require(3 * quota.MIB - 1, stored=limit)
        self.assertRaises(errors.LimitExceeded, self.require, 3 * quota.MIB, stored=limit)

    def test_nothing_and_anything(self):
        self.assertRaises(errors.LimitExceeded, self.require, 1, stored=quota.limit_in_mib('s', 0))
        self.require(0, stored=quota.limit_in_mib('s', 0))
        self.assertIsNone(quota.limit_in_mib('s', -1))
