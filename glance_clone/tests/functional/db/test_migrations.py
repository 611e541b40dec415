# SPDX-License-Identifier: Apache-2.0
"""Schemas that are made, taken over, and made after a kill, on every database."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from typing import Any

import sqlalchemy as sa

from glance_clone.db import models
from glance_clone.db.engine import Database
from glance_clone.db.migrations import lineage
from glance_clone.db.migrations import steps
from glance_clone.db.migrations.lineage import SchemaError
from glance_clone.db.repos.images import ImageRepository
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.tests import facts
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional.db import base

_EXPANDED, _CONTRACTED = '2024_1_expand01', '2024_1_contract01'
_OURS = 'glance_clone_'

#: Does one step on a database, and dies before it has sent a given number of statements that change something.
_DOOMED = """
import os, signal, sys
import sqlalchemy as sa
from glance_clone.db.engine import Database
from glance_clone.db.migrations import steps
from glance_clone.tests.functional.db import base

url, step, left = sys.argv[1], sys.argv[2], int(sys.argv[3])

@sa.event.listens_for(sa.Engine, 'before_cursor_execute')
def count(connection, cursor, statement, *more):
    global left
    if statement.lstrip().upper().startswith(('CREATE', 'INSERT', 'UPDATE', 'DELETE')):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

getattr(steps, step)(Database(base.configured(url)))
"""


class _Migrations:
    def recorded(self) -> list[str]:
        """Return the contents of the version table."""
        return steps.version(self.database)

    def record(self, *revisions: str) -> None:
        """Write the version table, as other software may have left it."""
        table = lineage.Lineage.FROZEN.record
        with self.database.write() as connection:
            table.create(connection, checkfirst=True)
            connection.execute(sa.delete(table))
            connection.execute(sa.insert(table), [{'version_num': revision} for revision in revisions])

    def schema(self, database: Database | None = None) -> dict[str, Any]:
        """Return the tables with their columns and their indexes, those of our own apart."""
        inspector = sa.inspect((database or self.database).engine)
        return {
            table: (
                [str(column) for column in inspector.get_columns(table)],
                sorted(name for index in inspector.get_indexes(table) if not (name := str(index['name'])).startswith(_OURS)),
            )
            for table in inspector.get_table_names()
        }

    def contents(self) -> dict[str, list[Any]]:
        """Return all rows of the shared tables."""
        tables = [*models.metadata.sorted_tables, lineage.Lineage.FROZEN.record]
        with self.database.read() as connection:
            return {table.name: [tuple(row) for row in connection.execute(sa.select(table))] for table in tables}

    def test_sync(self) -> None:
        self.assertEqual([], self.recorded())
        self.assertTrue(steps.sync(self.database))
        self.assertEqual([_CONTRACTED], self.recorded())
        self.assertFalse(steps.sync(self.database))
        self.assertIn('glance_clone_leases', self.schema())

    def test_upgrade(self) -> None:
        self.assertRaises(SchemaError, steps.upgrade, self.database, 'nope')
        self.assertRaises(SchemaError, steps.upgrade, self.database, 'rocky_expand01')
        self.assertEqual([], self.recorded())
        self.assertEqual([_EXPANDED], steps.upgrade(self.database, _EXPANDED))
        for revision in ('heads', 'head', _EXPANDED, 'liberty'):
            self.assertEqual([_CONTRACTED], steps.upgrade(self.database, revision))
        self.assertRaises(SchemaError, steps.upgrade, self.database, 'nope')

    def test_version_control(self) -> None:
        for revision, wanted in (('liberty', 'liberty'), ('heads', _CONTRACTED), (_EXPANDED, _EXPANDED)):
            steps.version_control(self.database, revision)
            self.assertEqual([wanted], self.recorded())
        self.assertRaises(SchemaError, steps.version_control, self.database, 'nope')
        self.assertEqual(['alembic_version'], list(self.schema()))

    def test_a_database_in_use_is_taken_over_as_it_is(self) -> None:
        models.metadata.create_all(self.database.engine)
        self.record(_CONTRACTED)
        images = ImageRepository(self.database, base.TTL)
        for number in range(3):
            location = Location(f'file:///{number}', {'store': 'a'})
            image = Image(f'{number}', owner='p', tags={'t'}, properties={'a': 'b'}, locations=[location])
            images.add(image, id_is_new=True)
        images.remove(images.get('1', base.ADMIN))
        rows, tables = self.contents(), self.schema()
        with self.statements() as sent:
            self.assertTrue(steps.sync(self.database))
            self.assertFalse(steps.sync(self.database))
        self.assertEqual(rows, self.contents())
        shared = {name: table for name, table in self.schema().items() if not name.startswith('glance_clone_')}
        self.assertEqual(tables, shared)
        changes = [s for s in sent if s.lstrip().upper().startswith(('CREATE', 'ALTER', 'INSERT', 'UPDATE', 'DELETE', 'DROP'))]
        # What SQLite knows of the tables is its own.
        ours = re.compile('glance_clone_|sqlite_stat1')
        self.assertEqual([], [statement for statement in changes if not ours.search(statement)])
        self.assertEqual('b', images.get('0', base.ADMIN).properties['a'])

    def test_leases_of_an_older_release_learn_to_reserve(self) -> None:
        steps.sync(self.database)
        whole = self.schema()
        with self.database.write() as connection:
            for name in ('project', 'stored_bytes', 'staged_bytes'):
                connection.execute(sa.text(f'ALTER TABLE glance_clone_leases DROP COLUMN {name}'))
            for name in ('quota_locks', 'tombstones'):
                connection.execute(sa.text(f'DROP TABLE glance_clone_{name}'))
            connection.execute(sa.text("UPDATE glance_clone_version SET version_num = '0001'"))
        self.assertTrue(steps.sync(self.database))
        self.assertEqual(whole, self.schema())

    def test_older_and_newer_databases_are_refused(self) -> None:
        known = {revision['revision'] for revision in facts.load('db-schema.json')['alembic']['revisions']}
        self.assertEqual(known - {_EXPANDED, _CONTRACTED}, lineage.OLDER)
        for revisions in ([revision] for revision in sorted(known - {_EXPANDED, _CONTRACTED})):
            self._assert_refused(revisions, '2024.1 or newer')
        self._assert_refused([_EXPANDED, 'ocata_contract01'], '2024.1 or newer')
        self._assert_refused(['2023_1_expand01', '2023_1_contract01'], '2024.1 or newer')
        self._assert_refused(['2031_1_contract01'], 'does not know')

    def _assert_refused(self, revisions: list[str], text: str) -> None:
        self.record(*revisions)
        before = self.schema()
        error = self.assertRaises(SchemaError, steps.sync, self.database)
        self.assertIn(text, str(error))
        self.assertEqual((before, sorted(revisions)), (self.schema(), self.recorded()))

    def test_two_programs_at_once(self) -> None:
        databases = [self.connect(patient=True) for _ in range(3)]
        failures: list[Exception] = []

        def sync(database: Database) -> None:
            try:
                steps.sync(database)
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=sync, args=(database,)) for database in databases]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(([], [_CONTRACTED]), (failures, self.recorded()))

    def test_killed_and_run_again(self) -> None:
        whole = self._make_elsewhere()
        kills, left = 0, 0
        while self._is_killed('sync', left):
            kills += 1
            # Early ones make the version table and the first tables, later ones are many of the same kind.
            left += 1 if left < 4 else 13
        self.assertGreater(kills, 4)
        self.assertEqual((whole, [_CONTRACTED]), (self.schema(), self.recorded()))
        self.assertFalse(steps.sync(self.database))

    def _make_elsewhere(self) -> dict[str, Any]:
        database = Database(base.configured(self._make()))
        self.addCleanup(database.dispose)
        steps.sync(database)
        return self.schema(database)

    def _is_killed(self, step: str, left: int) -> bool:
        command = [sys.executable, '-c', _DOOMED, self.url, step, str(left)]
        done = subprocess.run(command, env=service.environment(), capture_output=True, check=False)
        self.assertIn(done.returncode, (0, -9), done.stderr.decode())
        return done.returncode == -9


class _Rolling:
    """The three steps of an upgrade without interruption."""

    def test_from_nothing(self) -> None:
        self.assertEqual(3, steps.check(self.database))
        for early in (steps.migrate, steps.contract):
            self.assertRaises(SchemaError, early, self.database)
        self.assertTrue(steps.expand(self.database))
        self.assertEqual([_EXPANDED], self.recorded())
        self.assertFalse(steps.expand(self.database))
        self.assertEqual(0, steps.migrate(self.database))
        self.assertEqual(5, steps.check(self.database))
        self.assertTrue(steps.contract(self.database))
        self.assertEqual([_CONTRACTED], self.recorded())
        self.assertFalse(steps.contract(self.database))
        self.assertFalse(steps.expand(self.database))
        self.assertEqual(0, steps.check(self.database))

    def test_a_database_in_use(self) -> None:
        models.metadata.create_all(self.database.engine)
        self.record(_CONTRACTED)
        self.assertEqual(3, steps.check(self.database), 'our own tables are missing')
        self.assertTrue(steps.expand(self.database))
        self.assertEqual([_CONTRACTED], self.recorded())
        self.assertEqual(0, steps.check(self.database))

    def test_a_half_upgraded_database(self) -> None:
        for finish, before in ((steps.contract, 'zed_contract01'), (steps.sync, '2023_1_contract01')):
            models.metadata.create_all(self.database.engine)
            self.record(_EXPANDED, before)
            steps.expand(self.database)
            self.assertEqual(sorted([_EXPANDED, before]), self.recorded())
            self.assertEqual(5, steps.check(self.database))
            self.assertTrue(finish(self.database))
            self.assertEqual([_CONTRACTED], self.recorded())

    def test_each_step_killed_and_run_again(self) -> None:
        for step in ('expand', 'contract'):
            kills, left = 0, 0
            while self._is_killed(step, left):
                kills += 1
                left += 1 if left < 2 else 37
            self.assertGreater(kills, 0)
        self.assertEqual(0, steps.check(self.database))
        self.assertEqual(self._make_elsewhere(), self.schema())


class SQLiteMigrationsTest(_Migrations, _Rolling, base.DatabaseTestCase):
    kind = 'sqlite'


class MariaDBMigrationsTest(_Migrations, _Rolling, base.DatabaseTestCase):
    kind = 'mariadb'


class PostgreSQLMigrationsTest(_Migrations, base.DatabaseTestCase):
    kind = 'postgresql'

    def test_no_rolling_upgrade(self) -> None:
        for step in (steps.check, steps.expand, steps.migrate, steps.contract):
            self.assertIn('glance-manage db sync', str(self.assertRaises(SchemaError, step, self.database)))
