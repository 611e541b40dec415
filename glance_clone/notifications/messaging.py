# SPDX-License-Identifier: Apache-2.0
"""Notifications on their way to the message bus: a bounded queue, and one thread that sends.

A request only puts its events into the queue. While the bus is away they wait there; when the queue is full, further ones
are dropped, counted and logged (R9).
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from oslo_config import cfg

from glance_clone.domain.notification import Notifier
from glance_clone.domain.notification import Silence
from glance_clone.notifications.persistence import Persistent

LOG = logging.getLogger(__name__)

_GROUP = 'oslo_messaging_notifications'
#: Seconds between two log lines about dropped notifications.
_COMPLAINT_INTERVAL = 30.0
#: Drivers that tell nobody.
_SILENT = frozenset(('', 'noop'))
_Event = tuple[str, str, Any]


def build_notifier(conf: cfg.ConfigOpts) -> Notifier:
    """Return what tells others of events; where no driver is configured, nobody is told, and oslo.messaging is not loaded.

    :raises ValueError: the transport is not known
    """
    if set(_drivers(conf)) <= _SILENT:
        return Silence()
    import oslo_messaging  # noqa: PLC0415 - it takes long, and brings much with it

    try:
        transport = oslo_messaging.get_notification_transport(conf)
        sender = oslo_messaging.Notifier(transport, publisher_id=conf.default_publisher_id)
        # The drivers know no other way to have a say in what becomes of a notification.
        transport._send_notification = _persistent(conf, transport._send_notification)
    except (oslo_messaging.InvalidTransportURL, oslo_messaging.DriverLoadFailure) as error:
        raise ValueError(f'transport_url of [{_GROUP}], or that of [DEFAULT], cannot be used: {error}') from None
    return QueuedNotifier(sender, conf.notifications.queue_size, conf.disabled_notifications)


def _persistent(conf: cfg.ConfigOpts, send: Callable[..., Any]) -> Persistent:
    """Return what sends again while the bus is away, as often as the operator wants."""
    import amqp  # noqa: PLC0415 - these belong to oslo.messaging
    import kombu.exceptions  # noqa: PLC0415
    import oslo_messaging  # noqa: PLC0415

    absences = (OSError, oslo_messaging.MessageDeliveryFailure, kombu.exceptions.OperationalError, amqp.AMQPError)
    return Persistent(send, absences, conf[_GROUP].retry)


def _drivers(conf: cfg.ConfigOpts) -> list[str]:
    """Return the drivers that the configuration names; the option itself is registered by oslo.messaging."""
    probe = cfg.ConfigOpts()
    probe.register_opt(cfg.MultiStrOpt('driver', default=[]), group=_GROUP)
    files, directories = conf.config_file or [], [path for path in (conf.config_dir or []) if path]
    probe([], project='glance', default_config_files=list(files), default_config_dirs=directories)
    return list(probe[_GROUP].driver)


class QueuedNotifier:
    """Sends events in the background; see :class:`Notifier`.

    :param sender: oslo.messaging's notifier
    :param size: how many events may wait
    :param disabled: event types that nobody is told of, or beginnings of them up to a dot
    """

    def __init__(self, sender: Any, size: int, disabled: list[str]):
        self._sender = sender
        self._size = size
        self._disabled = frozenset(disabled)
        self._lock = threading.Lock()
        self._pid = 0
        self._waiting: queue.Queue[_Event] = queue.Queue(size)
        self._dropped = 0
        self._next_complaint = 0.0

    def wants(self, event: str) -> bool:
        """See :meth:`Notifier.wants`."""
        words = event.split('.')
        return not any('.'.join(words[:count]) in self._disabled for count in range(1, len(words) + 1))

    def info(self, event: str, payload: Any) -> None:
        """See :meth:`Notifier.info`."""
        self._put('info', event, payload)

    def error(self, event: str, payload: Any) -> None:
        """See :meth:`Notifier.error`."""
        self._put('error', event, payload)

    def _put(self, priority: str, event: str, payload: Any) -> None:
        if not self.wants(event):
            return
        self._require_thread()
        try:
            self._waiting.put_nowait((priority, event, payload))
        except queue.Full:
            self._drop()

    def _require_thread(self) -> None:
        """Start the thread that sends, once in each process: a server may have forked since."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid != os.getpid():
                self._waiting = queue.Queue(self._size)
                threading.Thread(target=self._send_all, args=(self._waiting,), name='notifications', daemon=True).start()
                self._pid = os.getpid()

    def _drop(self) -> None:
        with self._lock:
            self._dropped += 1
            now = time.monotonic()
            if now < self._next_complaint:
                return
            self._next_complaint = now + _COMPLAINT_INTERVAL
            dropped, self._dropped = self._dropped, 0
        LOG.error('Dropped %d notifications: the message bus takes them more slowly than they come, or not at all.', dropped)

    def _send_all(self, waiting: queue.Queue[_Event]) -> None:
        while True:
            priority, event, payload = waiting.get()
            try:
                getattr(self._sender, priority)({}, event, payload)
            except Exception as error:  # the thread must survive whatever a driver raises
                LOG.error('The notification %s was lost: %s: %s', event, type(error).__name__, error)
            finally:
                waiting.task_done()
