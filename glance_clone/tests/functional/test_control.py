# SPDX-License-Identifier: Apache-2.0
"""The standalone server in the hands of ``glance-control``."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess

import fixtures
import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base


class TestControl(base.ServiceTestCase):
    """A second server beside the one of the fixture, on the same database."""

    launcher = service.STANDALONE

    def setUp(self) -> None:
        super().setUp()
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.port = process.free_port()
        self.config = directory / 'glance-api.conf'
        text = self.service.config_file.read_text()
        self.config.write_text(text.replace(f'bind_port = {self.service.port}\n', f'bind_port = {self.port}\n'))
        self.pid_file = directory / 'glance-api.pid'
        self.addCleanup(self._end)

    def _end(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(self.pid_file.read_text()), signal.SIGKILL)

    def control(self, *arguments: str, status: int = 0) -> str:
        """Run ``glance-control``; return what it prints."""
        command = [*service.script('glance-control'), '--pid-file', str(self.pid_file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=service.environment(), cwd='/', check=False)
        self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f'http://127.0.0.1:{self.port}/healthcheck', timeout=5).status_code == 200
        return False

    def test_life_of_the_server(self) -> None:
        self.control('api', 'start', str(self.config))
        process.wait_until(self.answers, 60, 'an answer')
        self.assertIn(self.pid_file.read_text().strip(), self.control('api', 'status'))
        self.control('api', 'reload')
        self.assertTrue(self.answers())
        self.control('api', 'shutdown')
        self.assertFalse(process.listening(self.port))
        self.assertIn('stopped', self.control('api', 'status'))

    def test_a_configuration_that_does_not_work(self) -> None:
        self.config.write_text('[DEFAULT]\nbind_port = nonsense\n')
        self.control('--await-child', '60', 'api', 'start', str(self.config), status=5)
