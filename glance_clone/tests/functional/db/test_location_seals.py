# SPDX-License-Identifier: Apache-2.0
"""Locations in the database are sealed on every way in, and read on every way out, on every database (P12, D-14)."""

from __future__ import annotations

from glance_clone.db import sealing
from glance_clone.db.engine import Database
from glance_clone.db.models import image as tables
from glance_clone.db.repos.images import ImageRepository
from glance_clone.db.repos.location_seals import LocationSeals
from glance_clone.db.repos.location_seals import Outcome
from glance_clone.db.repos.locations import LocationRepository
from glance_clone.domain.image import Image
from glance_clone.domain.location import UNREADABLE
from glance_clone.domain.location import Location
from glance_clone.domain.query import ImageQuery
from glance_clone.tests.functional.db import base

KEY, NEW = '0123456789abcdef', 'fedcba9876543210fedcba98'
SECRET = 'swift+https://canary@host/container/'


class _Seals:
    def sealed(self, **options: object) -> ImageRepository:
        """Return a repository on the same database that seals."""
        options = {'metadata_encryption_key': KEY, **options}
        conf = base.configured(self.url)
        for name, value in options.items():
            conf.set_override(name, value)
        self.other = Database(conf)
        self.addCleanup(self.other.dispose)
        return ImageRepository(self.other, base.TTL)

    def image(self, images: ImageRepository) -> Image:
        image = self.add(status='active', disk_format='raw', container_format='bare')
        image = images.get(image.id, self.me)
        image.locations = [Location(SECRET + name, {'n': name}) for name in 'ab']
        images.save(image, from_state='active')
        return image

    def values(self) -> list[str]:
        return sorted(row['value'] for row in self.rows(tables.locations))

    def test_every_way(self) -> None:
        for form in (sealing.COMPATIBLE, sealing.AUTHENTICATED):
            images = self.sealed(metadata_encryption_form=form)
            image = self.image(images)
            self.assertEqual([], [value for value in self.values() if 'canary' in value or '://' in value])
            wanted = [SECRET + name for name in 'ab']
            self.assertEqual(wanted, [location.url for location in images.get(image.id, self.me).locations])
            listed = {found.id: found for found in images.list(ImageQuery(), self.me)}
            self.assertEqual(wanted, [location.url for location in listed[image.id].locations])
            single = LocationRepository(self.other).get(image.locations[0].id)
            self.assertEqual(SECRET + 'a', single.url)

    def test_changed_locations(self) -> None:
        images = self.sealed()
        image = self.image(images)
        image.locations[0].metadata['k'] = 'v'
        image.locations[1].url = SECRET + 'c'
        images.save(image, from_state='active')
        self.assertEqual([], [value for value in self.values() if 'canary' in value])
        found = images.get(image.id, self.me).locations
        self.assertEqual([SECRET + 'a', SECRET + 'c'], [location.url for location in found])

    def test_metadata_of_what_cannot_be_read_can_change(self) -> None:
        image = self.image(self.sealed())
        before = self.values()
        found = self.images.get(image.id, self.me)
        self.assertEqual([UNREADABLE] * 2, [location.url for location in found.locations])
        found.locations[0].metadata = {'store': 'fast'}
        self.images.save(found, from_state='active')
        self.assertEqual(before, self.values())

    def test_two_locations_of_one_url_keep_apart(self) -> None:
        images = self.sealed()
        image = images.get(self.add(status='active').id, self.me)
        image.locations = [Location(SECRET, {'n': '1'}), Location(SECRET, {'n': '2'})]
        images.save(image, from_state='active')
        self.assertEqual(2, len({location.id for location in image.locations}))

    def test_a_new_key(self) -> None:
        clear = self.add(status='active', locations=[Location(SECRET + 'clear')])
        old = self.image(self.sealed())
        current = self.image(self.sealed(metadata_encryption_key=NEW, metadata_encryption_further_keys=[KEY]))
        seals, steps = LocationSeals(self.other), []
        self.assertEqual(5, seals.count())
        self.assertEqual(Outcome(changed=3, current=2), seals.renew(steps.append))
        self.assertEqual([5], steps)
        self.assertEqual(Outcome(current=5), seals.renew(steps.append))
        images = self.sealed(metadata_encryption_key=NEW)
        for image, names in ((clear, ['clear']), (old, 'ab'), (current, 'ab')):
            urls = [location.url for location in images.get(image.id, self.me).locations]
            self.assertEqual([SECRET + name for name in names], urls)

    def test_locations_without_their_key_are_left_alone(self) -> None:
        self.image(self.sealed())
        before = self.values()
        self.sealed(metadata_encryption_key=NEW)
        self.assertEqual(Outcome(unreadable=2), LocationSeals(self.other).renew(lambda count: None))
        self.assertEqual(before, self.values())

    def test_back_to_the_clear(self) -> None:
        image = self.image(self.sealed(metadata_encryption_form=sealing.AUTHENTICATED))
        self.sealed(metadata_encryption_key=None, metadata_encryption_further_keys=[KEY])
        self.assertEqual(Outcome(changed=2), LocationSeals(self.other).renew(lambda count: None))
        found = self.images.get(image.id, self.me)
        self.assertEqual([SECRET + name for name in 'ab'], [location.url for location in found.locations])


class SQLiteTest(_Seals, base.RepositoryTestCase):
    kind = 'sqlite'


class MariaDBTest(_Seals, base.RepositoryTestCase):
    kind = 'mariadb'


class PostgreSQLTest(_Seals, base.RepositoryTestCase):
    kind = 'postgresql'
