# SPDX-License-Identifier: Apache-2.0
"""Which images a list has, in which order, and how its pages join, on every database."""

from __future__ import annotations

import datetime
import itertools
import time
from typing import Any
from unittest import mock

import fixtures
import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.db.repos import selectivity
from glance_clone.domain import errors
from glance_clone.domain import query as q
from glance_clone.domain.caller import Caller
from glance_clone.domain.location import Location
from glance_clone.domain.query import Condition
from glance_clone.domain.query import ImageQuery
from glance_clone.tests.functional.db import base

_NOON = datetime.datetime(2024, 5, 6, 12)


class _Lists:
    def names(self, who: Caller | None = None, **values: Any) -> list[str]:
        """Return the sorted names of the images that a query finds."""
        query = ImageQuery(**{'limit': 100, **values})
        return sorted(image.name for image in self.images.list(query, who or self.me))

    def set(self, name: str, **values: Any) -> None:
        """Change the row of an image past the repository."""
        with self.database.write() as connection:
            connection.execute(sa.update(tables.images).where(tables.images.c.name == name).values(**values))


class _Visibility(_Lists):
    def setUp(self) -> None:
        super().setUp()
        for visibility in ('private', 'shared', 'community', 'public'):
            self.add(name=f'my {visibility}', visibility=visibility)
            self.add(name=f'their {visibility}', visibility=visibility, owner='project-b')
        self.add(name='nobodys shared', owner=None)
        self.add(name='PROJECT-A has it', owner='PROJECT-A')
        for status in ('accepted', 'pending', 'rejected'):
            self.share_with(self.add(name=f'offered {status}', owner='project-b'), 'project-a', status)
        self.share_with(self.add(name='offered no more', owner='project-b'), 'project-a', deleted=True)
        self.share_with(self.add(name='offered to others', owner='project-b'), 'PROJECT-A')

    def test_by_default(self) -> None:
        mine = ['my community', 'my private', 'my public', 'my shared']
        self.assertEqual([*mine, 'offered accepted', 'their public'], self.names())
        self.assertEqual(['my public', 'their public'], self.names(Caller(None)))

    def test_memberships_of_other_statuses(self) -> None:
        for status in ('pending', 'rejected'):
            self.assertIn(f'offered {status}', self.names(member_status=status))
            self.assertNotIn('offered accepted', self.names(member_status=status))
            self.assertIn('my private', self.names(member_status=status))
        offers = [name for name in self.names(member_status='all') if name.startswith('offered')]
        self.assertEqual(['offered accepted', 'offered pending', 'offered rejected'], offers)

    def test_one_visibility(self) -> None:
        self.assertEqual(['my public', 'their public'], self.names(visibility='public'))
        self.assertEqual(['my private'], self.names(visibility='private'))
        self.assertEqual(['my shared', 'offered accepted'], self.names(visibility='shared'))
        self.assertEqual(['my shared', 'offered pending'], self.names(visibility='shared', member_status='pending'))
        self.assertEqual(['my community', 'their community'], self.names(visibility='community'))
        for nothing in ('', 'secret'):
            self.assertEqual([], self.names(visibility=nothing))
            self.assertEqual([], self.names(base.ADMIN, visibility=nothing))

    def test_everything_that_one_may_see(self) -> None:
        self.assertEqual(sorted([*self.names(), 'their community']), self.names(visibility='all'))

    def test_admins(self) -> None:
        everything = self.names(base.ADMIN, visibility='all')
        self.assertEqual(len(self.rows(tables.images)), len(everything))
        communities = ['my community', 'their community']
        self.assertEqual([name for name in everything if name not in communities], self.names(base.ADMIN))
        self.assertIn('my community', self.names(Caller('project-a', is_admin=True)))
        self.assertEqual(communities, self.names(base.ADMIN, visibility='community'))
        self.assertEqual(['my private', 'their private'], self.names(base.ADMIN, visibility='private', member_status='pending'))

    def test_hidden_ones(self) -> None:
        before = self.names()
        self.add(name='hidden', os_hidden=True)
        self.assertEqual(before, self.names())
        self.assertEqual(['hidden'], self.names(os_hidden=True))
        self.assertEqual([], self.names(self.other, os_hidden=True))

    def test_what_is_never_listed(self) -> None:
        for status in ('killed', 'pending_delete', 'deleted'):
            self.set('my private', status=status)
            self.assertNotIn('my private', self.names())
            self.assertNotIn('my private', self.names(base.ADMIN, visibility='all'))
        for status in ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated'):
            self.set('my private', status=status)
            self.assertIn('my private', self.names())
        self.set('my private', deleted=True)
        self.assertNotIn('my private', self.names(base.ADMIN, visibility='all'))


class _Filters(_Lists):
    def check(self, wanted: str, *conditions: tuple[str, str, Any]) -> None:
        """Assert that the images that meet the conditions have these names."""
        self.assertEqual(wanted.split(), self.names(conditions=[Condition(*c) for c in conditions]), conditions)

    def test_texts_by_code_point(self) -> None:
        for name in ('name', 'Name', 'nàme'):
            self.add(name=name, disk_format='raw')
        self.add(name='name ', disk_format=None)
        self.check('name', ('name', q.EQ, 'name'))
        self.check('Name nàme', ('name', q.IN, ('nàme', 'Name', 'NAME')))
        self.check('', ('name', q.IN, ()))
        self.check('name', ('name', q.IN, ('name', *(f'x{number}' for number in range(20_000)))))
        self.check('Name name nàme', ('disk_format', q.EQ, 'raw'))
        self.check('', ('disk_format', q.EQ, ''))
        self.check('', ('name', q.EQ, '\U0001f600'))

    def test_several_conditions(self) -> None:
        self.add(name='a', disk_format='raw', min_ram=1)
        self.add(name='b', disk_format='raw', min_ram=2)
        self.check('b', ('disk_format', q.IN, ('raw', 'iso')), ('min_ram', q.EQ, 2), ('status', q.EQ, 'queued'))
        self.check('', ('disk_format', q.EQ, 'raw'), ('disk_format', q.EQ, 'iso'))

    def test_numbers(self) -> None:
        for size in (None, 0, 1, 2**40):
            self.add(name=f's{size}', size=size)
        self.check('s0 s1', ('size', q.LTE, 1))
        self.check('s1 s1099511627776', ('size', q.GTE, 1))
        self.check('s1', ('size', q.GTE, 1), ('size', q.LTE, 1))
        self.check('s0', ('size', q.EQ, 0))
        self.check('', ('size', q.IN, ()))
        self.check('', ('min_disk', q.EQ, 2**63 - 1))
        self.check('', ('min_ram', q.GTE, 2**40))
        self.check('s0 s1 s1099511627776', ('size', q.GTE, 1 - 2**63))

    def test_flags(self) -> None:
        self.add(name='open')
        self.add(name='guarded', protected=True)
        self.check('guarded', ('protected', q.EQ, True))
        self.check('open', ('protected', q.EQ, False))

    def test_times(self) -> None:
        for hours in (-1, 0, 1):
            self.add(name=f'h{hours}')
            self.set(f'h{hours}', created_at=_NOON + datetime.timedelta(hours=hours))
        self.check('h0', ('created_at', q.EQ, _NOON))
        self.check('h-1 h1', ('created_at', q.NEQ, _NOON))
        self.check('h1', ('created_at', q.GT, _NOON))
        self.check('h0 h1', ('created_at', q.GTE, _NOON))
        self.check('h-1', ('created_at', q.LT, _NOON))
        self.check('h-1 h0', ('created_at', q.LTE, _NOON))
        self.set('h0', updated_at=None)
        self.check('h-1 h1', ('updated_at', q.GT, _NOON))
        self.check('h-1 h1', ('updated_at', q.NEQ, _NOON))

    def test_tags(self) -> None:
        self.add(name='both', tags={'a', 'b'})
        self.add(name='one', tags={'a'})
        self.add(name='other', tags={'A', ' b'})
        self.add(name='empty', tags={''})
        for tags, wanted in ((['a'], ['both', 'one']), (['b', 'a'], ['both']), (['A'], ['other']), ([''], ['empty'])):
            self.assertEqual(wanted, self.names(tags=tags))
        image = self.images.get(self.images.list(ImageQuery(tags=['b']), self.me)[0].id, self.me)
        image.tags.remove('b')
        self.images.save(image)
        self.assertEqual([], self.names(tags=['b']), 'a tag that was removed')

    def test_properties(self) -> None:
        self.add(name='v', properties={'key': 'v', 'other': ''})
        self.add(name='V', properties={'key': 'V'})
        self.add(name='v ', properties={'key': 'v '})
        self.add(name='KEY', properties={'KEY': 'v'})
        self.assertEqual(['v'], self.names(properties={'key': 'v'}))
        self.assertEqual(['v'], self.names(properties={'key': 'v', 'other': ''}))
        self.assertEqual([], self.names(properties={'key': 'v', 'other': 'x'}))
        self.assertEqual(['KEY'], self.names(properties={'KEY': 'v'}))
        self.assertEqual([], self.names(properties={'none': ''}))
        (found,) = self.images.list(ImageQuery(properties={'key': 'v'}), self.me)
        image = self.images.get(found.id, self.me)
        del image.properties['key']
        self.images.save(image)
        self.assertEqual([], self.names(properties={'key': 'v'}), 'a property that was removed')

    def test_images_are_complete(self) -> None:
        for number in range(3):
            self.add(
                name=f'{number}', tags={f't{number}'}, properties={'p': f'{number}'}, locations=[Location(f'file:///{number}')]
            )
        for image in self.images.list(ImageQuery(), self.me):
            self.assertEqual(({f't{image.name}'}, {'p': image.name}), (image.tags, image.properties))
            self.assertEqual([f'file:///{image.name}'], [location.url for location in image.locations])


class _Pages(_Lists):
    def setUp(self) -> None:
        super().setUp()
        values = itertools.cycle(
            [
                {'name': None, 'size': None, 'disk_format': 'raw', 'container_format': None},
                {'name': 'b', 'size': 0, 'disk_format': None, 'container_format': 'bare'},
                {'name': 'B', 'size': 7, 'disk_format': 'iso', 'container_format': 'bare'},
                {'name': '', 'size': 7, 'disk_format': 'raw', 'container_format': ''},
                {'name': 'ä', 'size': 2**40, 'disk_format': '', 'container_format': None},
            ]
        )
        for number in range(17):
            self.add(**next(values), id=f'00000000-0000-0000-0000-0000000000{number:02d}')
        with self.database.write() as connection:
            for number, row in enumerate(connection.execute(sa.select(tables.images.c.id)).scalars().all()):
                times = {'created_at': _NOON + datetime.timedelta(seconds=number % 4), 'updated_at': (None, _NOON)[number % 2]}
                connection.execute(sa.update(tables.images).where(tables.images.c.id == row).values(**times))

    def pages(self, size: int, **values: Any) -> list[list[str]]:
        """Return the ids of all pages."""
        pages: list[list[str]] = []
        marker = None
        while True:
            found = self.images.list(ImageQuery(limit=size, marker=marker, **values), self.me)
            if not found:
                return pages
            pages.append([image.id for image in found])
            marker = found[-1].id

    def test_pages_join_whatever_the_order(self) -> None:
        for key, direction, ties in itertools.product(q.SORT_KEYS, ('asc', 'desc'), ('asc', 'desc')):
            order = {'sort': [(key, direction)], 'tie_direction': ties}
            (whole,) = self.pages(100, **order)
            self.assertEqual(17, len(set(whole)))
            for size in (1, 3, 17):
                self.assertEqual(whole, list(itertools.chain(*self.pages(size, **order))), (key, direction, ties, size))

    def test_several_keys(self) -> None:
        order = {'sort': [('disk_format', 'asc'), ('size', 'desc'), ('id', 'asc')]}
        (whole,) = self.pages(100, **order)
        self.assertEqual(whole, list(itertools.chain(*self.pages(2, **order))))

    def test_null_is_nothing(self) -> None:
        sizes = [image.size or 0 for image in self.images.list(ImageQuery(sort=[('size', 'asc')]), self.me)]
        self.assertEqual(sorted(sizes), sizes)

    def test_newest_first(self) -> None:
        found = [(image.created_at, image.id) for image in self.images.list(ImageQuery(), self.me)]
        self.assertEqual(sorted(found, reverse=True), found)

    def test_new_rows_do_not_shift_pages(self) -> None:
        query = ImageQuery(limit=5)
        first = self.images.list(query, self.me)
        self.add(name='newer')
        query.marker = first[-1].id
        seen = {image.id for image in first + self.images.list(query, self.me)}
        self.assertEqual(10, len(seen))

    def test_limits(self) -> None:
        self.assertEqual([], self.images.list(ImageQuery(limit=0), self.me))
        self.assertEqual(1, len(self.images.list(ImageQuery(limit=1), self.me)))

    def test_markers(self) -> None:
        def after(marker: str, who: Caller) -> int:
            return len(self.images.list(ImageQuery(marker=marker, limit=100), who))

        for unknown in ('', 'x', 'x' * 37, '\0', 'ä', '00000000-0000-0000-0000-000000000099'):
            self.assertRaises(errors.Invalid, after, unknown, self.me)
            self.assertRaises(errors.Invalid, after, unknown, base.ADMIN)
        hidden = self.add(owner='project-b', visibility='private')
        self.assertRaises(errors.Forbidden, after, hidden.id, self.me)
        self.assertEqual(17, after(hidden.id, base.ADMIN))
        self.images.remove(hidden)
        self.assertRaises(errors.Invalid, after, hidden.id, self.me)
        self.assertEqual(17, after(hidden.id, base.ADMIN), 'admins may go on after a deleted image')

    def test_a_marker_need_not_match_the_filters(self) -> None:
        marker = self.add(name='marker')
        found = self.images.list(ImageQuery(marker=marker.id, conditions=[Condition('name', q.EQ, 'b')]), self.me)
        self.assertEqual({'b'}, {image.name for image in found})

    def test_what_is_remembered_of_a_tag_decides_nothing(self) -> None:
        """How many images have it is looked for once in a minute, and never what is in the list."""
        query = ImageQuery(tags=['new'], properties={'new': 'yes'})
        with self.statements() as first:
            self.assertEqual([], self.images.list(query, self.me))
        image = self.add(tags={'new'}, properties={'new': 'yes'})
        with self.statements() as second:
            self.assertEqual([image.id], [found.id for found in self.images.list(query, self.me)])
        self.assertEqual(len(first), len(second), 'one more that reads what the image has, one less that counts')
        with mock.patch('time.monotonic', return_value=time.monotonic() + 61), self.statements() as third:
            self.images.list(query, self.me)
        self.assertEqual(len(second) + 1, len(third))

    def test_no_page_needs_more_than_four_statements(self) -> None:
        images = [self.add(name=name, tags={'t'}, properties={'p': 'v'}) for name in 'abc']
        sort = [('name', 'asc'), ('size', 'desc')]
        query = ImageQuery(tags=['t'], properties={'p': 'v'}, sort=sort, marker=images[0].id, visibility='all')
        with mock.patch.object(selectivity, 'FEW', 0):
            self.images.list(query, self.me)
            with self.statements() as sent:
                self.assertEqual(['b', 'c'], [image.name for image in self.images.list(query, self.me)])
        self.assertLessEqual(len(sent), 4, sent)


class SQLiteVisibilityTest(_Visibility, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBVisibilityTest(_Visibility, base.RepositoryTestCase):
    kind = 'mariadb'


class MariaDBFrequentMembersTest(_Visibility, base.RepositoryTestCase):
    """Shared images are found in the other way, as if there were very many of them."""

    kind = 'mariadb'

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.MockPatchObject(selectivity, 'MANY', 0))


class PostgreSQLVisibilityTest(_Visibility, base.RepositoryTestCase):
    kind = 'postgresql'


class SQLiteFiltersTest(_Filters, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBFiltersTest(_Filters, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLFiltersTest(_Filters, base.RepositoryTestCase):
    kind = 'postgresql'


class SQLitePagesTest(_Pages, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBPagesTest(_Pages, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLPagesTest(_Pages, base.RepositoryTestCase):
    kind = 'postgresql'
