# SPDX-License-Identifier: Apache-2.0
"""A message bus that is away."""

from __future__ import annotations

from unittest import mock

import fixtures

from glance_clone.notifications import persistence
from glance_clone.tests import base


class PersistentTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pauses: list[float] = []
        self.useFixture(fixtures.MockPatchObject(persistence.time, 'sleep', self.pauses.append))
        self.log = self.useFixture(fixtures.FakeLogger('glance_clone.notifications'))

    def _send(self, failures: list[Exception], retries: int = -1) -> mock.Mock:
        send = mock.Mock(side_effect=[*failures, 'sent'])
        self.result = persistence.Persistent(send, (OSError,), retries)('message', retry=1)
        return send

    def test_it_waits_until_the_bus_is_back(self) -> None:
        send = self._send([ConnectionRefusedError('refused')] * 8)
        self.assertEqual('sent', self.result)
        self.assertEqual([mock.call('message', retry=1)] * 9, send.mock_calls)
        self.assertEqual([0.5, 1, 2, 4, 8, 15, 15, 15], self.pauses)

    def test_it_says_so_once(self) -> None:
        self._send([ConnectionRefusedError('refused')] * 8)
        self.assertEqual(1, self.log.output.count('notifications wait'))
        self.assertNotIn('Traceback', self.log.output)

    def test_as_often_as_the_operator_wants(self) -> None:
        send = self._send([ConnectionRefusedError('refused')] * 8, retries=2)
        self.assertEqual((None, 3), (self.result, send.call_count))
        self.assertIn('notifications are lost', self.log.output)

    def test_other_failures_are_raised(self) -> None:
        self.assertRaises(TypeError, self._send, [TypeError('no JSON')])
        self.assertEqual([], self.pauses)
