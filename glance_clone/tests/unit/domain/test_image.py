# SPDX-License-Identifier: Apache-2.0
"""The status machine of images."""

import itertools

from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location

FORMATS = {'disk_format': 'raw', 'container_format': 'bare'}


class ReservedTest(base.BaseTestCase):
    def test_names_of_the_service_in_any_spelling(self):
        for name in ('os_glance', 'os_glance_import_task', 'OS_Glance_x', '\uff4fs_glance_x', '\xf6s_glance_x'):
            self.assertTrue(images.is_reserved(name), name)
        for name in ('', 'os_distro', 'my_os_glance', 'os-glance', 'os_gl\u0430nce'):
            self.assertFalse(images.is_reserved(name), name)


class StatusMachineTest(base.BaseTestCase):
    def test_every_move_is_allowed_or_refused_as_listed(self):
        for current, wanted in itertools.product(images.TRANSITIONS, repeat=2):
            image = Image('i', status=current, **FORMATS)
            if wanted in images.TRANSITIONS[current]:
                image.move_to(wanted)
                self.assertEqual(wanted, image.status)
            else:
                self.assertRaises(errors.IllegalTransition, image.move_to, wanted)
                self.assertEqual(current, image.status)

    def test_data_needs_both_formats(self):
        for formats in ({}, {'disk_format': 'raw'}, {'container_format': 'bare'}):
            image = Image('i', **formats)
            self.assertRaises(errors.FormatNotSet, image.move_to, images.SAVING)
            self.assertEqual(images.QUEUED, image.status)

    def test_queued_forgets_the_data(self):
        image = Image('i', status=images.SAVING, size=5, virtual_size=5, checksum='c', os_hash_algo='sha512')
        image.locations = [Location('file:///x')]
        image.move_to(images.QUEUED)
        self.assertEqual(
            (None, None, None, None, []), (image.size, image.virtual_size, image.checksum, image.os_hash_algo, image.locations)
        )
