# SPDX-License-Identifier: Apache-2.0
"""Tasks in the background."""

from __future__ import annotations

import contextvars
import threading

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
from glance_clone.imports.pool import TaskPool
from glance_clone.transfer.concurrency import NativeThreads


class TaskPoolTest(base.BaseTestCase):
    def test_each_task_is_for_whoever_asked_for_it(self):
        """Also where the thread of one task goes on with that of somebody else."""
        pool = TaskPool(NativeThreads(), 1)
        begin = threading.Event()
        seen = []

        def work(name):
            begin.wait(10)
            seen.append((name, CONTEXT.get()))

        for name in ('alice', 'bob', None):
            context = contextvars.copy_context()
            context.run(CONTEXT.set, name)
            context.run(pool.submit, work, name)
        begin.set()
        self.assertTrue(self._ended(seen, 3))
        self.assertEqual([('alice', 'alice'), ('bob', 'bob'), (None, None)], seen)

    def _ended(self, seen, count):
        tick = threading.Event()
        for _ in range(200):
            if len(seen) == count:
                return True
            tick.wait(0.05)
        return False

    def test_a_task_that_fails_does_not_stop_the_next_one(self):
        pool = TaskPool(NativeThreads(), 1)
        done = threading.Event()
        pool.submit(int, 'none')
        pool.submit(done.set)
        self.assertTrue(done.wait(10))

    def test_no_task_begins_after_the_end(self):
        pool = TaskPool(NativeThreads(), 1)
        self.assertTrue(pool.drain(1))
        self.assertRaises(errors.Unavailable, pool.submit, int)
