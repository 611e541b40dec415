# SPDX-License-Identifier: Apache-2.0
"""What the repository of members promises, on every database."""

from __future__ import annotations

import datetime
import threading

import fixtures

from glance_clone.db.models import image as tables
from glance_clone.db.repos.members import MemberRepository
from glance_clone.domain import errors
from glance_clone.domain import member as domain
from glance_clone.domain.member import Member
from glance_clone.tests.functional.db import base

MANY = 100


class _Members:
    def setUp(self) -> None:
        super().setUp()
        self.members = MemberRepository(self.database)
        self.image = self.add(visibility='shared')

    def _add(self, name: str = 'project-b', quota: int = MANY) -> Member:
        member = Member(self.image.id, name)
        self.members.add(member, quota)
        return member

    def test_spellings_are_different_members(self) -> None:
        for name in ('p', 'P', 'p '):
            self._add(name)
        self.members.remove(self.members.get(self.image.id, 'P'))
        self.assertEqual(['p', 'p '], [member.member_id for member in self.members.list(self.image.id)])
        self.assertRaises(errors.MemberNotFound, self.members.get, self.image.id, 'P')
        self.assertRaises(errors.DuplicateMember, self._add, 'p')

    def test_coming_and_going_within_a_moment(self) -> None:
        now = datetime.datetime(2024, 5, 6, 7, 8, 9)
        self.useFixture(fixtures.MonkeyPatch('oslo_utils.timeutils.utcnow', lambda: now))
        for name in ('p', 'p', 'P', 'p'):
            self.members.remove(self._add(name, quota=1))
        self.assertEqual([], self.members.list(self.image.id))
        self.assertEqual([], self.rows(tables.members, deleted=False))

    def test_the_image_goes_in_the_moment_in_which_a_member_came_back(self) -> None:
        now = datetime.datetime(2024, 5, 6, 7, 8, 9)
        self.useFixture(fixtures.MonkeyPatch('oslo_utils.timeutils.utcnow', lambda: now))
        self.members.remove(self._add('p'))
        self._add('p')
        self.images.remove(self.image)
        self.assertEqual([], self.rows(tables.members, deleted=False))

    def test_everything_comes_back(self) -> None:
        added = self._add('Größe')
        self.assertEqual(added, self.members.get(self.image.id, 'Größe'))
        self.assertEqual([added], self.members.list(self.image.id))
        self.assertEqual((domain.PENDING, added.created_at), (added.status, added.updated_at))

    def test_members_are_listed_in_their_order(self) -> None:
        names = ['c', 'a', 'b']
        for name in names:
            self._add(name)
        self.assertEqual(names, [member.member_id for member in self.members.list(self.image.id)])

    def test_names_are_compared_exactly(self) -> None:
        self._add('Project')
        self.assertRaises(errors.MemberNotFound, self.members.get, self.image.id, 'project')
        self._add('project')
        self.assertEqual(2, len(self.members.list(self.image.id)))

    def test_a_project_is_a_member_once(self) -> None:
        self._add()
        self.assertRaises(errors.DuplicateMember, self._add)
        self.assertEqual(1, len(self.rows(tables.members)))

    def test_a_removed_member_can_be_added_again(self) -> None:
        self.members.remove(self._add())
        self.assertRaises(errors.MemberNotFound, self.members.get, self.image.id, 'project-b')
        self.assertEqual(domain.PENDING, self._add().status)

    def test_the_status_is_kept(self) -> None:
        member = self._add()
        member.status = domain.ACCEPTED
        self.members.save(member)
        self.assertEqual(domain.ACCEPTED, self.members.get(self.image.id, 'project-b').status)

    def test_who_is_gone_is_neither_changed_nor_removed(self) -> None:
        member = self._add()
        self.members.remove(member)
        self.assertRaises(errors.MemberNotFound, self.members.save, member)
        self.assertRaises(errors.MemberNotFound, self.members.remove, member)

    def test_quota(self) -> None:
        self._add('a', quota=1)
        self.assertRaises(errors.LimitExceeded, self._add, 'b', 1)
        self._add('b', quota=-1)
        self.assertEqual(2, len(self.members.list(self.image.id)))

    def test_quota_holds_when_many_are_added_at_the_same_time(self) -> None:
        outcomes: list[object] = []

        def add(name: str) -> None:
            try:
                outcomes.append(self._add(name, quota=3).member_id)
            except errors.LimitExceeded as error:
                outcomes.append(error)

        threads = [threading.Thread(target=add, args=(f'project-{number}',)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(8, len(outcomes))
        self.assertEqual(3, len(self.members.list(self.image.id)))


class SQLiteMembersTest(_Members, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBMembersTest(_Members, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLMembersTest(_Members, base.RepositoryTestCase):
    kind = 'postgresql'
