# SPDX-License-Identifier: Apache-2.0
"""Notifications on their way to a bus that is slow, or fails."""

from __future__ import annotations

import threading
from typing import Any

import fixtures
from oslo_config import cfg

from glance_clone import conf as options
from glance_clone.domain.notification import Silence
from glance_clone.notifications import messaging
from glance_clone.tests import base


class _Bus:
    def __init__(self) -> None:
        self.open = threading.Event()
        self.events: list[str] = []
        self.fails = False

    def info(self, _context: dict[str, Any], event: str, _payload: Any) -> None:
        self.open.wait(10)
        if self.fails:
            raise RuntimeError('the bus is on fire')
        self.events.append(event)

    error = info


class QueuedNotifierTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bus = _Bus()
        self.addCleanup(self.bus.open.set)
        self.log = self.useFixture(fixtures.FakeLogger('glance_clone.notifications'))

    def _notifier(self, size: int = 100, disabled: tuple[str, ...] = ()) -> messaging.QueuedNotifier:
        return messaging.QueuedNotifier(self.bus, size, list(disabled))

    def test_events_come_in_order(self) -> None:
        notifier = self._notifier()
        self.bus.open.set()
        for number in range(10):
            notifier.info(f'image.{number}', {})
        notifier._waiting.join()
        self.assertEqual([f'image.{number}' for number in range(10)], self.bus.events)

    def test_a_full_queue_drops_and_says_so(self) -> None:
        notifier = self._notifier(size=2)
        for _ in range(10):
            notifier.info('image.create', {})
        self.assertIn('Dropped 1 notifications', self.log.output)
        self.bus.open.set()
        notifier._waiting.join()
        self.assertTrue(2 <= len(self.bus.events) <= 3)

    def test_a_failure_does_not_end_it(self) -> None:
        notifier = self._notifier()
        self.bus.fails = True
        self.bus.open.set()
        notifier.info('image.create', {})
        notifier._waiting.join()
        self.bus.fails = False
        notifier.error('image.upload', 'no')
        notifier._waiting.join()
        self.assertEqual(['image.upload'], self.bus.events)
        self.assertIn('image.create was lost', self.log.output)

    def test_disabled(self) -> None:
        notifier = self._notifier(disabled=('image.member', 'task.create', 'metadef_tag'))
        for event, wanted in (
            ('image.member.create', False), ('image.create', True), ('task.create', False), ('task.run', True),
            ('metadef_tag.delete', False), ('metadef_tags.x', True),
        ):  # fmt: skip
            self.assertEqual(wanted, notifier.wants(event), event)


class BuildTest(base.TestCase):
    def _build(self, text: str) -> Any:
        path = self.useFixture(fixtures.TempDir()).join('glance-api.conf')
        with open(path, 'w') as file:
            file.write(text)
        conf = cfg.ConfigOpts()
        options.register_opts(conf)
        conf([], default_config_files=[path])
        return messaging.build_notifier(conf)

    def test_without_driver_nobody_is_told(self) -> None:
        for driver in ('', 'driver = noop'):
            self.assertIsInstance(self._build(f'[oslo_messaging_notifications]\n{driver}\n'), Silence)

    def test_unknown_transport(self) -> None:
        text = '[oslo_messaging_notifications]\ndriver = messagingv2\ntransport_url = carrier-pigeon://x\n'
        self.assertRaises(ValueError, self._build, text)
