# SPDX-License-Identifier: Apache-2.0
"""Programs run in the test process, with a configuration of their own."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from collections.abc import Sequence

import fixtures
from oslo_config import cfg

from glance_clone.tests import base


class ProgramTestCase(base.TestCase):
    """A test that runs programs of ours."""

    def run_program(self, main: Callable[[Sequence[str]], int], *arguments: str) -> tuple[int, str, str]:
        """Run a program; return its exit code, what it printed, and its complaints."""
        self.useFixture(fixtures.MonkeyPatch('oslo_config.cfg.CONF', cfg.ConfigOpts()))
        # The test process has its own logging.
        self.useFixture(fixtures.MonkeyPatch('oslo_log.log.setup', lambda *_: None))
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(arguments)
            except SystemExit as leave:
                code = int(leave.code or 0)
        self.assertNotIn('Traceback', err.getvalue())
        return code, out.getvalue(), err.getvalue()
