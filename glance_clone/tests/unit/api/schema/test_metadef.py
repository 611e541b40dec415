# SPDX-License-Identifier: Apache-2.0
"""The schemas of metadata definitions are those that clients know, apart from their prose."""

from glance_clone.api.schema import metadef_namespace
from glance_clone.api.schema import metadef_object
from glance_clone.api.schema import metadef_property
from glance_clone.api.schema import metadef_tag
from glance_clone.api.v2.metadefs import schemas
from glance_clone.domain import errors
from glance_clone.tests import base
from glance_clone.tests import facts

_PROSE = ('description', 'title')
#: What has names of its own as keys.
_NAMED = ('properties', 'definitions')


def _structure(schema, of_names=False):
    if isinstance(schema, dict):
        return {
            key: _structure(value, key in _NAMED and not of_names)
            for key, value in schema.items()
            if of_names or key not in _PROSE or not isinstance(value, str)
        }
    return [_structure(part) for part in schema] if isinstance(schema, list) else schema


class DocumentTest(base.TestCase):
    def test_structure_is_the_known_one(self):
        for name, document in schemas.DOCUMENTS.items():
            self.assertEqual(facts.load(f'schemas/metadefs-{name}.json')['schema'], _structure(document), name)


class CheckTest(base.TestCase):
    def _assert_refused(self, check, values, text):
        error = self.assertRaises(errors.Invalid, check, values)
        self.assertIn(text, str(error))

    def test_a_message_names_the_attribute(self):
        self._assert_refused(metadef_namespace.check, {'namespace': 5}, 'namespace must be string')
        self._assert_refused(metadef_namespace.check, {'namespace': 'x' * 81}, 'namespace must be shorter')
        self._assert_refused(metadef_tag.check_list, {}, "must contain ['tags']")
        self._assert_refused(metadef_object.check, {'name': 'x', 'colour': 1}, 'colour')

    def test_properties_inside_are_checked(self):
        for properties in ({'p': {}}, {'p': {'title': 'T', 'type': 'colour'}}, {'p': []}, []):
            for check, name in ((metadef_object.check, 'name'), (metadef_namespace.check, 'namespace')):
                self.assertRaises(errors.Invalid, check, {name: 'x', 'properties': properties})

    def test_numbers(self):
        for values in ({'maxLength': -1}, {'minItems': 1.5}, {'minimum': True}, {'minLength': '1'}):
            self.assertRaises(errors.Invalid, metadef_property.check, {'name': 'x', 'title': 'T', 'type': 'string', **values})
