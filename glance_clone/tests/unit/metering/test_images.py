# SPDX-License-Identifier: Apache-2.0
"""Counting images now and then."""

from __future__ import annotations

from unittest import mock

from oslotest import base

from glance_clone.domain import errors
from glance_clone.metering import images


class ImageCountsTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.source = mock.Mock()
        self.source.by_status.return_value = [('active', 2, 30)]
        self.clock = mock.patch.object(images.time, 'monotonic', return_value=100.0)
        self.now = self.clock.start()
        self.addCleanup(self.clock.stop)
        self.counts = images.ImageCounts(self.source, 60)

    def test_counts_are_remembered(self):
        for _ in range(3):
            self.assertEqual([('active', 2, 30)], self.counts.by_status())
        self.assertEqual(1, self.source.by_status.call_count)
        self.now.return_value = 161.0
        self.counts.by_status()
        self.assertEqual(2, self.source.by_status.call_count)

    def test_failure_is_not_remembered(self):
        self.source.by_status.side_effect = errors.DatabaseUnavailable('away')
        self.assertRaises(errors.DatabaseUnavailable, self.counts.by_status)
        self.source.by_status.side_effect = None
        self.assertEqual([('active', 2, 30)], self.counts.by_status())
