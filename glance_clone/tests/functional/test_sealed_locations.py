# SPDX-License-Identifier: Apache-2.0
"""A service whose locations are sealed: nothing of them is in the database, and all of it works (P12, D-14)."""

from __future__ import annotations

import sqlite3

from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

KEY, NEW = 'first key of all', 'the key after it'


class SealedLocationsTest(base.ServiceTestCase):
    """With ``metadata_encryption_key``."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {'DEFAULT': {'metadata_encryption_key': KEY, 'show_image_direct_url': True}}
        return service.Service(database_url, cls.launcher, options, processes=1)

    def _configure(self, **options: str) -> None:
        """Give the service other options, and restart it."""
        lines = self.service.config_file.read_text().splitlines()
        kept = [line for line in lines if not line.startswith('metadata_encryption')]
        kept[1:1] = [f'{name} = {value}' for name, value in options.items()]
        self.service.config_file.write_text('\n'.join(kept))
        self.service.restart()

    def _stored(self) -> list[str]:
        """Return what the database has as urls of locations."""
        with sqlite3.connect(self.service.database.removeprefix('sqlite:///')) as connection:
            return [value for (value,) in connection.execute("SELECT value FROM image_locations WHERE status = 'active'")]

    def test_life_of_an_image_while_the_key_changes(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, b'data').status_code)
        url = self.show(image_id)['direct_url']
        self.assertTrue(url.endswith(f'/fast/{image_id}'), url)
        before = self._stored()
        self.assertEqual([], [value for value in before if image_id in value or 'file' in value])

        self._configure(metadata_encryption_key=NEW, metadata_encryption_further_keys=KEY)
        self.assertEqual((url, b'data'), (self.show(image_id)['direct_url'], self.download(image_id).content))
        self.assertIn('1 sealed anew', self.service.manage('db', 'reseal_locations'))
        self.assertNotEqual(before, self._stored())

        self._configure(metadata_encryption_key=NEW, metadata_encryption_form='authenticated')
        self.assertEqual(b'data', self.download(image_id).content)
        self.assertIn('1 sealed anew', self.service.manage('db', 'reseal_locations'))
        self.assertTrue(all(value.startswith('gcm1:') for value in self._stored()))
        self.assertEqual(b'data', self.download(image_id).content)

        self._configure(metadata_encryption_key=KEY)
        self.assertEqual(503, self.download(image_id).status_code, 'without the key nobody knows where the data is')
        self.assertEqual(503, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code, 'nor may it be forgotten')
        error = self.assertRaises(RuntimeError, self.service.manage, 'db', 'reseal_locations')
        self.assertIn('1 locations cannot be read', str(error))

        self._configure(metadata_encryption_key=NEW)
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual([], [name for name in self.service.files() if image_id in name])
        self.assertNotIn(url, self.service.log())
