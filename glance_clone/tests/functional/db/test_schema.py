# SPDX-License-Identifier: Apache-2.0
"""The schema that a fresh sync makes is the one that the facts describe, column by column and index by index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from glance_clone.db.migrations import steps
from glance_clone.tests import facts
from glance_clone.tests.fixtures import database
from glance_clone.tests.functional.db import base

#: Types of the facts (as SQLite has them) and what PostgreSQL calls them.
_ON_POSTGRESQL = {'DATETIME': 'TIMESTAMP', 'INTEGER': 'INTEGER', 'TEXT': 'TEXT', 'BOOLEAN': 'BOOLEAN', 'BIGINT': 'BIGINT'}
_BIG_ON_POSTGRESQL = {('images', 'size'), ('images', 'virtual_size')}


class _Schema(base.DatabaseTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.facts = facts.load('db-schema.json')
        steps.sync(self.database)
        self.inspector = sa.inspect(self.database.engine)

    def _own_tables_aside(self) -> list[str]:
        return sorted(name for name in self.inspector.get_table_names() if not name.startswith('glance_clone_'))

    def _compare(self, expected: dict[str, Any]) -> None:
        self.assertEqual(sorted(expected), self._own_tables_aside())
        for table, wanted in expected.items():
            found = self._reflect(table)
            for aspect, value in wanted.items():
                with self.subTest(table=table, aspect=aspect):
                    self.assertEqual(value, found[aspect])

    def _reflect(self, table: str) -> dict[str, Any]:
        inspector = self.inspector
        key = inspector.get_pk_constraint(table)
        return {
            'columns': [
                {
                    'name': column['name'],
                    'type': self._type_name(column['type']),
                    'nullable': column['nullable'],
                    'default': column['default'],
                    'autoincrement': column.get('autoincrement') if self.kind == 'mariadb' else None,
                }
                for column in inspector.get_columns(table)
            ],
            'primary_key': {'name': key['name'], 'columns': key['constrained_columns']},
            'foreign_keys': _sorted(
                {
                    'name': key['name'],
                    'columns': key['constrained_columns'],
                    'referred_table': key['referred_table'],
                    'referred_columns': key['referred_columns'],
                    'options': key['options'],
                }
                for key in inspector.get_foreign_keys(table)
            ),
            'unique_constraints': _sorted(
                {'name': unique['name'], 'columns': unique['column_names']}
                for unique in inspector.get_unique_constraints(table)
            ),
            'indexes': _sorted(
                {'name': index['name'], 'columns': index['column_names'], 'unique': bool(index['unique'])}
                for index in inspector.get_indexes(table)
                if not index['name'].startswith('glance_clone_')
            ),
            'check_constraints': _sorted(
                {'name': check['name'], 'sqltext': check['sqltext']} for check in inspector.get_check_constraints(table)
            ),
            'options': dict(inspector.get_table_options(table)),
        }

    def _type_name(self, kind: sa.types.TypeEngine[Any]) -> str:
        return kind.compile(self.database.engine.dialect).partition(' COLLATE ')[0]


def _sorted(entries: Any) -> list[dict[str, Any]]:
    return sorted(entries, key=str)


class SQLiteSchemaTest(_Schema):
    kind = 'sqlite'

    def test_every_detail(self) -> None:
        self._compare({table: _comparable(wanted) for table, wanted in self.facts['sqlite'].items()})


class MariaDBSchemaTest(_Schema):
    kind = 'mariadb'

    def test_every_detail(self) -> None:
        self._compare({table: _comparable(wanted) for table, wanted in self.facts['mariadb'].items()})


def _comparable(wanted: dict[str, Any]) -> dict[str, Any]:
    lists = ('foreign_keys', 'unique_constraints', 'indexes', 'check_constraints')
    return {
        name: _sorted(value) if name in lists else value for name, value in wanted.items() if name != 'autoincrement_keyword'
    }


class PostgreSQLSchemaTest(_Schema):
    """The facts have no PostgreSQL; names, order, nullability and keys are those of SQLite, types what these become."""

    kind = 'postgresql'

    def test_columns(self) -> None:
        self.assertEqual(sorted(self.facts['sqlite']), self._own_tables_aside())
        for table, wanted in self.facts['sqlite'].items():
            with self.subTest(table=table):
                expected = [(column['name'], self._type(table, column), column['nullable']) for column in wanted['columns']]
                found = [(c['name'], str(c['type']), c['nullable']) for c in self.inspector.get_columns(table)]
                self.assertEqual(expected, found)

    def test_indexes_and_unique_constraints(self) -> None:
        for table, wanted in self.facts['sqlite'].items():
            with self.subTest(table=table):
                found = self._reflect(table)
                uniques = {unique['name'] for unique in found['unique_constraints']}
                self.assertEqual(_sorted(wanted['unique_constraints']), found['unique_constraints'])
                plain = [index for index in found['indexes'] if index['name'] not in uniques]
                self.assertEqual(_sorted(wanted['indexes']), plain)
                self.assertEqual(wanted['primary_key']['columns'], found['primary_key']['columns'])

    def _type(self, table: str, column: dict[str, Any]) -> str:
        if (table, column['name']) in _BIG_ON_POSTGRESQL or self._is_big_on_mariadb(table, column['name']):
            return 'BIGINT'
        return _ON_POSTGRESQL.get(column['type'], column['type'])

    def _is_big_on_mariadb(self, table: str, name: str) -> bool:
        columns = self.facts['mariadb'][table]['columns']
        return any(column['name'] == name and column['type'].startswith('BIGINT') for column in columns)


class WideCharsetTest(_Schema):
    """Tables have three-byte UTF-8 also where the database was made with four."""

    kind = 'mariadb'

    def _make(self) -> str:
        return self.useFixture(database.MariaDB(charset='utf8mb4')).url

    def test_charset(self) -> None:
        for table in self.facts['mariadb']:
            if table != 'alembic_version':
                self.assertEqual('utf8mb3', self.inspector.get_table_options(table)['mysql_default charset'], table)
