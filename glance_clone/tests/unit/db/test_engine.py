# SPDX-License-Identifier: Apache-2.0
"""Connections, transactions, and attempts."""

from __future__ import annotations

import os
import threading

import fixtures
import sqlalchemy as sa
from oslo_db import exception as db_exc
from sqlalchemy import exc as sa_exc

from glance_clone.db import engine
from glance_clone.domain import errors
from glance_clone.domain import patience
from glance_clone.tests import base
from glance_clone.tests.fixtures import database as databases
from glance_clone.tests.functional.db.base import configured


class URLTest(base.TestCase):
    def test_drivers(self) -> None:
        for given, wanted in (
            ('mysql://u@h/d', 'mysql+pymysql'),
            ('mariadb+pymysql://u@h/d', 'mysql+pymysql'),
            ('postgresql://u@h/d', 'postgresql+psycopg'),
            ('postgresql+psycopg2://u@h/d', 'postgresql+psycopg2'),
            ('sqlite:////x?timeout=30', 'sqlite'),
        ):
            self.assertEqual(wanted, engine.Database(configured(given))._url.drivername)

    def test_what_is_wrong_is_said_without_the_password(self) -> None:
        for given in (None, '', 'x', 'oracle://u:secret@h/d', 'nosuch+driver://u:secret@h/d', 'mysql+nosuch://u:secret@h/d'):
            error = self.assertRaises(ValueError, engine.Database, configured(given))
            self.assertIn('[database] connection', str(error))
            self.assertNotIn('secret', str(error))


class SQLiteTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = self.useFixture(databases.SQLite()).url
        self.database = engine.Database(configured(self.url))
        self.addCleanup(self.database.dispose)
        with self.database.write() as connection:
            connection.execute(sa.text('CREATE TABLE t (n INTEGER PRIMARY KEY)'))

    def value(self, statement: str) -> object:
        """Return the one value that a statement finds."""
        with self.database.read() as connection:
            return connection.execute(sa.text(statement)).scalar()

    def test_settings(self) -> None:
        self.assertEqual('wal', self.value('PRAGMA journal_mode'))
        self.assertEqual(1, self.value('PRAGMA foreign_keys'))
        self.assertEqual(2, self.value('PRAGMA synchronous'))
        self.assertEqual(5000, self.value('PRAGMA busy_timeout'))
        self.database = engine.Database(configured(f'{self.url}?timeout=7'))
        self.addCleanup(self.database.dispose)
        self.assertEqual(7000, self.value('PRAGMA busy_timeout'))

    def test_writers_queue_and_readers_go_on(self) -> None:
        def write(number: int) -> None:
            with self.database.write() as connection:
                before = connection.execute(sa.text('SELECT count(*) FROM t')).scalar_one()
                connection.execute(sa.text('INSERT INTO t VALUES (:n)'), {'n': before})

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        with self.database.write() as connection:
            for thread in threads:
                thread.start()
            connection.execute(sa.text('INSERT INTO t VALUES (0)'))
            self.assertEqual(0, self.value('SELECT count(*) FROM t'))
        for thread in threads:
            thread.join()
        self.assertEqual(9, self.value('SELECT count(*) FROM t'))

    def test_an_exception_rolls_back(self) -> None:
        def fail() -> None:
            with self.database.write() as connection:
                connection.execute(sa.text('INSERT INTO t VALUES (1)'))
                raise KeyError

        self.assertRaises(KeyError, fail)
        self.assertEqual(0, self.value('SELECT count(*) FROM t'))

    def test_a_forked_process_has_connections_of_its_own(self) -> None:
        mine = self.database.engine
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                found = self.database.engine is not mine and self.value('SELECT count(*) FROM t') == 0
                os.write(writing, b'y' if found else b'n')
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        self.assertEqual(b'y', os.read(reading, 1))
        self.assertIs(mine, self.database.engine)
        self.assertEqual(0, self.value('SELECT count(*) FROM t'))

    def test_values_are_not_in_errors(self) -> None:
        def fail() -> None:
            with self.database.write() as connection:
                connection.execute(sa.text('INSERT INTO nosuch VALUES (:secret)'), {'secret': 'canary'})

        self.assertNotIn('canary', str(self.assertRaises(db_exc.DBError, fail)))


class AttemptsTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 0.0
        self.useFixture(fixtures.MonkeyPatch('time.monotonic', lambda: self.now))
        self.useFixture(fixtures.MonkeyPatch('time.sleep', self.wait))
        self.seen: list[bool] = []

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def failing(self, *failures: Exception, takes: float = 0.0) -> object:
        """Return work that fails so before it succeeds."""
        left = list(failures)

        @engine.retried
        def work(again: bool = False) -> str:
            self.seen.append(again)
            self.wait(takes)
            if left:
                raise left.pop(0)
            return 'done'

        return work

    def test_passing_failures(self) -> None:
        locked = sa_exc.OperationalError('SELECT', {}, Exception('database is locked'))
        work = self.failing(db_exc.DBDeadlock(), db_exc.DBConnectionError(), locked, sa_exc.TimeoutError())
        self.assertEqual('done', work())
        self.assertEqual([False, False, True, True, True], self.seen)
        self.assertLess(self.now, 1)

    def test_lasting_failures(self) -> None:
        for failure in (db_exc.DBDuplicateEntry(), db_exc.DBError(), errors.StateChanged('x'), KeyError('x')):
            self.seen.clear()
            self.assertRaises(type(failure), self.failing(failure))
            self.assertEqual([False], self.seen)

    def test_values_that_no_column_can_have(self) -> None:
        refused = sa_exc.DataError('SELECT', {}, Exception('a text cannot contain NUL'))
        for failure in (db_exc.DBDataError(), db_exc.DBError(refused)):
            self.seen.clear()
            self.assertRaises(errors.Invalid, self.failing(failure))
            self.assertEqual([False], self.seen)

    def test_time_is_bounded(self) -> None:
        self.assertRaises(errors.DatabaseUnavailable, self.failing(*[db_exc.DBDeadlock()] * 1000))
        self.assertTrue(4 < self.now <= engine.RETRY_TIME, self.now)
        self.now = 0.0
        self.assertRaises(errors.DatabaseUnavailable, self.failing(*[db_exc.DBDeadlock()] * 1000, takes=2.0))
        self.assertLessEqual(self.now, engine.RETRY_TIME)

    def test_patient_callers_wait_longer(self) -> None:
        with patience.patient(20):
            self.assertRaises(errors.DatabaseUnavailable, self.failing(*[db_exc.DBConnectionError()] * 1000))
        self.assertTrue(18 < self.now <= 20, self.now)
        self.now = 0.0
        self.assertRaises(errors.DatabaseUnavailable, self.failing(*[db_exc.DBConnectionError()] * 1000))
        self.assertLessEqual(self.now, engine.RETRY_TIME)

    def test_the_reason_is_one_line_of_the_driver(self) -> None:
        origin = Exception('lost\nDETAIL: value')
        error = db_exc.DBConnectionError(sa_exc.OperationalError('SELECT secret', {'p': 'secret'}, origin))
        self.assertEqual('Exception: lost', engine.reason(error))
