# SPDX-License-Identifier: Apache-2.0
"""Single copies of images, on every database: the last one stays, whatever happens at the same time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.db.repos.delayed_deletes import DelayedDeletes
from glance_clone.db.repos.locations import LocationRepository
from glance_clone.db.repos.tasks import TaskRepository
from glance_clone.domain import errors
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.importing import LOCK
from glance_clone.domain.location import Location
from glance_clone.domain.task import Task
from glance_clone.tests.functional.db import base


class _Locations:
    def setUp(self) -> None:
        super().setUp()
        self.locations = LocationRepository(self.database)
        self.tasks, self.deletes = TaskRepository(self.database, base.TTL, 1), DelayedDeletes(self.database, base.TTL)
        image = self.add(status='active', locations=[Location('file:///a'), Location('file:///b')])
        self.image = self.images.get(image.id, self.me)

    def _mark(self, image: Image, number: int, take: bool = True) -> base.Lease:
        lease = self.lease(image, 'remove-copy', owner=f'worker {number}')
        image.locations[number].status = 'pending_delete'
        self.images.save(image, from_state='active', take=lease if take else None)
        return lease

    def _urls(self) -> list[str]:
        return [location.url for location in self.images.get(self.image.id, self.me).locations]

    def test_a_marked_copy_is_seen_by_nobody_but_its_remover(self) -> None:
        lease = self._mark(self.image, 0)
        self.assertEqual(['file:///b'], self._urls())
        number = self.image.locations[0].id
        self.assertEqual(self.image.locations[0], self.locations.get(number))
        self.locations.bury(number, lease)
        (row,) = self.rows(tables.locations, id=number)
        self.assertEqual(('deleted', True, []), (row['status'], row['deleted'], self.rows(leases)))
        self.assertIsNone(self.locations.get(number + 100))

    def test_a_copy_is_given_back(self) -> None:
        lease = self._mark(self.image, 0)
        self.locations.revive(self.image.locations[0].id, lease)
        self.assertEqual((['file:///a', 'file:///b'], []), (self._urls(), self.rows(leases)))
        self.assertRaises(errors.LeaseLost, self.locations.revive, self.image.locations[0].id, lease)

    def test_the_last_copy_stays(self) -> None:
        lease = self._mark(self.image, 0)
        self.locations.bury(self.image.locations[0].id, lease)
        image = self.images.get(self.image.id, self.me)
        self.assertRaises(errors.LastCopy, self._mark, image, 0)
        image.locations = []
        self.assertRaises(errors.LastCopy, self.images.save, image, 'active')
        self.assertEqual((['file:///b'], []), (self._urls(), self.rows(leases)))

    def test_of_two_copies_one_is_removed_at_a_time(self) -> None:
        for take in (True, False):
            copies = [self.images.get(self.image.id, self.me) for _ in range(2)]
            raised: list[Exception] = []
            barrier = threading.Barrier(2)

            def mark(number: int, images=copies, take=take, raised=raised, barrier=barrier) -> None:
                barrier.wait()
                try:
                    self._mark(images[number], number, take)
                except (errors.LastCopy, errors.StateChanged) as error:
                    raised.append(error)

            threads = [threading.Thread(target=mark, args=(number,)) for number in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual((1, 1), (len(raised), len(self._urls())), raised)
            self.change(tables.locations, status='active')
            self.change(leases, expires_at=0)

    def _copy(self, image: Image) -> Task:
        task = Task(tasks.IMAGE_IMPORT, 'me', image_id=image.id)
        self.tasks.begin(task, image, 'active', self.lease(image, 'import'))
        return task

    def test_no_copying_begins_while_data_is_removed(self) -> None:
        fresh = self.images.get(self.image.id, self.me)
        lease = self._mark(self.image, 0)
        left = self.images.get(self.image.id, self.me)
        for image in (fresh, left):
            self.assertRaises(errors.StateChanged, self._copy, image)
        self.locations.bury(self.image.locations[0].id, lease)
        self.assertRaises(errors.StateChanged, self._copy, fresh)
        scrub = self.lease(self.image, 'scrub')
        self.deletes.claim(scrub)
        self.assertIn('former data', str(self.assertRaises(errors.StateChanged, self._copy, left)))
        self.deletes.finish(scrub)
        left = self.images.get(self.image.id, self.me)
        self._copy(left)
        self.assertIn(LOCK, self.images.get(self.image.id, self.me).properties)

    def test_no_copying_begins_on_other_locations_than_were_read(self) -> None:
        stale, image = (self.images.get(self.image.id, self.me) for _ in range(2))
        image.locations.append(Location('file:///c'))
        self.images.save(image, from_state='active')
        self.assertRaises(errors.StateChanged, self._copy, stale)
        self.assertEqual([], self.rows(leases))

    def test_a_copy_that_came_in_the_place_of_another_is_not_removed_for_it(self) -> None:
        stale = self.images.get(self.image.id, self.me)
        lease = self._mark(self.image, 0)
        self.locations.bury(self.image.locations[0].id, lease)
        image = self.images.get(self.image.id, self.me)
        image.locations.append(Location('file:///a'))
        self.images.save(image, from_state='active')
        self.assertRaises(errors.StateChanged, self._mark, stale, 0)
        self.assertEqual((['file:///b', 'file:///a'], []), (self._urls(), self.rows(leases)))

    def test_nothing_is_scrubbed_while_copies_are_made(self) -> None:
        image = self.images.get(self.image.id, self.me)
        self._copy(image)
        self.assertRaises(errors.StateChanged, self.deletes.claim, self.lease(image, 'scrub'))

    def test_no_location_comes_back_while_its_data_is_removed(self) -> None:
        image = self.images.get(self.image.id, self.me)
        self.deletes.claim(self.lease(image, 'scrub'))
        image.locations.append(Location('file:///c'))
        self.assertRaises(errors.StateChanged, self.images.save, image, 'active')
        self.assertEqual(['file:///a', 'file:///b'], self._urls())

    def test_copying_and_scrubbing_never_begin_together(self) -> None:
        image = self.images.get(self.image.id, self.me)
        won: list[str] = []
        barrier = threading.Barrier(2)

        def begin(name: str, work: Callable[[], object]) -> None:
            barrier.wait()
            with contextlib.suppress(errors.StateChanged):
                work()
                won.append(name)

        works = {'copy': lambda: self._copy(image), 'scrub': lambda: self.deletes.claim(self.lease(image, 'scrub'))}
        threads = [threading.Thread(target=begin, args=item) for item in works.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(1, len(won), won)


class SQLiteTest(_Locations, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Locations, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLTest(_Locations, base.RepositoryTestCase):
    kind = 'postgresql'
