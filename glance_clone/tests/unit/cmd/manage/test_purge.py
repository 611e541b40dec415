# SPDX-License-Identifier: Apache-2.0
"""Words and exit codes of purging."""

from __future__ import annotations

import datetime
import uuid

from glance_clone.db.engine import Database
from glance_clone.db.repos.images import ImageRepository
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.tests.functional.db.base import configured
from glance_clone.tests.unit.cmd.manage import base

_TABLES = ['image_properties', 'image_tags', 'image_members', 'image_locations', 'tasks']


class PurgeTest(base.ManageTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.manage('db', 'sync')

    def delete_images(self, count: int, days: int) -> None:
        """Leave rows of images with a property each that were deleted some days ago."""
        database = Database(configured(f'sqlite:///{self.directory}/images.sqlite'))
        images = ImageRepository(database, 60)
        for _ in range(count):
            image = Image(str(uuid.uuid4()), owner='p', properties={'a': 'b'})
            images.add(image)
            images.remove(images.get(image.id, Caller('p')))
        with database.write() as connection:
            for table in ('images', 'image_properties'):
                past = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
                connection.exec_driver_sql(f'UPDATE {table} SET deleted_at = ?', (past.strftime('%Y-%m-%d %H:%M:%S.000000'),))
        database.dispose()

    def test_defaults(self) -> None:
        self.delete_images(3, 31)
        code, printed = self.manage('db', 'purge')
        wanted = ['image_properties: 3 rows purged, 0 left.', *(f'{table}: 0 rows purged, 0 left.' for table in _TABLES[1:])]
        self.assertEqual((0, wanted), (code, printed.splitlines()))
        self.assertEqual((0, 'images: 0 rows purged, 0 left.\n'), self.manage('db', 'purge_images_table'))
        self.assertEqual((0, 'images: 3 rows purged, 0 left.\n'), self.manage('db', 'purge_images_table', '30', '-1'))

    def test_limits(self) -> None:
        self.delete_images(3, 31)
        for arguments, wanted in (
            (('db', 'purge', '--age_in_days', '32'), '0 rows purged, 0 left'),
            (('db', 'purge', '30', '0'), '0 rows purged, 3 left'),
            (('db', 'purge', '--max_rows', '1'), '1 rows purged, 2 left'),
            (('db_purge', '30', '1'), '1 rows purged, 1 left'),
            (('db_purge', '--max_rows', '-1'), '1 rows purged, 0 left'),
        ):
            code, printed = self.manage(*arguments)
            self.assertEqual((0, f'image_properties: {wanted}.'), (code, printed.splitlines()[0]), arguments)

    def test_images_before_what_belongs_to_them(self) -> None:
        self.delete_images(1, 200)
        code, _, complaint = self.run_main('--config-file', str(self.config), 'db', 'purge_images_table')
        self.assertEqual(1, code)
        self.assertIn('Run "glance-manage db purge" first', complaint)

    def test_values_out_of_bounds(self) -> None:
        for action in ('purge', 'purge_images_table'):
            for option, value in (
                ('--age_in_days', '-1'),
                ('--age_in_days', '100000'),
                ('--max_rows', '-2'),
                ('--max_rows', '2147483648'),
            ):
                code, printed, complaint = self.run_main('--config-file', str(self.config), 'db', action, option, value)
                self.assertEqual((1, ''), (code, printed))
                self.assertIn(f'ERROR: {option[2:]}', complaint)
            for option in ('--age_in_days', '--max_rows'):
                self.assertEqual(2, self.manage('db', action, option, 'x')[0])
            code, _, complaint = self.run_main('--config-file', str(self.config), 'db', action, 'x')
            self.assertEqual((1, True), (code, 'age_in_days must be a whole number' in complaint))
            self.assertEqual(0, self.manage('db', action, '--max_rows', '2147483647')[0])
