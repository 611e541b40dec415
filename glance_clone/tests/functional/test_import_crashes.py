# SPDX-License-Identifier: Apache-2.0
"""A few places at which workers die; the whole sweep is among the slow tests."""

from __future__ import annotations

from glance_clone.tests.functional import import_crashes

_SEED = 20


class CrashTest(import_crashes.CrashTestCase):
    """Workers of uWSGI."""

    def test_staging_interrupted(self) -> None:
        self.run_case('stage', 'stage-written')

    def test_import_interrupted(self) -> None:
        self.run_case('direct', 'store-written')

    def test_task_interrupted(self) -> None:
        self.run_case('legacy', 'bytes-moved')

    def test_some_others(self) -> None:
        for work, point in import_crashes.chosen(_SEED, 3):
            with self.subTest(work=work, point=point):
                self.run_case(work, point)
