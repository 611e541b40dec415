# SPDX-License-Identifier: Apache-2.0
"""Workers that die in the middle of an upload: the image waits for data again, nothing of the try is left (R3-R5)."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator

import requests
from oslo_config import cfg

from glance_clone.conf import leases
from glance_clone.tests import base as tests_base
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_BLOCK = os.urandom(1024 * 1024)
_TTL, _HEARTBEAT, _SWEEP = 3, 1, 1
#: Seconds in which an image must be usable again: lease and sweep, a start of the service, and a slow machine.
_SOON = _TTL + _SWEEP + 15


class _Crash:
    """The tests; the classes below say where they run."""

    options = {'leases': {'ttl': _TTL, 'heartbeat_interval': _HEARTBEAT, 'sweep_interval': _SWEEP}}

    def _begin_upload(self, image_id: str) -> threading.Thread:
        """Send some blocks and then nothing for as long as the connection lasts."""
        stop = threading.Event()
        self.addCleanup(stop.set)

        def body() -> Iterator[bytes]:
            for _number in range(6):
                yield _BLOCK
            while not stop.wait(0.2):
                yield b'x'

        def send() -> None:
            with contextlib.suppress(requests.ConnectionError):
                self.upload(image_id, body())

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        self.wait_for_status(image_id, 'saving')
        process.wait_until(lambda: self._has_bytes(image_id), 10, f'the store has bytes of {image_id}')
        return thread

    def _has_bytes(self, image_id: str) -> bool:
        names = [name for name in self.service.files() if image_id in name]
        return any((self.service.state / 'fast' / name).stat().st_size for name in names)

    def _assert_usable_again(self, image_id: str) -> None:
        self.wait_for_status(image_id, 'queued', _SOON)
        process.wait_until(
            lambda: not [name for name in self.service.files() if image_id in name], 5, f'the bytes of {image_id} go'
        )
        self.assert_nothing_left(image_id)
        data = os.urandom(100_000)
        self.assertEqual(204, self.upload(image_id, data).status_code)
        self.assertEqual(data, self.download(image_id).content)

    def test_worker_killed(self) -> None:
        image_id = self.create()
        thread = self._begin_upload(image_id)
        self.service.kill_workers()
        thread.join(10)
        self._assert_usable_again(image_id)

    def test_service_killed_and_started_again(self) -> None:
        image_id = self.create()
        thread = self._begin_upload(image_id)
        self.service.restart(signal.SIGKILL)
        thread.join(10)
        self._assert_usable_again(image_id)

    def test_slow_upload_keeps_its_lease(self) -> None:
        """A worker that lives longer than the time of a lease does not lose it."""
        image_id = self.create()
        pause = threading.Event()

        def body() -> Iterator[bytes]:
            yield _BLOCK
            for _second in range(2 * (_TTL + _SWEEP)):
                pause.wait(1)
                yield b'x'

        self.assertEqual(204, self.upload(image_id, body()).status_code)
        self.assertEqual('active', self.show(image_id)['status'])


class UwsgiTest(_Crash, base.ServiceTestCase):
    """Workers of uWSGI on SQLite."""


class UwsgiMariaDBTest(_Crash, base.ServiceTestCase):
    """Workers of uWSGI on MariaDB."""

    database = 'mariadb'


class UwsgiPostgreSQLTest(_Crash, base.ServiceTestCase):
    """Workers of uWSGI on PostgreSQL."""

    database = 'postgresql'


class StandaloneTest(_Crash, base.ServiceTestCase):
    """Workers of the standalone server on SQLite."""

    launcher = service.STANDALONE


class DefaultBoundTest(tests_base.TestCase):
    """What the tests above shorten holds without their options, too."""

    def test_dead_owner_is_found_within_180_seconds(self) -> None:
        conf = cfg.ConfigOpts()
        leases.register_opts(conf)
        conf([])
        self.assertLessEqual(conf.leases.ttl + conf.leases.sweep_interval, 180)
        # Two heartbeats may fail before a live owner loses what it works on.
        self.assertLessEqual(3 * conf.leases.heartbeat_interval, conf.leases.ttl)
