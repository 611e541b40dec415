# SPDX-License-Identifier: Apache-2.0
"""Work beside the caller: in native threads, and under eventlet."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading

import fixtures
from oslotest import base

from glance_clone.domain.caller import CONTEXT
from glance_clone.transfer.concurrency import NativeThreads


class NativeThreadsTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.threads = NativeThreads()

    def test_results_and_failures(self):
        self.assertEqual(3, self.threads.start(lambda a, b: a + b, 1, 2).wait())
        self.assertRaises(ZeroDivisionError, self.threads.start(lambda: 1 // 0).wait)

    def test_requests_are_more_urgent_than_what_is_computed(self):
        found = queue.SimpleQueue()
        self.threads.compute(lambda: found.put(os.getpriority(os.PRIO_PROCESS, 0)))
        here = os.getpriority(os.PRIO_PROCESS, 0)
        self.assertEqual(min(here + 5, 19), found.get(timeout=10))

    def test_work_runs_beside_the_caller(self):
        event = threading.Event()
        call = self.threads.start(event.wait, 10)
        event.set()
        self.assertTrue(call.wait())

    def test_work_is_for_the_caller_of_whoever_began_it_and_periodic_work_for_nobody(self):
        token = CONTEXT.set('alice')
        self.addCleanup(CONTEXT.reset, token)
        seen = []
        done = threading.Event()
        self.threads.detach(lambda: (seen.append(CONTEXT.get()), done.set()))
        self.assertTrue(done.wait(10))
        seen += [begin(CONTEXT.get).wait(10) for begin in (self.threads.start, self.threads.spawn)]
        self.assertEqual(['alice'] * 3, seen)
        told = queue.SimpleQueue()
        job = self.threads.periodic(0.001, lambda: told.put(CONTEXT.get()))
        self.addCleanup(job.stop)
        self.assertIsNone(told.get(timeout=10))

    def test_work_that_blocks_is_done_here(self):
        self.assertEqual((7, threading.get_ident()), self.threads.run(lambda number: (number, threading.get_ident()), 7))

    def test_computing_has_as_many_threads_as_there_are_processors(self):
        token = CONTEXT.set('alice')
        self.addCleanup(CONTEXT.reset, token)
        done = queue.SimpleQueue()
        processors = len(os.sched_getaffinity(0))
        meet = threading.Barrier(processors, timeout=10)
        for _ in range(processors * 3):
            self.threads.compute(lambda: done.put((meet.wait() >= 0, threading.get_ident(), CONTEXT.get())))
        found = [done.get(timeout=10) for _ in range(processors * 3)]
        self.assertEqual(processors, len({thread for _, thread, _ in found}))
        self.assertEqual({None}, {caller for _, _, caller in found})

    def test_computing_works_again_after_a_fork(self):
        done = queue.SimpleQueue()
        self.threads.compute(lambda: done.put(1))
        done.get(timeout=10)
        child = os.fork()
        if child == 0:
            try:
                self.threads.compute(lambda: os._exit(7))
                done.get(timeout=10)
            finally:
                os._exit(1)
        self.assertEqual(7, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    def test_threads_work_again_after_a_fork(self):
        self.threads.start(int).wait()
        child = os.fork()
        if child == 0:
            try:
                os._exit(self.threads.start(lambda: 7).wait())
            finally:
                os._exit(1)
        self.assertEqual(7, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    def test_periodic_work_survives_its_failures_and_stops(self):
        log = self.useFixture(fixtures.FakeLogger())
        runs = []
        again = threading.Event()

        def work():
            runs.append(1)
            if len(runs) == 3:
                again.set()
            raise ValueError('once')

        job = self.threads.periodic(0.001, work)
        self.assertTrue(again.wait(10))
        job.stop()
        job._thread.join(10)
        self.assertFalse(job._thread.is_alive())
        self.assertIn('Background work failed', log.output)


_UNDER_EVENTLET = """
import eventlet
eventlet.monkey_patch()
import hashlib, os, sys, time
from glance_clone.domain import caller
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.tests.unit.transfer.sources import Pieces
from glance_clone.transfer import pipeline
from glance_clone.transfer.digest import Digest
from glance_clone.server.green_threads import GreenThreads
from glance_clone.transfer.sink import Sink

threads = GreenThreads()
ticks = []
job = threads.periodic(0.001, lambda: ticks.append(1))
data = os.urandom(1 << 20) * 8
store = FileStore(None, [Directory(sys.argv[1])])

def upload(number):
    digest, writer = Digest('md5'), store.writer(str(number), 'one', None)
    pipeline.run(Pieces(*[data[at:at + 100_000] for at in range(0, len(data), 100_000)]), (), [digest, Sink(writer)], threads)
    writer.commit()
    return digest.value

uploads = [eventlet.spawn(upload, number) for number in range(6)]
expected = hashlib.md5(data).hexdigest()
assert {each.wait() for each in uploads} == {expected}
# Native sleep: other green threads go on meanwhile.
before = len(ticks)
threads.start(eventlet.patcher.original('time').sleep, 0.2).wait()
assert len(ticks) > before + 5, (before, len(ticks))
job.stop()
assert threads.spawn(lambda number: number + 1, 6).wait() == 7
caller.CONTEXT.set('alice')
assert [begin(caller.CONTEXT.get).wait() for begin in (threads.start, threads.spawn)] == ['alice'] * 2
told = []
job = threads.periodic(0.001, lambda: told.append(caller.CONTEXT.get()))
time.sleep(0.1)
job.stop()
assert told and set(told) == {None}, told
for begin, sleep in ((threads.start, eventlet.patcher.original('time').sleep), (threads.spawn, time.sleep)):
    slow = begin(sleep, 0.5)
    try:
        slow.wait(0.05)
        sys.exit('waited too long')
    except TimeoutError:
        pass
    slow.wait()
try:
    threads.start(lambda: 1 // 0).wait()
except ZeroDivisionError:
    print('done')
"""


class GreenThreadsTest(base.BaseTestCase):
    def test_uploads_under_eventlet(self):
        root = self.useFixture(fixtures.TempDir()).path
        ended = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', _UNDER_EVENTLET, root],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertEqual('done\n', ended.stdout, ended.stderr)
        self.assertEqual([8 << 20] * 6, [os.stat(f'{root}/{number}').st_size for number in range(6)])
