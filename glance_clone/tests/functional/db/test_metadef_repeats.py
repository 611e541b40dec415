# SPDX-License-Identifier: Apache-2.0
"""Changes of metadata definitions count once, also where the connection was lost after the commit, on every database."""

from __future__ import annotations

from glance_clone.db.models import metadef as tables
from glance_clone.domain import errors
from glance_clone.domain import metadef
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import ListQuery
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import Tag
from glance_clone.tests.functional.db import base
from glance_clone.tests.functional.db.metadefs import TEXT
from glance_clone.tests.functional.db.metadefs import Repositories
from glance_clone.tests.functional.db.metadefs import names


class _Repeats(Repositories):
    def test_namespaces(self) -> None:
        with self.lost_commits():
            added = self.full('added')
        found = self.namespaces.whole('added', self.me)
        self.assertEqual((added, added.id), (found, found.id))
        renamed = Namespace('renamed', 'project-a')
        with self.lost_commits(times=2):
            self.namespaces.replace(found, renamed)
        self.assertEqual(renamed.updated_at, self.namespaces.get('renamed', self.me).updated_at)
        with self.lost_commits():
            self.namespaces.remove(renamed)
        self.assertRaises(errors.NamespaceNotFound, self.namespaces.remove, renamed)

    def test_what_is_in_them(self) -> None:
        for repository, make, table in (
            (self.objects, metadef.Object, tables.objects),
            (self.properties, lambda name: metadef.Property(name, TEXT), tables.properties),
            (self.tags, Tag, tables.tags),
        ):
            old, new = make('old'), make('new')
            with self.lost_commits():
                repository.add(self.ns, old)
            [row] = self.rows(table)
            self.assertEqual(old.id, row['id'])
            with self.lost_commits():
                repository.replace(self.ns, old, new)
            self.assertEqual('new', repository.get(self.ns, 'new').name)
            with self.lost_commits():
                repository.remove(self.ns, new)
            with self.lost_commits():
                repository.clear(self.ns)
            self.assertEqual([], self.rows(table))

    def test_many_tags(self) -> None:
        for append in (False, True):
            with self.lost_commits():
                self.tags.add_all(self.ns, [Tag(f'a{append}'), Tag(f'b{append}')], append)
        tags = names(self.tags.list(self.ns, ListQuery(sort_key='name', sort_dir='asc')))
        self.assertEqual(['aFalse', 'aTrue', 'bFalse', 'bTrue'], tags)

    def test_associations(self) -> None:
        new = Association('T', prefix='p_')
        with self.lost_commits():
            self.resource_types.associate(self.ns, new)
        self.assertEqual([new], self.resource_types.associations(self.ns))
        found = self.resource_types.association(self.ns, 'T')
        with self.lost_commits():
            self.resource_types.dissociate(self.ns, found)
        self.assertEqual([], self.resource_types.associations(self.ns))


class SQLiteTest(_Repeats, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Repeats, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLTest(_Repeats, base.RepositoryTestCase):
    kind = 'postgresql'
