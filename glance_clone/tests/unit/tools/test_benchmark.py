# SPDX-License-Identifier: Apache-2.0
"""The parts of tools/bench that calculate."""

from __future__ import annotations

import os
import pathlib
import socket
import sys
import time

from glance_clone.tests import base

_TOOLS = pathlib.Path(__file__).parents[4] / 'tools'


class BenchmarkTest(base.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        if not (_TOOLS / 'benchmark').is_dir():
            cls.skipTest(cls, 'tools/ is not beside the package')
        sys.path.insert(0, str(_TOOLS))
        cls.addClassCleanup(sys.path.remove, str(_TOOLS))
        from benchmark import processes  # noqa: PLC0415
        from benchmark import report  # noqa: PLC0415

        cls.report, cls.processes = report, processes

    def test_spread(self) -> None:
        spread = self.report.Spread.of([3.0, 1.0, 2.0])
        self.assertEqual((1.0, 2.0, 3.0), (spread.low, spread.middle, spread.high))
        self.assertEqual('1/2/3', str(spread))

    def test_quantile(self) -> None:
        values = list(range(100))
        self.assertEqual(50, self.report.quantile(values, 0.5))
        self.assertEqual(99, self.report.quantile(values, 0.99))
        self.assertEqual(7, self.report.quantile([7], 0.99))

    def test_table_is_aligned(self) -> None:
        one = self.report.Row('a', 'show', {'cpu ms': self.report.Spread(1, 2, 3)})
        other = self.report.Row('floor', 'upload', {'MB/s': self.report.Spread(100, 200, 300)}, 'note')
        lines = self.report.table([one, other]).splitlines()
        self.assertEqual(['service', 'workload', 'cpu', 'ms', 'MB/s', 'note'], lines[0].split())
        self.assertEqual(lines[0].index('MB/s'), lines[2].index('100/200/300'))

    def test_figures_are_compared_with_the_floor(self) -> None:
        floor = self.report.Row('floor', 'show', {'cpu ms': self.report.Spread(0.5, 1, 2)})
        ours = self.report.Row('uwsgi', 'show', {'cpu ms': self.report.Spread(1, 2, 3)})
        self.report.compare([ours, floor])
        self.assertEqual(('2.00 x floor', ''), (ours.note, floor.note))

    def test_what_has_no_floor_is_compared_with_show(self) -> None:
        show = self.report.Row('uwsgi', 'show', {'cpu ms': self.report.Spread(1, 2, 3)})
        tag = self.report.Row('uwsgi', 'tag', {'cpu ms': self.report.Spread(1.5, 2, 3)})
        self.report.compare([show, tag])
        self.assertEqual(('', '1.50 x show'), (show.note, tag.note))

    def test_names_of_processes_may_hold_anything(self) -> None:
        self.assertEqual(['S', '1', '2'], self.processes.parse_stat('5 (a) b (c) S 1 2'))

    def test_who_listens_is_found(self) -> None:
        with socket.create_server(('127.0.0.1', 0)) as server:
            self.assertIn(os.getpid(), self.processes.serving(server.getsockname()[1]))
            port = server.getsockname()[1]
        self.assertRaises(LookupError, self.processes.serving, port)

    def test_cpu_is_counted(self) -> None:
        before = self.processes.cpu_seconds({os.getpid()})
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        self.assertGreater(self.processes.cpu_seconds({os.getpid()}) - before, 0.05)
