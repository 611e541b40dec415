# SPDX-License-Identifier: Apache-2.0
"""The samples in etc, read by what reads them in a service."""

from __future__ import annotations

import configparser
import json
import pathlib
import unittest

from glance_clone import policies
from glance_clone.api import property_protections
from glance_clone.api.schema import custom_properties
from glance_clone.tests import base
from glance_clone.tests import facts

_ETC = pathlib.Path(__file__).parents[3] / 'etc'


class TestEtc(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        if not _ETC.is_dir():
            raise unittest.SkipTest('the samples are only in the source tree')

    def test_schema_of_images(self) -> None:
        value = json.loads((_ETC / 'schema-image.json').read_text())
        custom_properties.parse(value)
        for name, schema in value.items():
            self.assertGreater(len(schema['description']), 30, name)
        bare = {name: {key: each[key] for key in each if key != 'description'} for name, each in value.items()}
        known = facts.load('image-properties.json')['custom_schema_file']['shipped_sample_properties']
        self.assertEqual(known, bare)

    def test_property_protections(self) -> None:
        rules = {rule.name for rule in policies.list_rules()}
        for kind in ('roles', 'policies'):
            text = (_ETC / f'property-protections-{kind}.conf.sample').read_text()
            protections = property_protections.parse(text, kind)
            self.assertLessEqual(protections.policies(), rules)
            self.assertTrue(protections.rule('create', 'anything').everybody)
            self.assertFalse(protections.rule('read', 'internal_note').everybody)

    def test_accounts_of_swift(self) -> None:
        parser = configparser.ConfigParser()
        parser.read(_ETC / 'glance-swift.conf.sample')
        self.assertEqual(['ref1'], parser.sections())
        for name in ('user', 'key', 'auth_address', 'auth_version', 'user_domain_id', 'project_domain_id'):
            self.assertTrue(parser['ref1'][name], name)

    def test_where_installers_look(self) -> None:
        names = ('glance-api.conf', 'glance-api-paste.ini', 'glance-cache.conf', 'glance-manage.conf')
        for name in (*names, 'glance-image-import.conf.sample'):
            wanted = (_ETC / 'glance' / name.removesuffix('.sample')).read_text()
            self.assertEqual(wanted, (_ETC / name).read_text(), name)
