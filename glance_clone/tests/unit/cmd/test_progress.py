# SPDX-License-Identifier: Apache-2.0
"""Progress on terminals, and where there is none."""

from __future__ import annotations

import io
import logging

import fixtures

from glance_clone.cmd.progress import Progress
from glance_clone.tests import base


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestProgress(base.TestCase):
    def run_steps(self, stream: io.StringIO, total: int | None = 4) -> str:
        """Do four steps; return what stands in the stream then."""
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', stream))
        with Progress('Doing', total, 'thing') as progress:
            for _ in range(4):
                progress.advance()
        return stream.getvalue()

    def test_a_bar_on_a_terminal(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.progress._DELAY', 0.0))
        shown = self.run_steps(_Terminal())
        self.assertIn('Doing: ', shown)
        self.assertTrue(shown.endswith('\r'), 'the bar is not cleared')

    def test_nothing_for_a_moment_of_work(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.progress._DELAY', 60.0))
        self.assertNotIn('Doing', self.run_steps(_Terminal()))

    def test_lines_of_the_log_elsewhere(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.progress._INTERVAL', 0.0))
        logged = self.useFixture(fixtures.FakeLogger(level=logging.INFO))
        self.assertEqual('', self.run_steps(io.StringIO()))
        self.assertEqual([f'Doing: {done} of 4 thing done.' for done in range(1, 5)], logged.output.splitlines())
        self.run_steps(io.StringIO(), None)
        self.assertIn('Doing: 4 of ? thing done.', logged.output)

    def test_not_too_many_lines(self) -> None:
        logged = self.useFixture(fixtures.FakeLogger(level=logging.INFO))
        self.run_steps(io.StringIO())
        self.assertEqual('', logged.output)
