# SPDX-License-Identifier: Apache-2.0
"""The first command of the README, in a tree that nobody has touched. Installs from the package index."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import unittest

import fixtures

from glance_clone.tests import base
from glance_clone.tests.fixtures import process

_ROOT = pathlib.Path(__file__).parents[3]


class TestQuickstart(base.TestCase):
    """``tools/quickstart`` in a clone and in an archive."""

    def setUp(self) -> None:
        super().setUp()
        if not (_ROOT / '.git').exists() or not shutil.which('git'):
            raise unittest.SkipTest('needs git and a checkout')
        self.tree = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'tree')

    def clone(self) -> None:
        subprocess.run(['git', 'clone', '--quiet', str(_ROOT), str(self.tree)], check=True)

    def run_quickstart(self, *arguments: str) -> str:
        command = [str(self.tree / 'tools' / 'quickstart'), '--port', '0', *arguments]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def test_clone_and_second_run(self) -> None:
        self.clone()
        self.assertIn('came back as it went', self.run_quickstart('--demo-only'))
        state = self.tree / '.quickstart' / 'state'
        with contextlib.closing(sqlite3.connect(state / 'glance.sqlite')) as database:
            self.assertEqual((32,), database.execute('SELECT count(*) FROM metadef_namespaces').fetchone())
        password = (state / 'password').read_text()
        self.assertNotIn('Installing', self.run_quickstart('--demo-only'))
        self.assertEqual(password, (state / 'password').read_text())

    def test_archive_without_history(self) -> None:
        self.clone()
        shutil.rmtree(self.tree / '.git')
        self.assertIn('came back as it went', self.run_quickstart('--demo-only'))

    def test_stays_up_until_interrupted(self) -> None:
        self.clone()
        command = [str(self.tree / 'tools' / 'quickstart'), '--port', str(process.free_port())]
        quickstart = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(quickstart.wait)
        assert quickstart.stdout
        for line in quickstart.stdout:
            if 'Ctrl-C' in line:
                break
        os.kill(quickstart.pid, signal.SIGINT)
        self.assertIn('Stopping', quickstart.communicate()[0])
        self.assertEqual(0, quickstart.returncode)
