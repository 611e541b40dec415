# SPDX-License-Identifier: Apache-2.0
"""``glance-manage`` run in the test process."""

from __future__ import annotations

import logging
import pathlib

import fixtures

from glance_clone.cmd import manage
from glance_clone.tests.unit.cmd import programs


class ManageTestCase(programs.ProgramTestCase):
    """A test with a configuration file that names an empty SQLite database."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.directory / 'manage.conf'
        self.configure(f'sqlite:///{self.directory}/images.sqlite')
        self.logged = self.useFixture(fixtures.FakeLogger(level=logging.INFO))

    def configure(self, url: str, **options: object) -> None:
        """Write the configuration file."""
        lines = [f'{name} = {value}\n' for name, value in options.items()]
        text = f'[DEFAULT]\n{"".join(lines)}[database]\nconnection = {url}\nmax_retries = 1\nretry_interval = 0\n'
        self.config.write_text(text)

    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        """Run the program; return its exit code, what it printed, and its complaints."""
        return self.run_program(manage.main, *arguments)

    def manage(self, *arguments: str) -> tuple[int, str]:
        """Run the program with the configuration; return its exit code and what it printed."""
        return self.run_main('--config-file', str(self.config), *arguments)[:2]
