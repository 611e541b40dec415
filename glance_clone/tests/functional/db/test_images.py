# SPDX-License-Identifier: Apache-2.0
"""What the repository of images promises, on every database."""

from __future__ import annotations

import datetime
import itertools
import uuid
from typing import Any

from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.domain import errors
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.domain.query import ImageQuery
from glance_clone.tests.fixtures import database
from glance_clone.tests.functional.db import base

_HASHED = {'size': 5, 'checksum': '5' * 32, 'os_hash_algo': 'sha512', 'os_hash_value': 'a' * 128}


class _Reading:
    def test_everything_comes_back(self) -> None:
        wanted = self.add(
            name='Größe \u4e2d\uffee',
            visibility='private',
            protected=True,
            os_hidden=True,
            disk_format='raw',
            container_format='bare',
            min_disk=2**31 - 1,
            min_ram=1,
            tags={'', 'blank ', 'ünï'},
            properties={'': 'no name', 'empty': '', 'a/b.c d': 'x' * 60_000, 'is_public': 'no'},
        )
        found = self.images.get(wanted.id, self.me)
        self.assertEqual(wanted.created_at, wanted.updated_at)
        self.assertIsNone(found.created_at.tzinfo)
        wanted.row_version = found.row_version = None
        self.assertEqual(wanted, found)

    def test_ids_are_never_used_twice(self) -> None:
        image = self.add()
        self.assertRaises(errors.DuplicateImage, self.add, id=image.id, owner='project-b')
        self.images.remove(image)
        self.assertRaises(errors.DuplicateImage, self.add, id=image.id, properties={'a': 'b'}, tags={'c'})
        self.assertEqual([], self.rows(tables.properties))

    def test_ids_are_compared_exactly(self) -> None:
        image = self.add(id='0a1b2c3d-aaaa-bbbb-cccc-0123456789ef')
        with self.statements() as sent:
            for other in (image.id.upper(), image.id[:-1], '', image.id + ' ', '\0', 'é', '\ud800', '\U0001f600'):
                self.assertRaises(errors.ImageNotFound, self.images.get, other, base.ADMIN)
        self.assertEqual(3, len(sent), 'only what can be an id is looked up')

    def test_who_sees_what(self) -> None:
        anonymous, mine, theirs = Caller(None), self.me, self.other
        cases = {
            'private': [mine, base.ADMIN],
            'shared': [mine, base.ADMIN],
            'community': [anonymous, mine, theirs, base.ADMIN],
            'public': [anonymous, mine, theirs, base.ADMIN],
        }
        for visibility, wanted in cases.items():
            image = self.add(visibility=visibility)
            self.assertEqual(wanted, [who for who in (anonymous, mine, theirs, base.ADMIN) if self._sees(image, who)])
        self.assertTrue(self._sees(self.add(owner=None, visibility='private'), anonymous))

    def test_members_of_any_status_see_shared_images_only(self) -> None:
        for status, visibility in itertools.product(('pending', 'accepted', 'rejected'), ('shared', 'private')):
            image = self.add(visibility=visibility)
            self.share_with(image, self.other.project_id, status)
            self.assertEqual(visibility == 'shared', self._sees(image, self.other), (status, visibility))
        image = self.add()
        self.share_with(image, self.other.project_id, deleted=True)
        self.assertFalse(self._sees(image, self.other))

    def test_member_id_is_the_callers(self) -> None:
        image = self.add()
        self.share_with(image, 'PROJECT-B')
        self.assertFalse(self._sees(image, self.other), 'another project, whose name differs in case')
        self.share_with(image, 'project-b')
        self.assertEqual('project-b', self.images.get(image.id, self.other).member_id)
        self.assertIsNone(self.images.get(image.id, self.me).member_id)

    def test_deleted_and_half_deleted_images_are_gone(self) -> None:
        image = self.add()
        self.change(tables.images, status='pending_delete')
        self.assertFalse(self._sees(image, base.ADMIN))
        self.change(tables.images, status='active', deleted=True)
        self.assertFalse(self._sees(image, base.ADMIN))

    def test_rows_of_other_software(self) -> None:
        image = self.add(properties={'null': None}, locations=[Location('file:///x')])
        for written in (None, '', 'null', '{}'):
            self.change(tables.locations, meta_data=written)
            found = self.images.get(image.id, self.me)
            self.assertEqual({}, found.locations[0].metadata)
        self.assertEqual({'null': None}, found.properties)
        self.assertFalse(_changed(found))

    def test_few_statements_and_no_connection_kept(self) -> None:
        image = self.add(tags={'a'}, properties={'b': 'c', 'd': 'e'}, locations=[Location('file:///x')])
        for _ in range(30):
            self.add(tags={'a'}, properties={'b': 'c', 'd': 'e'})
        self.assertEqual(2, self._count(lambda: self.images.get(image.id, self.me)))
        self.images.list(ImageQuery(), self.me)
        self.assertEqual(2, self._count(lambda: self.images.list(ImageQuery(limit=30), self.me)))
        after = ImageQuery(limit=30, sort=[('id', 'asc')], marker=min(row['id'] for row in self.rows(tables.images)))
        self.assertEqual(3, self._count(lambda: self.images.list(after, self.me)))
        self.assertEqual(3, self._count(lambda: self.add(tags={'a', 'b'}, properties={'b': 'c', 'd': 'e'})))
        chosen = Image(str(uuid.uuid4()), tags={'a'}, properties={'b': 'c'})
        self.assertEqual(4, self._count(lambda: self.images.add(chosen)))
        self.assertEqual(0, self.database.engine.pool.checkedout())

    def _count(self, work: Any) -> int:
        with self.statements() as sent:
            work()
        return len(sent)

    def _sees(self, image: Any, who: Caller) -> bool:
        try:
            return self.images.get(image.id, who).id == image.id
        except errors.ImageNotFound:
            return False


class _Saving:
    def test_only_what_changed_is_written(self) -> None:
        image = self.add(name='old', min_ram=1, properties={'a': '1', 'b': '1', 'c': '1'}, tags={'x', 'y'})
        first, second = (self.images.get(image.id, self.me) for _ in range(2))
        first.name, first.properties['a'] = 'new', '2'
        first.tags.add('z')
        second.min_ram = 2
        second.properties['b'] = '2'
        del second.properties['c']
        second.tags.discard('x')
        self.images.save(first)
        self.images.save(second)
        found = self.images.get(image.id, self.me)
        self.assertEqual(
            ('new', 2, {'a': '2', 'b': '2'}, {'y', 'z'}), (found.name, found.min_ram, found.properties, found.tags)
        )

    def test_metadata_never_touches_the_data(self) -> None:
        image = self.images.get(self.add().id, self.me)
        image.status, image.size, image.locations = 'active', 5, [Location('file:///x')]
        self.images.save(image)
        found = self.images.get(image.id, self.me)
        self.assertEqual(('queued', None, []), (found.status, found.size, found.locations))

    def test_updated_at_moves_with_properties_too(self) -> None:
        image = self.add()
        long_ago = datetime.datetime(2001, 2, 3)
        self.change(tables.images, created_at=long_ago, updated_at=long_ago)
        image.properties['a'] = 'b'
        self.images.save(image)
        found = self.images.get(image.id, self.me)
        self.assertEqual((image.updated_at, long_ago), (found.updated_at, found.created_at))
        self.assertLess(long_ago, found.updated_at)

    def test_a_saved_image_can_be_saved_again(self) -> None:
        image = self.add(properties={'a': '1'})
        for value in ('2', '3'):
            image.properties['a'] = image.name = value
            self.images.save(image)
        self.assertEqual([], _changed(image))
        self.assertEqual({'a': '3'}, self.images.get(image.id, self.me).properties)

    def test_properties_come_back_to_life(self) -> None:
        image = self.add(properties={'a': '1', 'b': '1'})
        del image.properties['a']
        self.images.save(image)
        (dead,) = self.rows(tables.properties, name='a')
        self.assertEqual((True, image.updated_at), (dead['deleted'], dead['deleted_at']))
        image.properties['a'] = '2'
        self.images.save(image)
        (alive,) = self.rows(tables.properties, name='a')
        self.assertEqual((False, None, '2', dead['id']), tuple(alive[k] for k in ('deleted', 'deleted_at', 'value', 'id')))

    def test_names_that_differ_in_spelling_are_kept_apart_or_refused(self) -> None:
        image = self.add(properties={'Name': '1', 'untouched': '1'})
        for spelling in ('NAME', 'Name ', 'Námé'):
            image.properties[spelling] = '2'
            if self.kind == 'mariadb':
                clash = self.assertRaises(errors.Conflict, self.images.save, image)
                self.assertIn(repr(spelling), str(clash))
                self.assertIn(repr('Name'), str(clash))
                self.assertNotIn('untouched', str(clash))
                del image.properties[spelling]
            else:
                self.images.save(image)
            self.assertEqual(image.properties, self.images.get(image.id, self.me).properties)

    def test_names_that_clash_in_a_new_image(self) -> None:
        values = {'properties': {'a': '1', 'A': '2', 'z': '3'}, 'tags': {'t', 'T'}}
        if self.kind == 'mariadb':
            clash = self.assertRaises(errors.Conflict, self.add, **values)
            self.assertIn("'A', 'a'", str(clash))
            self.assertNotIsInstance(clash, errors.DuplicateImage)
            self.assertEqual([], self.rows(tables.images), 'nothing is left of it')
        else:
            self.assertEqual(values['properties'], self.images.get(self.add(**values).id, self.me).properties)

    def test_another_spelling_can_replace_a_name(self) -> None:
        image = self.add(properties={'Name': '1'})
        image.properties = {'name': '2'}
        self.images.save(image)
        self.assertEqual({'name': '2'}, self.images.get(image.id, self.me).properties)
        image.properties = {}
        self.images.save(image)
        image.properties = {'NAME': '3'}
        self.images.save(image)
        self.assertEqual({'NAME': '3'}, self.images.get(image.id, self.me).properties)

    def test_tags_by_code_point(self) -> None:
        image = self.add(tags={'tag', 'TAG', 'tag ', 'tág'})
        image.tags -= {'TAG', 'tag '}
        self.images.save(image)
        self.assertEqual({'tag', 'tág'}, self.images.get(image.id, self.me).tags)

    def test_a_tag_is_stored_once(self) -> None:
        image = self.add()
        first, second = (self.images.get(image.id, self.me) for _ in range(2))
        for copy in (first, second):
            copy.tags.add('t')
            self.images.save(copy)
        self.assertEqual(1, len(self.rows(tables.tags)))

    def test_the_import_lock_is_left_alone(self) -> None:
        lock = 'os_glance_import_task'
        image = self.add(properties={lock: 'task'})
        image.properties = {}
        self.images.save(image)
        found = self.images.get(image.id, self.me)
        self.assertEqual({lock: 'task'}, found.properties)
        found.properties[lock] = 'stolen'
        self.images.save(found)
        self.assertEqual({lock: 'task'}, self.images.get(image.id, self.me).properties)

    def test_lists_cannot_be_saved(self) -> None:
        self.add()
        (listed,) = self.images.list(ImageQuery(), self.me)
        self.assertRaises(TypeError, self.images.save, listed)

    def test_deleted_images_are_not_saved(self) -> None:
        for status in ('pending_delete', 'deleted'):
            image = self.add()
            self.change(tables.images, status=status, deleted=status == 'deleted')
            image.name = 'x'
            self.assertRaises(errors.ImageNotFound, self.images.save, image)
            self.assertRaises(errors.ImageNotFound, self.images.save, image, from_state='queued')


class _States:
    def setUp(self) -> None:
        super().setUp()
        self.image = self.add(disk_format='raw', container_format='bare')
        self.upload = self.lease(self.image)

    def test_a_whole_upload(self) -> None:
        image = self.image
        image.move_to('saving')
        self.images.save(image, from_state='queued', take=self.upload)
        (row,) = self.rows(leases)
        self.assertEqual((image.id, 'upload', 'worker', self.upload.attempt), tuple(row.values())[1:5])
        image.move_to('active')
        for name, value in _HASHED.items():
            setattr(image, name, value)
        image.locations = [Location('file:///one', {'store': 'a'}), Location('file:///two', {'store': 'b'})]
        self.images.save(image, from_state='saving', drop=self.upload)
        found = self.images.get(image.id, self.me)
        self.assertEqual(image.locations, found.locations)
        self.assertEqual(('active', *_HASHED.values()), tuple(getattr(found, name) for name in ('status', *_HASHED)))
        self.assertEqual([], self.rows(leases))

    def test_locations_that_go_or_change(self) -> None:
        image = self.image
        image.locations = [Location('file:///one', {'store': 'a'}), Location('file:///two', {'store': 'b'})]
        self.images.save(image, from_state='queued')
        image.locations[1].metadata['store'] = 'c'
        del image.locations[0]
        self.images.save(image, from_state='queued')
        found = self.images.get(image.id, self.me).locations
        self.assertEqual([('file:///two', 'c')], [(location.url, location.store) for location in found])
        (gone,) = self.rows(tables.locations, deleted=True)
        self.assertEqual(('file:///one', 'deleted', image.updated_at), (gone['value'], gone['status'], gone['deleted_at']))

    def test_another_state_than_expected(self) -> None:
        self.image.status, self.image.name = 'active', 'x'
        self.image.locations = [Location('file:///x')]
        self.assertRaises(errors.StateChanged, self.images.save, self.image, from_state='saving', take=self.upload)
        self._assert_untouched()
        self.assertIsNone(self.image.locations[0].id, 'what was not stored has no number')

    def test_a_lease_that_is_held(self) -> None:
        self.images.save(self.image, from_state='queued', take=self.upload)
        self.image.name = 'x'
        rival = self.lease(self.image, owner='rival')
        self.assertRaises(errors.StateChanged, self.images.save, self.image, from_state='queued', take=rival)
        self._assert_untouched(1)

    def test_a_lease_that_ran_out(self) -> None:
        self.images.save(self.image, from_state='queued', take=self.upload)
        self.change(leases, expires_at=1)
        self.images.save(self.image, from_state='queued', take=self.lease(self.image, owner='rival'))
        self.assertEqual(['rival'], [row['owner'] for row in self.rows(leases)])

    def test_a_lease_that_is_lost(self) -> None:
        self.image.name = 'x'
        self.assertRaises(errors.LeaseLost, self.images.save, self.image, from_state='queued', drop=self.upload)
        self._assert_untouched()
        self.assertRaises(errors.LeaseLost, self.images.remove, self.image, drop=self.upload)
        self._assert_untouched()

    def test_leases_of_two_kinds(self) -> None:
        self.images.save(self.image, from_state='queued', take=self.upload)
        self.images.save(self.image, from_state='queued', take=self.lease(self.image, 'delete'))
        self.assertEqual(2, len(self.rows(leases)))

    def _assert_untouched(self, held: int = 0) -> None:
        found = self.images.get(self.image.id, self.me)
        self.assertEqual((None, 'queued', []), (found.name, found.status, found.locations))
        self.assertEqual(held, len(self.rows(leases)))


class _Removing:
    def test_everything_is_stamped_with_one_time(self) -> None:
        kept = self.add(properties={'a': '1'}, tags={'t'})
        image = self.add(properties={'a': '1'}, tags={'t'}, locations=[Location('file:///x')])
        self.share_with(image, 'project-b')
        self.images.remove(image)
        (row,) = self.rows(tables.images, id=image.id)
        self.assertEqual((True, 'deleted', row['updated_at']), (row['deleted'], row['status'], row['deleted_at']))
        for table in (tables.properties, tables.tags, tables.members, tables.locations):
            (child,) = self.rows(table, image_id=image.id)
            self.assertEqual((True, row['deleted_at']), (child['deleted'], child['deleted_at']), table.name)
        self.assertEqual({'a': '1'}, self.images.get(kept.id, self.me).properties)

    def test_only_once(self) -> None:
        image = self.add()
        self.images.remove(image)
        before = self.rows(tables.images)
        self.assertRaises(errors.ImageNotFound, self.images.remove, image)
        self.assertEqual(before, self.rows(tables.images))

    def test_with_the_lease(self) -> None:
        image = self.add()
        lease = self.lease(image, 'delete')
        image.status = 'pending_delete'
        self.images.save(image, from_state='queued', take=lease)
        self.images.remove(image, drop=lease)
        self.assertEqual([], self.rows(leases))


def _changed(image: Any) -> list[str]:
    """Return which attributes of an image are not as they were read."""
    return [name for name, value in image.row_version.columns.items() if getattr(image, name) != value and name != 'updated_at']


class SQLiteImagesTest(_Reading, _Saving, _Removing, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBImagesTest(_Reading, _Saving, _Removing, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLImagesTest(_Reading, _Saving, _Removing, base.RepositoryTestCase):
    kind = 'postgresql'


class SQLiteStatesTest(_States, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBStatesTest(_States, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLStatesTest(_States, base.RepositoryTestCase):
    kind = 'postgresql'


class Psycopg2Test(_Reading, _Saving, _Removing, base.RepositoryTestCase):
    """The older driver of PostgreSQL."""

    kind = 'postgresql'

    @classmethod
    def make(cls) -> Any:
        return database.PostgreSQL(driver='psycopg2')
