# SPDX-License-Identifier: Apache-2.0
"""Completing locations as images are read."""

from oslotest import base

from glance_clone.domain.location import Location
from glance_clone.layers.attribution import Attribution
from glance_clone.tests.unit.layers import fakes


class AttributionTest(base.BaseTestCase):
    def test_what_is_read_names_its_store_and_the_row_stays(self):
        parts, records, _, _ = fakes.parts()
        row = records.rows['i'] = fakes.queued_image()
        row.locations = [Location('mem://i')]
        self.assertEqual('mem', Attribution(records, parts).get('i', None).locations[0].store)
        self.assertIsNone(records.rows['i'].locations[0].store)
