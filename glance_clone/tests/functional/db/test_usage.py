# SPDX-License-Identifier: Apache-2.0
"""What projects have, what they reserve, and that nobody gets more than the limit, on every database (R10)."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.db.repos import tombstones
from glance_clone.db.repos.usage import UsageRepository
from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.quota import Limit
from glance_clone.domain.quota import Work
from glance_clone.tests.functional.db import base

_ME = 'project-a'


def _limits(**most: int) -> dict[str, Limit]:
    return {resource: Limit(f'the limit of {resource}', number) for resource, number in most.items()}


def _work(lease: Lease) -> Work:
    return Work(lease.image_id, lease.attempt)


class _Usage:
    def setUp(self) -> None:
        super().setUp()
        self.usage = UsageRepository(self.database)

    def has(self, project: str = _ME, **expected: int) -> None:
        """Assert what a project has; what is not named is nothing."""
        self.assertEqual({**dict.fromkeys(quota.RESOURCES, 0), **expected}, self.usage.of(project))

    def stored(self, size: int, copies: int = 1, **values: Any) -> Image:
        """Store an image with data."""
        places = [Location(f'file:///{uuid.uuid4()}') for _number in range(copies)]
        return self.add(**{'status': 'active', 'size': size, 'locations': places, **values})

    def begun(self, status: str = 'saving', **values: Any) -> Lease:
        """Store an image whose data is on its way, with a lease; return the lease."""
        image = self.images.get(self.add(**values).id, base.ADMIN)
        lease = self.lease(image)
        image.status = status
        self.images.save(image, from_state='queued', take=lease)
        return lease

    def test_every_copy_of_every_image_counts(self) -> None:
        self.has()
        self.stored(10, copies=3)
        self.stored(5, status='deactivated')
        self.stored(7, owner='project-b')
        self.stored(100, owner=None)
        self.has(stored=35, images=2)
        self.has('project-b', stored=7, images=1)
        self.has('PROJECT-A')

    def test_what_is_gone_does_not_count(self) -> None:
        for status in ('pending_delete', 'killed'):
            self.stored(10, status=status)
        self.images.remove(self.stored(10))
        self.has()

    def test_a_copy_that_its_store_still_has_counts(self) -> None:
        self.stored(10, copies=2)
        number = self.rows(tables.locations)[0]['id']
        with self.database.write() as connection:
            row = sa.update(tables.locations).where(tables.locations.c.id == number)
            connection.execute(row.values(status='pending_delete', deleted=True))
            self.assertEqual(20, self.usage.of(_ME)[quota.STORED])
            connection.execute(row.values(status='deleted'))
        self.has(stored=10, images=1)

    def test_staged_data(self) -> None:
        self.add(status='uploading', size=100)
        self.add(status='importing', size=20)
        self.stored(3, properties={'os_glance_importing_to_stores': 'cheap'})
        self.stored(4, properties={'os_glance_importing_to_stores': ''})
        self.has(stored=7, staged=123, images=4, uploading=3)

    def test_a_lease_tells_better_than_the_record_what_is_staged(self) -> None:
        lease = self.begun('importing', size=20)
        self.usage.reserve(_work(lease), _ME, {}, stored=0, staged=50)
        self.has(staged=50, images=1, uploading=1)
        self.usage.reserve(_work(lease), _ME, {}, stored=0, staged=0)
        self.has(staged=20, images=1, uploading=1)

    def test_a_reservation_lasts_as_long_as_its_lease(self) -> None:
        lease = self.begun()
        self.has(images=1)
        self.assertEqual(8, self.usage.reserve(_work(lease), _ME, _limits(stored=8), stored=8, staged=0))
        self.has(stored=8, images=1, uploading=1)
        self.assertEqual([_ME], self.usage.projects())
        image = self.images.get(lease.image_id, base.ADMIN)
        image.size, image.locations, image.status = 8, [Location('file:///x')], 'active'
        self.images.save(image, from_state='saving', drop=lease)
        self.has(stored=8, images=1)

    def test_saying_it_anew_replaces_what_was_said(self) -> None:
        lease = self.begun()
        for size in (5, 10, 10, 2):
            self.usage.reserve(_work(lease), _ME, _limits(stored=10), stored=size, staged=1)
            self.has(stored=size, staged=1, images=1, uploading=1)

    def test_too_much_changes_nothing(self) -> None:
        self.stored(6)
        lease = self.begun()
        self.usage.reserve(_work(lease), _ME, _limits(stored=10), stored=4, staged=0)
        refused = self.assertRaises(
            errors.LimitExceeded, self.usage.reserve, _work(lease), _ME, _limits(stored=10), stored=5, staged=0
        )
        self.assertIn('the limit of stored', str(refused))
        self.has(stored=10, images=2, uploading=1)

    def test_less_will_do(self) -> None:
        self.stored(6)
        lease = self.begun()

        def reserve(least: int) -> int:
            return self.usage.reserve(_work(lease), _ME, _limits(stored=10), stored=100, staged=0, least=least)

        self.assertEqual(4, reserve(3))
        self.assertEqual(4, reserve(4))
        self.assertRaises(errors.LimitExceeded, reserve, 5)
        self.has(stored=10, images=2, uploading=1)

    def test_nothing_is_reserved_without_lease(self) -> None:
        lease = self.begun()
        self.leases.release(lease)
        self.assertRaises(errors.LeaseLost, self.usage.reserve, _work(lease), _ME, {}, stored=1, staged=0)
        self.has(images=1, uploading=1)

    def test_the_number_of_images_with_data_on_the_way(self) -> None:
        self.add(status='uploading')
        first, second = self.begun(), self.begun()
        limits = _limits(uploading=2)
        self.usage.reserve(_work(first), _ME, limits, stored=0, staged=0)
        self.assertRaises(errors.LimitExceeded, self.usage.reserve, _work(second), _ME, limits, stored=0, staged=0)
        self.assertEqual(2, self.usage.of(_ME)[quota.UPLOADING])

    def test_the_number_of_images(self) -> None:
        limits = _limits(images=2)
        made = [Image(str(uuid.uuid4()), owner=_ME) for _number in range(3)]
        for image in made[:2]:
            self.images.add(image, limits=limits)
        self.assertRaises(errors.LimitExceeded, self.images.add, made[2], limits=limits)
        self.has(images=2)
        self.images.remove(made[0])
        self.images.add(made[2], limits=limits)

    def test_a_location_over_the_limit_is_not_added(self) -> None:
        image = self.images.get(self.stored(6).id, self.me)
        image.locations.append(Location('http://example.org/x'))
        self.assertRaises(errors.LimitExceeded, self.images.save, image, from_state='active', limits=_limits(stored=11))
        self.has(stored=6, images=1)
        self.images.save(image, from_state='active', limits=_limits(stored=12))
        self.has(stored=12, images=1)

    def test_many_at_once_never_exceed_the_limit(self) -> None:
        """Reservations, images that become active, and those that are given up, all at the same time."""
        limits = _limits(stored=50)
        begun = [self.begun() for _number in range(16)]
        barrier = threading.Barrier(len(begun))
        granted, seen, failures = [], [], []

        def work(lease: Lease) -> None:
            barrier.wait()
            try:
                self.usage.reserve(_work(lease), _ME, limits, stored=10, staged=0)
                image = self.images.get(lease.image_id, base.ADMIN)
                image.size, image.locations, image.status = 10, [Location(f'file:///{image.id}')], 'active'
                self.images.save(image, from_state='saving', drop=lease)
                granted.append(lease)
            except errors.LimitExceeded:
                self.leases.release(lease)
            except Exception as error:
                failures.append(error)
            seen.append(self.usage.of(_ME)[quota.STORED])

        threads = [threading.Thread(target=work, args=[lease]) for lease in begun]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        self.assertEqual(5, len(granted))
        self.assertEqual(50, max(seen))
        self.assertEqual(50, self.usage.of(_ME)[quota.STORED])
        self.assertEqual([], self.rows(leases))

    def test_many_images_at_once(self) -> None:
        made = [Image(str(uuid.uuid4()), owner=_ME) for _number in range(10)]
        barrier = threading.Barrier(len(made))

        def work(image: Image) -> None:
            barrier.wait()
            try:
                self.images.add(image, limits=_limits(images=4))
            except errors.LimitExceeded:
                refused.append(image)

        refused: list[Image] = []
        threads = [threading.Thread(target=work, args=[image]) for image in made]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(6, len(refused))
        self.has(images=4)

    def test_the_id_of_a_purged_image_is_not_given_again(self) -> None:
        image = self.add()
        now = self.database.now()
        for _twice in range(2):
            with self.database.write() as connection:
                connection.execute(sa.delete(tables.images))
                tombstones.bury(connection, [image.id], now)
        self.assertRaises(errors.DuplicateImage, self.images.add, Image(image.id, owner=_ME))
        self.assertEqual([], self.rows(tables.images))
        self.images.add(Image(str(uuid.uuid4()), owner=_ME))


class SQLiteUsageTest(_Usage, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBUsageTest(_Usage, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLUsageTest(_Usage, base.RepositoryTestCase):
    kind = 'postgresql'
