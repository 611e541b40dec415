# SPDX-License-Identifier: Apache-2.0
"""File systems that hang."""

from __future__ import annotations

import os
import threading
import time

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_timeout import Bounded
from glance_clone.tests.unit.stores import contract
from glance_clone.transfer.concurrency import NativeThreads


class _Case(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        timeout = Bounded(self.seconds, 2, 100, NativeThreads().detach)
        self.store = FileStore('far', [Directory(self.root)], timeout=timeout)

    def objects(self):
        return sorted(os.listdir(self.root))


class SoundTest(contract.BlobContract, _Case):
    """The whole contract, with a timeout that is not reached."""

    seconds = 60


class HangingTest(_Case):
    seconds = 0.2

    def setUp(self):
        super().setUp()
        with open(f'{self.root}/blob', 'wb') as file:
            file.write(b'data')
        self.location = Location(f'file://{self.root}/blob')
        self.back = threading.Event()
        self.passed = threading.Semaphore(0)
        self.addCleanup(self.back.set)
        real = Directory.opened

        def opened(directory):
            self.back.wait(30)
            self.passed.release()
            return real(directory)

        self.useFixture(fixtures.MonkeyPatch('glance_clone.stores.file_directory.Directory.opened', opened))

    def test_nothing_waits_longer(self):
        for call in (
            lambda: self.store.size(self.location),
            lambda: self.store.remove(self.location),
            lambda: self.store.writer('other', 'one', 5),
            lambda: self.store.discard('other', 'one'),
        ):
            begin = time.monotonic()
            self.assertRaises(errors.StoreUnavailable, call)
            self.assertLess(time.monotonic() - begin, 10)

    def test_a_removal_that_was_given_up_does_not_happen_later(self):
        self.assertRaises(errors.StoreUnavailable, self.store.remove, self.location)
        self.back.set()
        self.assertTrue(self.passed.acquire(timeout=10))
        self.assertEqual(4, self.store.size(self.location))
        time.sleep(0.2)
        self.assertEqual(['blob'], self.objects())

    def test_threads_that_hang_are_bounded_and_come_back(self):
        log = self.useFixture(fixtures.FakeLogger())
        for _ in range(4):
            self.assertRaises(errors.StoreUnavailable, self.store.size, self.location)
        self.assertIn('2 of 2 threads', log.output)
        self.back.set()
        for _ in range(2):
            self.assertTrue(self.passed.acquire(timeout=10))
        self.assertFalse(self.passed.acquire(timeout=0.2), 'more threads hung than may')
        self.assertEqual(4, self.store.size(self.location))

    def test_failures_are_those_of_the_work(self):
        self.back.set()
        self.store.remove(self.location)
        self.assertRaises(errors.BlobNotFound, self.store.remove, self.location)


del _Case
