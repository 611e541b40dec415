# SPDX-License-Identifier: Apache-2.0
"""Notifications, on a real message bus: which events come, and that nobody waits for the bus."""

from __future__ import annotations

import json
import statistics
import time
from typing import Any
from typing import ClassVar

import kombu

from glance_clone.tests import facts
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import rabbitmq
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_REQUESTS = 200
#: Seconds by which requests may be slower at the median while the bus is away (R9).
_MOST_DELAY = 0.005


class NotificationsTest(base.ServiceTestCase):
    bus: ClassVar[rabbitmq.RabbitMQ]

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        cls.bus = cls.share(rabbitmq.RabbitMQ())
        options = {
            'DEFAULT': {
                'default_publisher_id': 'image.test',
                'disabled_notifications': 'image.member.update,metadef_tag',
                'control_exchange': 'glance',
            },
            'oslo_messaging_notifications': {'driver': 'messagingv2', 'transport_url': cls.bus.url},
            'oslo_messaging_rabbit': {'rabbit_retry_interval': 1, 'rabbit_retry_backoff': 1, 'heartbeat_timeout_threshold': 0},
        }
        # One process: the events of several come in no order.
        return service.Service(database_url, cls.launcher, options, processes=1)

    def setUp(self) -> None:
        super().setUp()
        self.events: list[dict[str, Any]] = []
        self._listen()

    def _listen(self) -> None:
        link = kombu.Connection(self.bus.url.replace('rabbit:', 'amqp:'), heartbeat=0)
        self.addCleanup(link.release)
        exchange = kombu.Exchange('glance', type='topic', durable=False)
        self.queues = [
            kombu.Queue(f'notifications.{priority}', exchange, f'notifications.{priority}', durable=False)
            for priority in ('info', 'error')
        ]
        self.link = link

    def _drain(self) -> None:
        """Take what is in the queues."""
        with self.link.channel() as channel:
            for queue in self.queues:
                bound = queue(channel)
                bound.declare()
                while (message := bound.get(no_ack=True)) is not None:
                    self.events.append(json.loads(message.payload['oslo.message']))

    def _wait_for(self, event: str, **payload: Any) -> dict[str, Any]:
        """Return the first event of the type and with these values in its payload."""

        def found() -> dict[str, Any] | None:
            self._drain()
            return next(
                (e for e in self.events if e['event_type'] == event and payload.items() <= dict(e['payload']).items()), None
            )

        answer = process.wait_until(found, 30, f'{event} {payload}', interval=0.1)
        assert isinstance(answer, dict)
        return answer

    def _types(self, image_id: str) -> list[str]:
        return [e['event_type'] for e in self.events if isinstance(e['payload'], dict) and e['payload'].get('id') == image_id]

    def test_the_life_of_an_image(self) -> None:
        self._drain()
        image_id = self.create(name='a disk', tags=['web'], os_distro='debian', visibility='shared')
        self.assertEqual(204, self.upload(image_id, b'data').status_code)
        self.assertEqual(b'data', self.download(image_id).content)
        self.request('alice', 'POST', f'/v2/images/{image_id}/members', json={'member': 'project-b'})
        self.request('alice', 'DELETE', f'/v2/images/{image_id}')
        gone = self._wait_for('image.delete', id=image_id)
        self.assertEqual(
            ['image.create', 'image.update', 'image.prepare', 'image.upload', 'image.update', 'image.activate', 'image.delete'],
            self._types(image_id),
        )
        self.assertEqual(('image.test', 'INFO', True), (gone['publisher_id'], gone['priority'], gone['payload']['deleted']))
        self.assertNotIn('file://', json.dumps(self.events))
        sent = self._wait_for('image.send', image_id=image_id)['payload']
        self.assertEqual((4, '127.0.0.1'), (sent['bytes_sent'], sent['destination_ip']))
        self._wait_for('image.member.create', image_id=image_id, member_id='project-b', status='pending')
        self._compare_with_facts()

    def _compare_with_facts(self) -> None:
        known = {event['event_type']: event for event in facts.load('notifications.json')['events']}
        for event in self.events:
            wanted, payload = known[event['event_type']], event['payload']
            if isinstance(payload, dict):
                missing = set(wanted['payload_keys']) - set(payload) - set(wanted.get('optional_keys', ()))
                self.assertEqual(set(), missing, event['event_type'])

    def test_what_fails_is_told_as_an_error(self) -> None:
        image_id = self.create(disk_format='qcow2')
        self.assertEqual(415, self.upload(image_id, b'no qcow2').status_code)
        process.wait_until(self._has_error, 30, 'an error', interval=0.1)

    def _has_error(self) -> bool:
        self._drain()
        return any(e['event_type'] == 'image.upload' and e['priority'] == 'ERROR' for e in self.events)

    def test_definitions(self) -> None:
        namespace = f'ns-{time.time_ns()}'
        document = {'namespace': namespace, 'properties': {'p': {'title': 'P', 'type': 'string'}}, 'tags': [{'name': 't'}]}
        self.assertEqual(201, self.request('admin', 'POST', '/v2/metadefs/namespaces', json=document).status_code)
        self.assertEqual(204, self.request('admin', 'DELETE', f'/v2/metadefs/namespaces/{namespace}').status_code)
        self._wait_for('metadef_namespace.delete', namespace=namespace, deleted=True)
        types = [e['event_type'] for e in self.events if dict(e['payload']).get('namespace') == namespace]
        self.assertEqual(['metadef_namespace.create', 'metadef_property.create', 'metadef_namespace.delete'], types)
        self._compare_with_facts()

    def test_nobody_waits_for_the_bus(self) -> None:
        before = self._times()
        self.bus.process.stop()
        try:
            meanwhile = self._times()
        finally:
            self.bus.process.start()
        slower = statistics.median(meanwhile) - statistics.median(before)
        self.assertTrue(slower < _MOST_DELAY, f'{slower * 1000:.1f} ms slower without the bus')
        image_id = self.create(name='after the outage')
        self._listen()
        self._wait_for('image.create', id=image_id)

    def test_what_happens_before_the_bus_is_there_is_told_later(self) -> None:
        self.bus.process.stop()
        try:
            self.service.restart()
            image_id = self.create(name='too early')
        finally:
            self.bus.process.start()
        self._listen()
        self._wait_for('image.create', id=image_id)
        self.assertNotIn('too early', self.log())
        self.assert_no_traceback()

    def _times(self) -> list[float]:
        found = []
        for number in range(_REQUESTS):
            began = time.perf_counter()
            self.create(name=str(number))
            found.append(time.perf_counter() - began)
        return found
