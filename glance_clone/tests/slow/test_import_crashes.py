# SPDX-License-Identifier: Apache-2.0
"""Workers that die at every named place of staging and importing, on every database and under both servers."""

from __future__ import annotations

from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import import_crashes


class _Sweep:
    def test_sweep(self) -> None:
        for work, point in import_crashes.SWEEP:
            with self.subTest(work=work, point=point):
                self.run_case(work, point)


class UwsgiTest(_Sweep, import_crashes.CrashTestCase):
    """Workers of uWSGI on SQLite."""


class MariaDBTest(_Sweep, import_crashes.CrashTestCase):
    """Workers of uWSGI on MariaDB."""

    database = 'mariadb'


class PostgreSQLTest(_Sweep, import_crashes.CrashTestCase):
    """Workers of uWSGI on PostgreSQL."""

    database = 'postgresql'


class StandaloneTest(_Sweep, import_crashes.CrashTestCase):
    """Workers of the standalone server on SQLite."""

    launcher = service.STANDALONE
