# SPDX-License-Identifier: Apache-2.0
"""What the repository of namespaces promises, on every database."""

from __future__ import annotations

from glance_clone.db.models import metadef as tables
from glance_clone.domain import errors
from glance_clone.domain import metadef
from glance_clone.domain.caller import Caller
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import NamespaceQuery
from glance_clone.tests.functional.db import base
from glance_clone.tests.functional.db.metadefs import TEXT
from glance_clone.tests.functional.db.metadefs import Repositories
from glance_clone.tests.functional.db.metadefs import names

_CHILDREN = (tables.tags, tables.objects, tables.properties, tables.namespace_resource_types)


class _Namespaces(Repositories):
    def test_everything_comes_back(self) -> None:
        added = self.full('Größe::x y', display_name='D', description='W', visibility='public', protected=True)
        self.assertEqual(added, self.namespaces.whole('Größe::x y', self.other))
        bare = self.namespaces.get('Größe::x y', self.me)
        self.assertEqual([], [*bare.associations, *bare.properties, *bare.objects, *bare.tags])
        self.assertEqual((added.id, added.created_at, added.created_at), (bare.id, bare.created_at, bare.updated_at))

    def test_who_sees_a_namespace(self) -> None:
        self.new('public', visibility='public', owner='project-x')
        self.new('unsaid', visibility=None, owner='project-x')
        for caller, seen in (
            (base.ADMIN, {'ns', 'public', 'unsaid'}),
            (self.me, {'ns', 'public'}),
            (self.other, {'public'}),
            (Caller(None), {'public'}),
        ):
            self.assertEqual(seen, set(names(self.namespaces.list(NamespaceQuery(), caller))))
            for name in ('ns', 'public', 'unsaid', 'absent'):
                if name in seen:
                    self.assertEqual(name, self.namespaces.get(name, caller).name)
                else:
                    self.assertRaises(errors.NamespaceNotFound, self.namespaces.get, name, caller)
                    self.assertRaises(errors.NamespaceNotFound, self.namespaces.whole, name, caller)

    def test_names_are_compared_exactly(self) -> None:
        for name in ('NS', 'ns ', 'nś', 'ns\0', 'ns😀', 'n' * 500):
            self.assertRaises(errors.NamespaceNotFound, self.namespaces.get, name, base.ADMIN)
            query = NamespaceQuery(marker=name)
            self.assertRaises(errors.NamespaceNotFound, self.namespaces.list, query, base.ADMIN)

    def test_a_name_is_taken_once(self) -> None:
        error = self.assertRaises(errors.DuplicateName, self.new, 'ns')
        self.assertIn("'ns' already", str(error))
        other = self.new('other')
        self.assertRaises(errors.DuplicateName, self.namespaces.replace, other, Namespace('ns', 'me'))
        self.assertEqual('other', self.namespaces.get('other', self.me).name)

    def test_a_clash_is_named_and_nothing_stays(self) -> None:
        kept = {table: self.rows(table) for table in (tables.namespaces, tables.resource_types, *_CHILDREN)}
        tags = [metadef.Tag('a'), metadef.Tag('b'), metadef.Tag('a')]
        error = self.assertRaises(errors.Conflict, self.new, 'n', tags=tags, associations=[Association('T')])
        self.assertIn("'a'", str(error))
        for values in (
            {'associations': [Association('T'), Association('T')]},
            {'objects': [metadef.Object('o'), metadef.Object('o')]},
            {'properties': [metadef.Property('p', TEXT), metadef.Property('p', TEXT)]},
        ):
            self.assertRaises(errors.Conflict, self.new, 'n', **values)
        for table, rows in kept.items():
            self.assertEqual(rows, self.rows(table))

    def test_too_long_definitions_are_refused_and_nothing_stays(self) -> None:
        for values in (
            {'objects': [metadef.Object('o', 'ü' * 40_000)]},
            {'objects': [metadef.Object('o', required=['x' * 70_000])]},
            {'objects': [metadef.Object('o', properties={'p': {**TEXT, 'title': 'x' * 70_000}})]},
            {'properties': [metadef.Property('p', {**TEXT, 'title': 'x' * 70_000})]},
        ):
            self.assertRaises(errors.Invalid, self.new, 'n', tags=[metadef.Tag('t')], **values)
        self.assertRaises(errors.NamespaceNotFound, self.namespaces.get, 'n', base.ADMIN)
        self.assertEqual([], self.rows(tables.tags))

    def test_replacing_keeps_what_is_in_it(self) -> None:
        old = self.full('old', protected=True)
        new = Namespace('new', 'project-b', visibility='public', description='W')
        self.namespaces.replace(old, new)
        self.assertRaises(errors.NamespaceNotFound, self.namespaces.get, 'old', base.ADMIN)
        found = self.namespaces.whole('new', self.me)
        self.assertEqual(
            ('project-b', 'public', 'W', None, False),
            (found.owner, found.visibility, found.description, found.display_name, found.protected),
        )
        self.assertEqual((old.id, old.created_at, new.updated_at), (found.id, found.created_at, found.updated_at))
        self.assertEqual((old.tags, old.objects, old.properties), (found.tags, found.objects, found.properties))
        self.assertRaises(errors.NamespaceNotFound, self.namespaces.replace, old, Namespace('again', 'me'))

    def test_replacing_may_change_the_spelling(self) -> None:
        self.namespaces.replace(self.ns, Namespace('NS', 'project-a'))
        self.assertEqual(['NS'], names(self.namespaces.list(NamespaceQuery(), base.ADMIN)))

    def test_removing_takes_all_but_resource_types(self) -> None:
        full, other = self.full(), self.full('other')
        self.namespaces.remove(full)
        for table in _CHILDREN:
            self.assertEqual([other.id] * 3, [row['namespace_id'] for row in self.rows(table)])
        self.assertEqual(['T0', 'T1', 'T2'], names(self.resource_types.list()))
        self.assertRaises(errors.NamespaceNotFound, self.namespaces.remove, full)
        self.assertEqual(['ns', 'other'], sorted(names(self.namespaces.list(NamespaceQuery(), base.ADMIN))))

    def test_protected_ones_stay_also_if_they_become_so_in_between(self) -> None:
        full = self.full()
        self.change(tables.namespaces, protected=True)
        for remove in (
            lambda: self.namespaces.remove(full),
            lambda: self.objects.clear(full),
            lambda: self.objects.remove(full, full.objects[0]),
            lambda: self.properties.clear(full),
            lambda: self.properties.remove(full, full.properties[0]),
            lambda: self.tags.clear(full),
            lambda: self.tags.remove(full, full.tags[0]),
            lambda: self.resource_types.dissociate(full, full.associations[0]),
        ):
            self.assertRaises(errors.Forbidden, remove)
        full.protected = True
        self.assertEqual(full, self.namespaces.whole('full', self.me))

    def _list(self, **query: object) -> list[str]:
        return names(self.namespaces.list(NamespaceQuery(**query), base.ADMIN))  # type: ignore[arg-type]

    def test_filters(self) -> None:
        self.namespaces.remove(self.ns)
        self.new('a', visibility='public', associations=[Association('T'), Association('U')])
        self.new('b', associations=[Association('T')])
        self.new('c', visibility=None)
        for query, found in (
            ({}, 'abc'),
            ({'visibility': 'public'}, 'a'),
            ({'visibility': 'private'}, 'b'),
            ({'visibility': ''}, ''),
            ({'resource_types': ['T']}, 'ab'),
            ({'resource_types': ['T', 'U', 'V']}, 'ab'),
            ({'resource_types': ['U'], 'visibility': 'public'}, 'a'),
            ({'resource_types': ['t', 'T ', 'T\0', '😀', 'x' * 200]}, ''),
            ({'resource_types': []}, ''),
        ):
            self.assertEqual(list(found), sorted(self._list(**query)), query)
        found = self.namespaces.list(NamespaceQuery(sort_key='namespace', sort_dir='asc'), base.ADMIN)
        self.assertEqual([['T', 'U'], ['T'], []], [names(namespace.associations) for namespace in found])

    def test_pages_in_every_order(self) -> None:
        for number, name in enumerate('cab'):
            self.new(name, display_name=[None, 'x', 'X'][number], protected=[None, True, False][number], visibility='public')
        for key in metadef.NAMESPACE_SORT_KEYS:
            for direction in ('asc', 'desc'):
                query = {'sort_key': key, 'sort_dir': direction}
                whole, paged = self._list(**query), []
                while page := self._list(**query, limit=1, marker=paged[-1] if paged else None):
                    paged += page
                self.assertEqual(whole, paged, query)
                self.assertEqual(['a', 'b', 'c', 'ns'], sorted(paged))
        self.assertEqual(['a', 'b', 'c', 'ns'], self._list(sort_key='namespace', sort_dir='asc'))

    def test_statements_do_not_grow(self) -> None:
        counts = set()
        for count in (1, 1000):
            self.full(f'full{count}', count)
            with self.statements() as sent:
                whole = self.namespaces.whole(f'full{count}', self.me)
            self.assertEqual((count, count), (len(whole.properties), len(whole.associations)))
            counts.add(len(sent))
        self.assertEqual({3}, counts)

    def test_statements_of_a_list_do_not_grow(self) -> None:
        counts = set()
        for count in (10, 1000):
            with self.database.write() as connection:
                now = self.database.now()
                rows = [
                    {
                        'namespace': f'{count}-{number}',
                        'owner': 'me',
                        'protected': False,
                        'created_at': now,
                        'visibility': 'public',
                    }
                    for number in range(count - len(self._list()))
                ]
                connection.execute(tables.namespaces.insert(), rows)
            with self.statements() as sent:
                found = self._list(limit=1000, marker=None)
            self.assertEqual(count, len(found))
            counts.add(len(sent))
        self.assertEqual({2}, counts)


class SQLiteTest(_Namespaces, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Namespaces, base.RepositoryTestCase):
    kind = 'mariadb'

    def test_spellings_that_the_database_confuses(self) -> None:
        self.assertRaises(errors.DuplicateName, self.new, 'NS')
        error = self.assertRaises(errors.DuplicateName, self.new, 'ns ')
        self.assertIn("cannot tell 'ns ' from it", str(error))
        error = self.assertRaises(errors.Conflict, self.new, 'n', tags=[metadef.Tag('a'), metadef.Tag('A')])
        self.assertIn("'A', 'a'", str(error))
        self.full()
        error = self.assertRaises(errors.Conflict, self.new, 'n', associations=[Association('t1')])
        self.assertIn("'T1' already", str(error))
        self.assertRaises(errors.NamespaceNotFound, self.namespaces.get, 'n', base.ADMIN)


class PostgreSQLTest(_Namespaces, base.RepositoryTestCase):
    kind = 'postgresql'
