# SPDX-License-Identifier: Apache-2.0
"""Steps, pools, locks and the lists of stores."""

import datetime
import threading
import time
import types

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import patience
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.task import Task
from glance_clone.imports import flow
from glance_clone.imports import locks
from glance_clone.imports import stores_left
from glance_clone.imports.pool import TaskPool
from glance_clone.imports.service import masked
from glance_clone.transfer.concurrency import NativeThreads


class Step:
    def __init__(self, name, log, fails=False, undo_fails=None):
        self.name, self.log, self.fails, self.undo_fails = name, log, fails, undo_fails

    def run(self, work):
        self.log.append(self.name)
        if self.fails:
            raise errors.StoreFull('no room')

    def undo(self, work):
        self.log.append(f'undo {self.name}')
        if self.undo_fails:
            raise self.undo_fails


class Work:
    def __init__(self, lives=99):
        self.image = Image('i')
        self.tools = types.SimpleNamespace(meter=NoMeter())
        self.lives = lives

    def require_alive(self):
        self.lives -= 1
        if self.lives < 0:
            raise errors.LeaseLost('lost')


class FlowTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.log = []
        self.logged = self.useFixture(fixtures.FakeLogger())

    def steps(self, *names, **kwargs):
        return [Step(name, self.log) for name in names]

    def test_stages_are_measured(self):
        stages = []
        work = Work()
        work.tools.meter = types.SimpleNamespace(stage=lambda name, is_done, seconds: stages.append((name, is_done)))
        bad = Step('bad', self.log, fails=True)
        self.assertRaises(errors.StoreFull, flow.run, [*self.steps('good'), bad], work)
        self.assertEqual([('Step', True), ('Step', False)], stages)

    def test_in_order(self):
        flow.run(self.steps('a', 'b'), Work())
        self.assertEqual(['a', 'b'], self.log)

    def test_begun_steps_are_undone_backwards(self):
        steps = [*self.steps('a'), Step('b', self.log, fails=True), *self.steps('c')]
        self.assertRaises(errors.StoreFull, flow.run, steps, Work())
        self.assertEqual(['a', 'b', 'undo b', 'undo a'], self.log)

    def test_what_cannot_be_undone_does_not_keep_the_rest(self):
        for failure in (errors.StoreUnavailable('down'), ZeroDivisionError()):
            del self.log[:]
            steps = [*self.steps('a'), Step('b', self.log, undo_fails=failure), Step('c', self.log, fails=True)]
            self.assertRaises(errors.StoreFull, flow.run, steps, Work())
            self.assertEqual(['undo c', 'undo b', 'undo a'], self.log[3:])

    def test_no_step_begins_that_is_not_wanted(self):
        self.assertRaises(errors.LeaseLost, flow.run, self.steps('a', 'b'), Work(lives=1))
        self.assertEqual(['a', 'undo a'], self.log)


class PoolTest(base.BaseTestCase):
    def test_a_bounded_number_at_once(self):
        pool = TaskPool(NativeThreads(), 2)
        running, most, done = [], [], []

        def work(number):
            running.append(number)
            most.append(len(running))
            time.sleep(0.02)
            running.remove(number)
            done.append(number)

        for number in range(8):
            pool.submit(work, number)
        end = time.monotonic() + 10
        while len(done) < 8 and time.monotonic() < end:
            time.sleep(0.01)
        self.assertEqual(list(range(8)), sorted(done))
        self.assertEqual(2, max(most))

    def test_a_failing_task_does_not_take_its_place_with_it(self):
        self.useFixture(fixtures.FakeLogger())
        pool, done = TaskPool(NativeThreads(), 1), threading.Event()
        pool.submit(lambda: 1 / 0)
        pool.submit(done.set)
        self.assertTrue(done.wait(10))

    def test_tasks_wait_for_a_database_that_is_away(self):
        pool, seen, done = TaskPool(NativeThreads(), 1), [], threading.Event()
        pool.submit(lambda: seen.append(patience.seconds()))
        pool.submit(done.set)
        self.assertTrue(done.wait(10))
        self.assertEqual(([patience.LONG], 0), (seen, patience.seconds()))

    def test_draining_waits_for_what_runs_and_begins_nothing(self):
        pool, go, log = TaskPool(NativeThreads(), 1), threading.Event(), []
        pool.submit(go.wait, 10)
        pool.submit(log.append, 'second')
        self.assertFalse(pool.drain(0.05))
        go.set()
        self.assertTrue(pool.drain(10))
        self.assertEqual([], log)
        self.assertRaises(errors.Unavailable, pool.submit, log.append, 'third')


class Tasks:
    """A repository with one lock."""

    def __init__(self, task):
        self.task, self.saved, self.unlocked = task, [], []

    def holder(self, image_id):
        return 'task', self.task

    def unlock(self, image_id, task_id):
        self.unlocked.append(task_id)
        return True

    def save(self, task):
        self.saved.append(task)


class LockTest(base.BaseTestCase):
    def task(self, status, minutes):
        then = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - datetime.timedelta(minutes=minutes)
        return Task(tasks.IMAGE_IMPORT, 'me', {'backend': ['a', 'b']}, id='task', status=status, updated_at=then)

    def test_age_decides(self):
        for status, minutes, is_held in (
            (tasks.PENDING, 119, True),
            (tasks.PENDING, 121, False),
            (tasks.PROCESSING, 59, True),
            (tasks.PROCESSING, 61, False),
            (tasks.SUCCESS, 59, True),
            (tasks.FAILURE, 61, False),
        ):
            repository = Tasks(self.task(status, minutes))
            if is_held:
                self.assertRaises(errors.ImageLocked, locks.require_unlocked, repository, Image('i'))
                self.assertRaises(errors.ImageLocked, locks.break_stale, repository, Image('i'))
            else:
                locks.require_unlocked(repository, Image('i'))
                lists = {'os_glance_importing_to_stores': 'a,b,c', 'os_glance_failed_import': 'b'}
                image = Image('i', properties=lists)
                locks.break_stale(repository, image)
                self.assertEqual({'os_glance_importing_to_stores': 'c', 'os_glance_failed_import': ''}, image.properties)
                self.assertEqual(['task'], repository.unlocked)
                self.assertEqual(status not in tasks.TERMINAL, bool(repository.saved))

    def test_a_task_that_is_gone(self):
        repository = Tasks(None)
        locks.break_stale(repository, Image('i'))
        self.assertEqual(['task'], repository.unlocked)


class ListsTest(base.BaseTestCase):
    def test_what_earlier_imports_left_does_not_count(self):
        image = Image('i', properties={'os_glance_importing_to_stores': 'x,y', 'os_glance_failed_import': 'a,x'})
        stores_left.expect(image, ['a'])
        self.assertEqual(('a', 'x'), self.lists(image))

    def lists(self, image):
        return image.properties['os_glance_importing_to_stores'], image.properties['os_glance_failed_import']

    def test_stores_come_and_go(self):
        image = Image('i', properties={'os_glance_failed_import': 'b,z'})
        stores_left.expect(image, ['c', 'b', 'a'])
        self.assertEqual(('a,b,c', 'z'), self.lists(image))
        stores_left.done(image, ['b'])
        stores_left.failed(image, ['c', 'c'])
        self.assertEqual(('a', 'c,z'), self.lists(image))
        stores_left.done(image, ['a'])
        self.assertEqual(('', 'c,z'), self.lists(image))

    def test_the_classic_store_has_no_name(self):
        image = Image('i')
        stores_left.expect(image, [None])
        stores_left.failed(image, [None])
        self.assertEqual(('', ''), self.lists(image))


class MaskedTest(base.BaseTestCase):
    def test_user_information_never_stays(self):
        document = {'method': {'uri': 'http://u:p@host/x', 'other': ['ftp://a@b', 5, None]}, 'x': 'a@b'}
        expected = {'method': {'uri': 'http://***@host/x', 'other': ['ftp://***@b', 5, None]}, 'x': 'a@b'}
        self.assertEqual(expected, masked(document))
        self.assertEqual('http://host/a@b', masked('http://host/a@b'))
