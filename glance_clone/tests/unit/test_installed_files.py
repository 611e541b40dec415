# SPDX-License-Identifier: Apache-2.0
"""The files that an installation brings along beside the package."""

import configparser
import pathlib
import unittest

from oslotest import base

_ROOT = pathlib.Path(__file__).parents[3]


@unittest.skipUnless((_ROOT / 'setup.cfg').exists(), 'this is not the source tree')
class InstalledFilesTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        parser = configparser.ConfigParser()
        parser.read(_ROOT / 'setup.cfg')
        self.lines = [line.strip() for line in parser['files']['data_files'].splitlines() if line.strip()]

    def test_every_line_names_files(self):
        """Only ``target = directory/*`` is expanded, and only in one line; other lines add a file to the target before them."""
        for line in self.lines:
            target, equals, source = (part.strip() for part in line.partition('='))
            if equals:
                self.assertEqual('*', source.rpartition('/')[2], line)
                self.assertTrue(any((_ROOT / source[:-1]).iterdir()), line)
            else:
                self.assertTrue((_ROOT / target).is_file(), line)

    def test_samples_lie_beside_the_configuration(self):
        place = self.lines.index('etc/glance = etc/glance/*')
        self.assertEqual('etc/ovf-metadata.json.sample', self.lines[place + 1])
