# SPDX-License-Identifier: Apache-2.0
"""Downloads whose data is not where the record says."""

from unittest import mock

import fixtures
from oslotest import base

from glance_clone.api.serial.image_data import Wish
from glance_clone.api.v2 import image_data
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location


class MissingDataTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger(format='%(levelname)s %(message)s'))
        self.image = Image('i', status='active', size=3, locations=[Location('file:///i')])
        self.api = mock.Mock()
        self.api.data.read.side_effect = errors.DataMissing('gone')

    def _download(self, *found):
        self.api.door.image.side_effect = found
        return image_data.download(self.api, mock.Mock(is_admin=False), {'image_id': 'i'}, Wish((None, None)))

    def test_deleted_meanwhile(self):
        self.assertRaises(errors.ImageNotFound, self._download, self.image, errors.ImageNotFound('i'))
        self.assertIn('INFO Image i was deleted', self.log.output)
        self.assertNotIn('ERROR', self.log.output)

    def test_lost(self):
        self.assertRaises(errors.DataMissing, self._download, self.image, self.image)
        self.assertIn('ERROR Image i has lost its data', self.log.output)
