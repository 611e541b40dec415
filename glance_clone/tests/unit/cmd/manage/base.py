# SPDX-License-Identifier: Apache-2.0
"""``glance-manage`` run in the test process."""

from __future__ import annotations

import contextlib
import io
import logging
import pathlib

import fixtures
from oslo_config import cfg

from glance_clone.cmd import manage
from glance_clone.tests import base


class ManageTestCase(base.TestCase):
    """A test with a configuration file that names an empty SQLite database."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.directory / 'manage.conf'
        self.configure(f'sqlite:///{self.directory}/images.sqlite')
        # The test process has its own logging.
        self.useFixture(fixtures.MonkeyPatch('glance_clone.bootstrap.logging.setup', lambda *_: None))
        self.logged = self.useFixture(fixtures.FakeLogger(level=logging.INFO))

    def configure(self, url: str, **options: object) -> None:
        """Write the configuration file."""
        lines = [f'{name} = {value}\n' for name, value in options.items()]
        text = f'[DEFAULT]\n{"".join(lines)}[database]\nconnection = {url}\nmax_retries = 1\nretry_interval = 0\n'
        self.config.write_text(text)

    def run_main(self, *arguments: str) -> tuple[int, str, str]:
        """Run the program; return its exit code, what it printed, and its complaints."""
        self.useFixture(fixtures.MonkeyPatch('oslo_config.cfg.CONF', cfg.ConfigOpts()))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = manage.main(arguments)
            except SystemExit as leave:
                code = int(leave.code or 0)
        self.assertNotIn('Traceback', err.getvalue())
        return code, out.getvalue(), err.getvalue()

    def manage(self, *arguments: str) -> tuple[int, str]:
        """Run the program with the configuration; return its exit code and what it printed."""
        return self.run_main('--config-file', str(self.config), *arguments)[:2]
