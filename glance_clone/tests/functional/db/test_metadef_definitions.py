# SPDX-License-Identifier: Apache-2.0
"""What the repositories of objects, properties, tags and associations promise, on every database."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from typing import Any

from glance_clone.db.models import metadef as tables
from glance_clone.domain import errors
from glance_clone.domain import metadef
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import ListQuery
from glance_clone.domain.metadef import Tag
from glance_clone.tests.functional.db import base
from glance_clone.tests.functional.db.metadefs import TEXT
from glance_clone.tests.functional.db.metadefs import Repositories
from glance_clone.tests.functional.db.metadefs import names

_RACERS = 6


def race(work: Callable[[int], object]) -> list[object]:
    """Do work several times at once; return results and domain errors."""
    outcomes: list[object] = []
    ready = threading.Barrier(_RACERS)

    def run(number: int) -> None:
        ready.wait()
        try:
            outcomes.append(work(number))
        except errors.ImageServiceError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(_RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


class _Definitions(Repositories):
    def _kinds(self) -> list[tuple[Any, Callable[[str], Any], Any]]:
        return [
            (self.objects, lambda name: metadef.Object(name, 'Words', ['x'], {'x': TEXT}), tables.objects),
            (self.properties, lambda name: metadef.Property(name, {**TEXT, 'name': name}), tables.properties),
            (self.tags, Tag, tables.tags),
        ]

    def test_everything_comes_back(self) -> None:
        for repository, make, _ in self._kinds():
            new = make('Größe x')
            repository.add(self.ns, new)
            found = repository.get(self.ns, 'Größe x')
            self.assertEqual((new, new.id), (found, found.id))
            self.assertEqual((new.created_at, new.created_at), (found.created_at, found.updated_at))
        self.assertEqual(['Größe x'], names(self.objects.list(self.ns)))
        self.assertEqual(['Größe x'], names(self.properties.list(self.ns)))

    def test_what_was_not_said_reads_as_nothing(self) -> None:
        self.objects.add(self.ns, metadef.Object('bare'))
        found = self.objects.get(self.ns, 'bare')
        self.assertEqual((None, [], {}), (found.description, found.required, found.properties))

    def test_rows_of_others_are_read(self) -> None:
        now = self.database.now()
        common = {'namespace_id': self.ns.id, 'created_at': now}
        with self.database.write() as connection:
            connection.execute(tables.objects.insert().values(name='o', required='a,b', json_schema='null', **common))
            connection.execute(tables.properties.insert().values(name='p', json_schema='[]', **common))
        found = self.objects.get(self.ns, 'o')
        self.assertEqual((['a', 'b'], {}, None), (found.required, found.properties, found.updated_at))
        self.assertEqual({}, self.properties.get(self.ns, 'p').schema)

    def test_names_are_compared_exactly(self) -> None:
        for repository, make, _ in self._kinds():
            repository.add(self.ns, make('name'))
            for name in ('NAME', 'name ', 'ñame', 'name\0', 'name😀', 'n' * 300):
                self.assertRaises(errors.DefinitionNotFound, repository.get, self.ns, name)

    def test_a_name_is_taken_once_in_a_namespace(self) -> None:
        other = self.new('other')
        for repository, make, _ in self._kinds():
            repository.add(self.ns, make('name'))
            repository.add(other, make('name'))
            error = self.assertRaises(errors.DuplicateName, repository.add, self.ns, make('name'))
            self.assertIn("'name' already", str(error))
            second = make('second')
            repository.add(self.ns, second)
            self.assertRaises(errors.DuplicateName, repository.replace, self.ns, second, make('name'))
            self.assertEqual('second', repository.get(self.ns, 'second').name)

    def test_replacing(self) -> None:
        long_ago = datetime.datetime(2020, 1, 2, 3, 4, 5)
        for repository, make, table in self._kinds():
            repository.add(self.ns, make('old'))
            self.change(table, created_at=long_ago, updated_at=long_ago)
            old, new = repository.get(self.ns, 'old'), make('new')
            repository.replace(self.ns, old, new)
            found = repository.get(self.ns, 'new')
            self.assertEqual((new, old.id, long_ago), (found, found.id, found.created_at))
            self.assertGreater(found.updated_at, long_ago)
            self.assertRaises(errors.DefinitionNotFound, repository.get, self.ns, 'old')
            self.assertRaises(errors.DefinitionNotFound, repository.replace, self.ns, old, make('again'))
            self.assertRaises(errors.DefinitionNotFound, repository.remove, self.ns, old)

    def test_replacing_may_change_the_spelling(self) -> None:
        for repository, make, _ in self._kinds():
            repository.add(self.ns, make('name'))
            repository.replace(self.ns, repository.get(self.ns, 'name'), make('NAME'))
            self.assertEqual('NAME', repository.get(self.ns, 'NAME').name)

    def test_removing(self) -> None:
        other = self.new('other')
        for repository, make, table in self._kinds():
            for name in 'abc':
                repository.add(self.ns, make(name))
            repository.add(other, make('a'))
            first = repository.get(self.ns, 'a')
            repository.remove(self.ns, first)
            self.assertRaises(errors.DefinitionNotFound, repository.remove, self.ns, first)
            self.assertEqual(3, len(self.rows(table)))
            repository.clear(self.ns)
            repository.clear(self.ns)
            self.assertEqual([other.id], [row['namespace_id'] for row in self.rows(table)])

    def test_nothing_is_added_to_what_is_gone(self) -> None:
        gone = self.new('gone')
        self.namespaces.remove(gone)
        # SQLite gives the number of a removed row to the next one.
        self.new('next')
        for repository, make, table in self._kinds():
            self.assertRaises(errors.NamespaceNotFound, repository.add, gone, make('name'))
            self.assertRaises(errors.NamespaceNotFound, repository.clear, gone)
            self.assertEqual([], self.rows(table))
        self.assertRaises(errors.NamespaceNotFound, self.tags.add_all, gone, [Tag('t')], append=True)
        self.assertRaises(errors.NamespaceNotFound, self.resource_types.associate, gone, Association('T'))
        self.assertEqual([], self.resource_types.list())

    def test_one_winner_among_equal_names(self) -> None:
        for repository, make, table in self._kinds():
            outcomes = race(lambda _, repository=repository, make=make: repository.add(self.ns, make('name')))
            self.assertEqual(1, outcomes.count(None), outcomes)
            self.assertEqual(_RACERS - 1, sum(isinstance(outcome, errors.DuplicateName) for outcome in outcomes), outcomes)
            self.assertEqual(1, len(self.rows(table)))

    def test_adding_while_the_namespace_is_removed(self) -> None:
        self.full('full')
        full = self.namespaces.get('full', self.me)

        def act(number: int) -> None:
            if number == 0:
                self.namespaces.remove(full)
            else:
                self.tags.add(full, Tag(f'new{number}'))

        for outcome in race(act):
            self.assertIsInstance(outcome, type(None) | errors.NamespaceNotFound)
        self.assertEqual([], self.rows(tables.tags))
        self.assertEqual(['ns'], [row['namespace'] for row in self.rows(tables.namespaces)])

    def test_statements_of_a_list_do_not_grow(self) -> None:
        counts = set()
        for count in (1, 1000):
            namespace = self.full(f'full{count}', count)
            with self.statements() as sent:
                self.assertEqual(count, len(self.properties.list(namespace)))
                self.assertEqual(count, len(self.objects.list(namespace)))
                self.assertEqual(count, len(self.tags.list(namespace, ListQuery())))
                self.assertEqual(count, len(self.resource_types.associations(namespace)))
            counts.add(len(sent))
        self.assertEqual({4}, counts)


class _Tags(Repositories):
    def _names(self, **query: Any) -> list[str]:
        return names(self.tags.list(self.ns, ListQuery(**query)))

    def _set(self, *tags: str, append: bool = False) -> None:
        self.tags.add_all(self.ns, [Tag(name) for name in tags], append)

    def test_setting_replaces_and_appending_adds(self) -> None:
        self._set('a', 'b')
        self._set('c', append=True)
        self.assertEqual(['a', 'b', 'c'], sorted(self._names()))
        self._set('c', 'd')
        self.assertEqual(['c', 'd'], sorted(self._names()))
        self._set()
        self._set(append=True)
        self.assertEqual(['c', 'd'], sorted(self._names()))

    def test_all_or_none(self) -> None:
        self._set('a', 'b')
        error = self.assertRaises(errors.Conflict, self._set, 'c', 'a', append=True)
        self.assertIn("'a' already", str(error))
        self.assertRaises(errors.Conflict, self._set, 'x', 'x')
        self.assertRaises(errors.Conflict, self._set, 'x', 'x', append=True)
        self.assertEqual(['a', 'b'], sorted(self._names()))

    def test_the_last_of_many_that_set_at_once_wins_whole(self) -> None:
        race(lambda number: self._set(*(f'{number}-{part}' for part in range(5))))
        found = self._names()
        self.assertEqual(5, len(found))
        self.assertEqual(1, len({name[0] for name in found}))

    def test_pages_in_every_order(self) -> None:
        self.assertRaises(errors.DefinitionNotFound, self._names, marker='absent')
        for name in 'cab':
            self.tags.add(self.ns, Tag(name))
        for key in metadef.TAG_SORT_KEYS:
            for direction in ('asc', 'desc'):
                query = {'sort_key': key, 'sort_dir': direction}
                whole, paged = self._names(**query), []
                while page := self._names(**query, limit=1, marker=paged[-1] if paged else None):
                    paged += page
                self.assertEqual(whole, paged, query)
        self.assertEqual(['b', 'a', 'c'], self._names())
        self.assertEqual(['a', 'b', 'c'], self._names(sort_key='name', sort_dir='asc'))
        self.assertEqual([], self._names(limit=0))


class _Associations(Repositories):
    def _associate(self, name: str, **values: Any) -> Association:
        new = Association(name, **values)
        self.resource_types.associate(self.ns, new)
        return new

    def test_associations_come_back(self) -> None:
        new = self._associate('OS::X', prefix='p_', properties_target='image')
        self.assertEqual(new, self.resource_types.association(self.ns, 'OS::X'))
        self.assertEqual([new], self.resource_types.associations(self.ns))
        [found] = self.resource_types.list()
        self.assertEqual(('OS::X', False, new.created_at), (found.name, found.protected, found.created_at))

    def test_types_are_shared_and_stay(self) -> None:
        first = self._associate('T')
        other = self.new('other', associations=[Association('T'), Association('U')])
        self.assertEqual(['T', 'U'], names(self.resource_types.list()))
        self.resource_types.dissociate(self.ns, first)
        self.assertRaises(errors.DefinitionNotFound, self.resource_types.dissociate, self.ns, first)
        self.assertEqual([], self.resource_types.associations(self.ns))
        self.assertEqual(['T', 'U'], names(self.resource_types.associations(other)))
        self.assertEqual(['T', 'U'], names(self.resource_types.list()))

    def test_once_only_and_by_the_exact_name(self) -> None:
        self._associate('T')
        self.assertRaises(errors.DuplicateName, self._associate, 'T')
        for name in ('t', 'T ', 'T\0', '😀', 'T' * 100):
            self.assertRaises(errors.DefinitionNotFound, self.resource_types.association, self.ns, name)

    def test_a_new_type_is_made_once_by_many(self) -> None:
        namespaces = [self.new(f'n{number}') for number in range(_RACERS)]

        def associate(number: int) -> None:
            self.resource_types.associate(namespaces[number], Association('T'))

        self.assertEqual([None] * _RACERS, race(associate))
        self.assertEqual(['T'], names(self.resource_types.list()))

    def test_a_new_type_is_made_once_by_new_namespaces(self) -> None:
        outcomes = race(lambda number: self.new(f'n{number}', associations=[Association('T')]).name)
        self.assertEqual({f'n{number}' for number in range(_RACERS)}, set(outcomes))
        self.assertEqual(['T'], names(self.resource_types.list()))


class _All(_Definitions, _Tags, _Associations):
    """What the classes below test on their databases."""


class SQLiteTest(_All, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_All, base.RepositoryTestCase):
    kind = 'mariadb'

    def test_spellings_that_the_database_confuses(self) -> None:
        for repository, make, _ in self._kinds():
            repository.add(self.ns, make('name'))
            error = self.assertRaises(errors.DuplicateName, repository.add, self.ns, make('Name'))
            self.assertIn("'name' already", str(error))
            self.assertIn("cannot tell 'Name' from it", str(error))
        error = self.assertRaises(errors.Conflict, self._set, 'x', 'X')
        self.assertIn("'X', 'x'", str(error))
        error = self.assertRaises(errors.Conflict, self._set, 'NAME', append=True)
        self.assertIn("'NAME', 'name'", str(error))
        self._associate('T')
        error = self.assertRaises(errors.DuplicateName, self._associate, 't')
        self.assertIn("cannot tell 't' from it", str(error))
        self.new('other', associations=[Association('U')])
        error = self.assertRaises(errors.DuplicateName, self._associate, 'u')
        self.assertIn("resource type 'U' already", str(error))


class PostgreSQLTest(_All, base.RepositoryTestCase):
    kind = 'postgresql'
