# SPDX-License-Identifier: Apache-2.0
"""Whether a process is ready, and that nobody waits long to be told."""

from __future__ import annotations

import threading
import time

from oslotest import base

from glance_clone.api.readiness import Readiness
from glance_clone.domain import errors
from glance_clone.transfer.concurrency import NativeThreads


class ReadinessTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.calls = []
        self.hanging = threading.Event()
        self.addCleanup(self.hanging.set)
        self.threads = NativeThreads()

    def _readiness(self, timeout=10, interval=0, **works):
        def begin(name, work):
            self.calls.append(name)
            return self.threads.start(work)

        checks = {name: lambda name=name, work=work: begin(name, work) for name, work in works.items()}
        return Readiness(checks, timeout, interval)

    def _fail(self):
        raise errors.StoreUnavailable('away')

    def _break(self):
        raise RuntimeError('a defect')

    def test_each_check_is_told(self):
        readiness = self._readiness(good=lambda: None, bad=self._fail, broken=self._break)
        self.assertEqual({'good': True, 'bad': False, 'broken': False}, readiness.results())

    def test_nothing_to_check(self):
        self.assertEqual({}, Readiness().results())

    def test_check_that_hangs_fails_in_time_and_is_not_begun_twice(self):
        readiness = self._readiness(timeout=0.1, good=lambda: None, hangs=self.hanging.wait)
        begin = time.monotonic()
        for _ in range(3):
            self.assertEqual({'good': True, 'hangs': False}, readiness.results())
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(1, self.calls.count('hangs'))
        self.hanging.set()
        time.sleep(0.05)
        self.assertEqual({'good': True, 'hangs': True}, readiness.results())

    def test_results_are_remembered(self):
        readiness = self._readiness(interval=60, bad=self._fail)
        for _ in range(3):
            readiness.results()
        self.assertEqual(['bad'], self.calls)
