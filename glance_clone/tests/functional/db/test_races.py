# SPDX-License-Identifier: Apache-2.0
"""One winner in every race, and nobody's change is lost (R6, R7, F08), on every database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from unittest import mock

from oslo_db import exception as db_exc

from glance_clone.db.models import image as tables
from glance_clone.db.models.lease import leases
from glance_clone.db.repos import image_writes
from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.tests.functional.db import base


class _Races:
    def race(self, *works: Callable[[], Any]) -> list[Any]:
        """Do all at once in threads; return the results, or what was raised, in their order."""
        barrier = threading.Barrier(len(works))
        results: list[Any] = [None] * len(works)

        def run(number: int, work: Callable[[], Any]) -> None:
            barrier.wait()
            try:
                results[number] = work()
            except Exception as error:
                results[number] = error

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def assert_one_winner(self, loss: type[Exception], results: list[Any]) -> None:
        """Assert that all but one failed, in this way."""
        self.assertEqual(sorted([str(None), *[loss.__name__] * (len(results) - 1)]), sorted(map(_kind, results)))

    def test_one_upload_begins(self) -> None:
        image_id = self.add(disk_format='raw', container_format='bare').id
        copies = [self.images.get(image_id, self.me) for _ in range(6)]

        def begin(number: int) -> None:
            copy = copies[number]
            copy.move_to('saving')
            self.images.save(copy, from_state='queued', take=self.lease(copy, owner=f'worker {number}'))

        self.assert_one_winner(errors.StateChanged, self.race(*(lambda n=n: begin(n) for n in range(6))))
        self.assertEqual(1, len(self.rows(leases)))

    def test_one_of_two_different_changes_of_state(self) -> None:
        image = self.add(status='active')
        first, second = (self.images.get(image.id, self.me) for _ in range(2))
        first.status, second.status = 'deactivated', 'pending_delete'
        results = self.race(*(lambda i=i: self.images.save(i, from_state='active') for i in (first, second)))
        self.assertEqual(1, results.count(None), results)

    def test_one_delete(self) -> None:
        image = self.add(properties={'a': 'b'}, tags={'t'})
        self.assert_one_winner(errors.ImageNotFound, self.race(*[lambda: self.images.remove(image)] * 3))

    def test_upload_against_delete(self) -> None:
        image = self.add(disk_format='raw', container_format='bare', status='saving')
        upload = self.images.get(image.id, self.me)
        upload.move_to('active')
        upload.locations = [Location('file:///x')]
        done, removed = self.race(lambda: self.images.save(upload, from_state='saving'), lambda: self.images.remove(image))
        self.assertIsNone(removed)
        self.assertIn(_kind(done), ('None', 'ImageNotFound'))
        self.assertEqual([], self.rows(tables.locations, deleted=False))

    def test_every_property_is_kept(self) -> None:
        image_id = self.add().id
        copies = [self.images.get(image_id, self.me) for _ in range(8)]
        for number, copy in enumerate(copies):
            copy.properties[f'p{number}'] = copy.properties['same'] = f'{number}'
            copy.tags |= {f't{number}', 'same'}
        self.assertEqual([None] * 8, self.race(*(lambda c=c: self.images.save(c) for c in copies)))
        found = self.images.get(image_id, self.me)
        self.assertEqual({f'p{n}' for n in range(8)} | {'same'}, set(found.properties))
        self.assertEqual(9, len(self.rows(tables.tags)))

    def test_changes_that_rest_on_what_was_read(self) -> None:
        conflicting = {
            'properties': (lambda i: i.properties.update(b='2'), lambda i: i.properties.update(c='3')),
            'tags': (lambda i: setattr(i, 'tags', {'x'}), lambda i: setattr(i, 'tags', {'y'})),
            'removed and changed': (lambda i: i.properties.pop('a'), lambda i: i.properties.update(a='2')),
            'removed twice': (lambda i: i.properties.pop('a'), lambda i: i.properties.pop('a')),
            'visibility': (lambda i: setattr(i, 'visibility', 'public'), lambda i: setattr(i, 'visibility', 'private')),
            'owner and name': (lambda i: setattr(i, 'owner', 'project-b'), lambda i: setattr(i, 'name', 'n')),
        }
        for what, changes in conflicting.items():
            image_id = self.add(properties={'a': '1'}, tags={'t'}).id
            first, second = (self.images.get(image_id, base.ADMIN) for _ in range(2))
            for image, change in zip((first, second), changes, strict=True):
                change(image)
            self.images.save(first, if_unchanged=True)
            error = self.assertRaises(errors.StateChanged, self.images.save, second, if_unchanged=True)
            self.assertNotIn('UPDATE', str(error), what)
            found = self.images.get(image_id, base.ADMIN)
            self.assertEqual(
                (first.properties, first.tags, first.visibility, first.owner, None),
                (found.properties, found.tags, found.visibility, found.owner, found.name),
            )

    def test_changes_that_do_not_touch_each_other(self) -> None:
        image_id = self.add(properties={'a': '1', 'b': '1'}, tags={'t'}).id
        copies = [self.images.get(image_id, self.me) for _ in range(5)]
        copies[0].name = 'n'
        copies[1].properties['a'] = '2'
        copies[2].tags.add('x')
        copies[3].min_ram = 5
        copies[4].properties['b'] = '2'
        results = self.race(*(lambda c=c: self.images.save(c, if_unchanged=True) for c in copies))
        self.assertEqual([None] * 5, results)
        found = self.images.get(image_id, self.me)
        self.assertEqual(('n', 5, {'t', 'x'}), (found.name, found.min_ram, found.tags))
        self.assertEqual({'a': '2', 'b': '2'}, found.properties)

    def test_service_properties_are_not_in_the_way(self) -> None:
        image_id = self.add().id
        first, second = (self.images.get(image_id, self.me) for _ in range(2))
        first.properties['os_glance_failed_import'] = 'x'
        self.images.save(first)
        second.properties['b'] = '2'
        self.images.save(second, if_unchanged=True)
        self.assertEqual({'b', 'os_glance_failed_import'}, set(self.images.get(image_id, self.me).properties))

    def test_one_location_stays(self) -> None:
        image = self.add(status='active', locations=[Location('file:///x'), Location('file:///y')])
        first, second = (self.images.get(image.id, self.me) for _ in range(2))
        del first.locations[0]
        del second.locations[1]
        results = self.race(*(lambda i=i: self.images.save(i, from_state='active', if_unchanged=True) for i in (first, second)))
        self.assert_one_winner(errors.StateChanged, results)
        self.assertEqual(1, len(self.images.get(image.id, self.me).locations))

    def test_one_image_of_an_id(self) -> None:
        image_id = self.add().id
        self.images.remove(self.images.get(image_id, self.me))
        new = '0a1b2c3d-aaaa-bbbb-cccc-0123456789ef'
        results = self.race(*[lambda: self.add(id=new, properties={'a': 'b'}) and None] * 4)
        self.assert_one_winner(errors.DuplicateImage, results)


class _Repeats:
    """Work is repeated where it failed in passing, and counts once where it had been done."""

    def setUp(self) -> None:
        super().setUp()
        self.image = self.images.get(self.add(disk_format='raw', container_format='bare', properties={'a': '1'}).id, self.me)

    def test_deadlocks(self) -> None:
        self.image.properties['a'] = '2'
        real, failures = image_writes.write_children, [db_exc.DBDeadlock(), db_exc.DBConnectionError()]

        def fail(*args: Any) -> None:
            if failures:
                raise failures.pop()
            real(*args)

        with mock.patch.object(image_writes, 'write_children', fail):
            self.images.save(self.image)
        self.assertEqual('2', self.images.get(self.image.id, self.me).properties['a'])

    def test_deadlocks_without_end(self) -> None:
        self.patch('glance_clone.db.engine.RETRY_TIME', 0.3)
        with mock.patch.object(image_writes, 'update', side_effect=db_exc.DBDeadlock):
            error = self.assertRaises(errors.DatabaseUnavailable, self.images.save, self.image)
        self.assertNotIn('UPDATE', str(error))

    def patch(self, target: str, value: object) -> None:
        patcher = mock.patch(target, value)
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_add(self) -> None:
        with self.lost_commits():
            image = self.add(tags={'t'})
        self.assertEqual({'t'}, self.images.get(image.id, self.me).tags)
        with self.lost_commits(times=0):
            self.assertRaises(errors.DuplicateImage, self.add, id=image.id)

    def test_save(self) -> None:
        self.image.properties = {'b': '1'}
        self.image.tags = {'t'}
        with self.lost_commits(times=2):
            self.images.save(self.image)
        found = self.images.get(self.image.id, self.me)
        self.assertEqual(({'b': '1'}, {'t'}), (found.properties, found.tags))
        self.assertEqual(1, len(self.rows(tables.tags)))

    def test_save_that_rests_on_what_was_read(self) -> None:
        self.image.properties = {'b': '1'}
        self.image.tags = {'t'}
        self.image.visibility = 'community'
        with self.lost_commits(times=2):
            self.images.save(self.image, if_unchanged=True)
        found = self.images.get(self.image.id, self.me)
        self.assertEqual(({'b': '1'}, {'t'}, 'community'), (found.properties, found.tags, found.visibility))

    def test_states_leases_and_locations(self) -> None:
        image, lease = self.image, self.lease(self.image)
        image.move_to('saving')
        with self.lost_commits():
            self.images.save(image, from_state='queued', take=lease)
        image.move_to('active')
        image.locations = [Location('file:///x')]
        with self.lost_commits():
            self.images.save(image, from_state='saving', drop=lease)
        (row,) = self.rows(tables.locations)
        self.assertEqual(row['id'], image.locations[0].id)
        self.assertEqual([], self.rows(leases))
        image.locations.append(Location('file:///y'))
        with self.lost_commits():
            self.images.save(image, from_state='active')
        self.assertEqual(2, len(self.rows(tables.locations)), 'the same state again, and still only once')

    def test_a_state_that_somebody_else_reached(self) -> None:
        lease = self.lease(self.image)
        with self.lost_commits(times=0):
            self.change(tables.images, status='saving')
            self.image.move_to('saving')
            self.assertRaises(errors.StateChanged, self.images.save, self.image, from_state='queued', take=lease)

    def test_remove(self) -> None:
        lease = self.lease(self.image, 'delete')
        self.images.save(self.image, from_state='queued', take=lease)
        with self.lost_commits():
            self.images.remove(self.image, drop=lease)
        self.assertRaises(errors.ImageNotFound, self.images.remove, self.image)


def _kind(result: object) -> str:
    return type(result).__name__ if result is not None else 'None'


class SQLiteRacesTest(_Races, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBRacesTest(_Races, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLRacesTest(_Races, base.RepositoryTestCase):
    kind = 'postgresql'


class SQLiteRepeatsTest(_Repeats, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBRepeatsTest(_Repeats, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLRepeatsTest(_Repeats, base.RepositoryTestCase):
    kind = 'postgresql'
