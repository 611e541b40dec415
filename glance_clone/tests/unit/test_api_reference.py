# SPDX-License-Identifier: Apache-2.0
"""The parameters of the API reference are whole and in order, as its builder demands."""

from __future__ import annotations

import pathlib
import re

import yaml
from oslotest import base

_FILE = pathlib.Path(__file__).parents[3] / 'api-ref' / 'source' / 'parameters.yaml'
_PLACES = ('header', 'path', 'query', 'body')


class ParametersTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        if not _FILE.exists():
            self.skipTest('the reference is only in the source tree')
        self.text = _FILE.read_text()
        self.parameters = yaml.safe_load(self.text)

    def test_each_is_whole(self):
        for name, values in self.parameters.items():
            self.assertIsInstance(values, dict, name)
            self.assertLessEqual({'description', 'in', 'required', 'type'}, values.keys(), name)

    def test_none_is_there_twice(self):
        names = re.findall(r'^([\w.-]+):$', self.text, re.MULTILINE)
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_they_are_in_order(self):
        order = [(_PLACES.index(values['in']), name.lower()) for name, values in self.parameters.items()]
        self.assertEqual(sorted(order), order)
