# SPDX-License-Identifier: Apache-2.0
"""Which plugins an import passes."""

from __future__ import annotations

from oslotest import base

from glance_clone.imports import plugins
from glance_clone.imports.decompression import Decompression
from glance_clone.imports.no_op import NoOp
from glance_clone.tests.unit.imports.material import configuration


class PluginsTest(base.BaseTestCase):
    def load(self, names):
        return [type(step) for step in plugins.load(configuration(f'[image_import_opts]\nimage_import_plugins = {names}\n'))]

    def test_none(self):
        self.assertEqual([], self.load('[]'))

    def test_they_run_in_the_order_of_the_option(self):
        self.assertEqual([NoOp, Decompression], self.load('[no_op,image_decompression]'))
        self.assertEqual([Decompression, NoOp], self.load('[image_decompression,no_op]'))

    def test_a_name_that_is_not_known_stops_the_service(self):
        error = self.assertRaises(ValueError, self.load, '[no_op,unheard_of]')
        self.assertIn('unheard_of', str(error))

    def test_a_plugin_that_cannot_be_set_up_stops_the_service(self):
        conf = '[image_import_opts]\nimage_import_plugins = [image_conversion]\n[wsgi]\npython_interpreter = /nonexistent\n'
        self.assertRaises(ValueError, plugins.load, configuration(conf))
