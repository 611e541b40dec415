# SPDX-License-Identifier: Apache-2.0
"""The files by which processes share their numbers."""

from __future__ import annotations

import os
import subprocess

import fixtures
from oslotest import base

from glance_clone.metering import files


class FilesTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'metrics')
        self.process = subprocess.Popen(['sleep', '60'])
        self.addCleanup(self._kill)
        self.alive, self.me = self.process.pid, os.getpid()

    def _kill(self):
        self.process.kill()
        self.process.wait()

    def _make(self, *names):
        os.makedirs(self.path, exist_ok=True)
        for name in names:
            with open(os.path.join(self.path, name), 'w'):
                pass

    def _left(self):
        return {name for name in os.listdir(self.path) if not name.startswith('.')}

    def test_numbers_of_an_ended_service_go(self):
        self._make('counter_4000000.db', '4000000.process', 'other.txt')
        files.prepare(self.path)
        self.assertEqual({f'{self.me}.process', 'other.txt'}, self._left())

    def test_numbers_of_the_dead_stay_while_another_lives(self):
        self._make('counter_4000000.db', '4000000.process', f'{self.alive}.process')
        files.prepare(self.path)
        self.assertEqual({'counter_4000000.db', f'{self.alive}.process', f'{self.me}.process'}, self._left())

    def test_gauges_of_the_dead_go(self):
        gauges = [f'gauge_livesum_{pid}.db' for pid in (4000000, self.alive)]
        self._make(*gauges, 'counter_4000000.db')
        files.forget_gauges_of_the_dead(self.path)
        self.assertEqual({gauges[1], 'counter_4000000.db'}, self._left())

    def test_directory_that_cannot_be_made(self):
        self._make('file')
        self.assertRaises(OSError, files.prepare, os.path.join(self.path, 'file', 'metrics'))
