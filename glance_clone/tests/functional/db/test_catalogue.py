# SPDX-License-Identifier: Apache-2.0
"""The catalogue of metadata definitions into and out of every database."""

from __future__ import annotations

import json
import pathlib
import threading
from typing import Any

import sqlalchemy as sa

from glance_clone.db import models
from glance_clone.db.catalogue import document
from glance_clone.db.catalogue import files
from glance_clone.db.catalogue import reading
from glance_clone.db.catalogue.loading import Mode
from glance_clone.db.catalogue.loading import Outcome
from glance_clone.db.catalogue.loading import load
from glance_clone.domain import errors
from glance_clone.tests.functional.db import base

_STOCK = pathlib.Path(__file__).parents[4] / 'etc' / 'metadefs'


def _many(count: int) -> dict[str, Any]:
    """Return a namespace with so many things of each kind."""
    names = [f'n{number}' for number in range(count)]
    return {
        'namespace': 'OS::Many',
        'properties': {name: {'title': name, 'type': 'string'} for name in names},
        'objects': [{'name': name, 'properties': {}} for name in names],
        'tags': [{'name': name} for name in names],
        'resource_type_associations': [{'name': name, 'prefix': 'p'} for name in names],
    }


class _Catalogue:
    def load(self, value: dict[str, Any], mode: Mode = Mode.SKIP) -> Outcome:
        return load(self.database, document.parse(value), mode)

    def catalogue(self) -> dict[str, Any]:
        """Return the catalogue as it would be exported."""
        return {found.name: document.compose(found) for found in reading.read_all(self.database)}

    def count(self, table: sa.Table) -> int:
        with self.database.read() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

    def test_stock_there_and_back(self) -> None:
        if not _STOCK.is_dir():
            self.skipTest('the catalogue is only in the source tree')
        stock = [files.read(file) for file in files.find(str(_STOCK))]
        self.assertEqual({Outcome.ADDED}, {load(self.database, each) for each in stock})
        counts = {table.name: self.count(table) for table in reading._ALL}
        first = self.catalogue()
        self.assertEqual(
            {
                'tags': 0,
                'objects': 23,
                'properties': 134,
                'namespace_resource_types': 61,
                'namespaces': 32,
                'resource_types': 6,
            },
            {name.removeprefix('metadef_'): count for name, count in counts.items()},
        )
        self.assertEqual(counts, dict(reading.remove_all(self.database)))
        self.assertEqual({}, self.catalogue())
        for value in first.values():
            self.load(json.loads(json.dumps(value)))
        self.assertEqual(first, self.catalogue())
        self.assertEqual({Outcome.SKIPPED}, {load(self.database, each) for each in stock})

    def test_merge_leaves_what_is_there(self) -> None:
        self.load({'namespace': 'a', 'description': 'old', 'properties': {'p': {'title': 'old'}}, 'tags': [{'name': 't'}]})
        new = {'namespace': 'a', 'description': 'new', 'properties': {'p': {'title': 'new'}, 'q': {'title': 'new'}}}
        self.assertEqual(Outcome.MERGED, self.load(new, Mode.MERGE))
        found = self.catalogue()['a']
        self.assertEqual('old', found['description'])
        self.assertEqual({'p': {'title': 'old'}, 'q': {'title': 'new'}}, found['properties'])
        self.assertEqual([{'name': 't'}], found['tags'])

    def test_prefer_new_updates_every_kind(self) -> None:
        def value(word: str) -> dict[str, Any]:
            return {
                'namespace': 'a',
                'description': word,
                'visibility': 'public',
                'protected': word == 'old',
                'properties': {'p': {'title': word}},
                'objects': [{'name': 'o', 'description': word, 'required': [word], 'properties': {'x': {'title': word}}}],
                'tags': [{'name': 't'}],
                'resource_type_associations': [{'name': 'r', 'prefix': word, 'properties_target': word}],
            }

        self.load(value('old'))
        self.assertEqual(Outcome.UPDATED, self.load(value('new'), Mode.PREFER_NEW))
        self.assertEqual(value('new'), self.catalogue()['a'])
        for table in (models.metadef.namespaces, models.metadef.properties, models.metadef.namespace_resource_types):
            self.assertIsNotNone(self.rows(table)[0]['updated_at'], table.name)
        self.assertEqual('admin', self.rows(models.metadef.namespaces)[0]['owner'])

    def test_overwrite_replaces(self) -> None:
        self.load(_many(2))
        self.assertEqual(Outcome.REPLACED, self.load(_many(1), Mode.OVERWRITE))
        self.assertEqual(1, self.count(models.metadef.properties))
        self.assertEqual(1, self.count(models.metadef.namespace_resource_types))
        self.assertEqual(2, self.count(models.metadef.resource_types))

    def test_what_loading_sets(self) -> None:
        self.load({'namespace': 'a', 'resource_type_associations': [{'name': 'r'}]})
        row = self.rows(models.metadef.namespaces)[0]
        self.assertEqual(('admin', None, None, None), (row['owner'], row['visibility'], row['protected'], row['updated_at']))
        self.assertTrue(self.rows(models.metadef.resource_types)[0]['protected'])

    def test_all_or_nothing(self) -> None:
        parsed = document.parse({'namespace': 'a', 'properties': {'p': {}}})
        parsed.tags.extend([{'name': 't'}, {'name': 't'}])
        self.assertRaises(errors.Conflict, load, self.database, parsed)
        self.assertEqual({}, self.catalogue())

    def test_statements_do_not_grow_with_what_is_loaded(self) -> None:
        counted = []
        for count in (2, 200):
            with self.statements() as sent:
                self.load(_many(count))
                self.load(_many(count), Mode.PREFER_NEW)
                reading.read_all(self.database)
                reading.remove_all(self.database)
            counted.append(len(sent))
        # Drivers differ in how many rows one statement inserts.
        self.assertTrue(counted[1] <= counted[0] + 10, counted)

    def test_two_loaders_at_once(self) -> None:
        outcomes: list[object] = []

        def run() -> None:
            try:
                outcomes.append(self.load(_many(20)))
            except errors.Conflict as error:
                outcomes.append(type(error))

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertIn(Outcome.ADDED, outcomes)
        self.assertEqual(1, outcomes.count(Outcome.ADDED), outcomes)
        self.assertEqual(20, self.count(models.metadef.properties))


class SQLiteTest(_Catalogue, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Catalogue, base.RepositoryTestCase):
    kind = 'mariadb'

    def test_names_that_the_database_cannot_tell_apart(self) -> None:
        self.load({'namespace': 'OS::A', 'tags': [{'name': 'x'}]})
        error = self.assertRaises(errors.Conflict, self.load, {'namespace': 'os::a'})
        self.assertIn('OS::A', str(error))
        self.assertRaises(errors.Conflict, self.load, {'namespace': 'OS::A', 'tags': [{'name': 'X'}]}, Mode.MERGE)
        self.assertRaises(errors.Conflict, self.load, {'namespace': 'b', 'tags': [{'name': 'x'}, {'name': 'X'}]})
        self.assertEqual(['OS::A'], list(self.catalogue()))


class PostgreSQLTest(_Catalogue, base.RepositoryTestCase):
    kind = 'postgresql'
