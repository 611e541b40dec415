# SPDX-License-Identifier: Apache-2.0
"""Custom properties that schema-image.json describes."""

from oslotest import base

from glance_clone.api.schema import custom_properties
from glance_clone.api.schema.custom_properties import BadSchema
from glance_clone.api.schema.image import ImageSchema
from glance_clone.domain import errors

_SCHEMAS = {
    'kernel_id': {'type': ['null', 'string'], 'pattern': '^[a-f0-9-]+$', 'description': 'Kernel'},
    'cores': {'type': 'integer', 'minimum': 1},
    'signed': {'type': 'boolean'},
    'distro': {'type': 'string', 'enum': ['debian', 'fedora']},
}


class CustomPropertiesTest(base.BaseTestCase):
    def _schema(self, document=_SCHEMAS):
        return ImageSchema(['raw'], ['bare'], custom_properties.parse(document))

    def _assert_refused(self, schema, **values):
        self.assertRaises(errors.Invalid, schema.validate, values)

    def test_both_forms(self):
        flat, wrapped = custom_properties.parse(_SCHEMAS), custom_properties.parse({'properties': _SCHEMAS})
        self.assertEqual(flat, wrapped)
        self.assertEqual(('cores',), custom_properties.parse({'properties': _SCHEMAS, 'required': ['cores']}).required)

    def test_a_property_may_be_called_properties(self):
        found = custom_properties.parse({'properties': {'type': 'string'}})
        self.assertEqual({'properties': {'type': 'string'}}, found.schemas)

    def test_the_served_document(self):
        document = self._schema().document
        self.assertEqual({**_SCHEMAS['cores'], 'is_base': False}, document['properties']['cores'])
        self.assertNotIn('is_base', document['properties']['name'])
        self.assertNotIn('required', document)
        required = self._schema({'properties': _SCHEMAS, 'required': ['distro']})
        self.assertEqual(['distro'], required.document['required'])

    def test_values_are_checked(self):
        schema = self._schema()
        schema.validate({'kernel_id': None, 'cores': 4, 'signed': True, 'distro': 'debian', 'other': 'text'})
        for values in ({'kernel_id': 'XYZ'}, {'cores': 0}, {'cores': '4'}, {'distro': 'other'}, {'other': 5}):
            self._assert_refused(schema, **values)

    def test_required_is_for_whole_images(self):
        schema = self._schema({'properties': _SCHEMAS, 'required': ['distro']})
        schema.validate({'name': 'a part'})
        self.assertRaises(errors.Invalid, schema.require_complete, {'name': 'n'})
        schema.require_complete({'distro': 'debian'})

    def test_values_survive_as_text(self):
        schema = self._schema()
        for name, value in (('cores', 4), ('signed', False), ('kernel_id', None)):
            self.assertEqual(value, schema.value(name, custom_properties.text_of(value)))
        self.assertEqual('4', custom_properties.text_of(4))
        self.assertIs(True, schema.value('signed', 'True'))
        self.assertEqual('many', schema.value('cores', 'many'))
        self.assertEqual('', schema.value('cores', None))
        self.assertEqual({'kernel_id', 'cores', 'signed'}, schema.values)

    def test_clashes_with_what_every_image_has(self):
        base_name = ImageSchema(['raw'], ['bare']).document['properties']['name']
        self.assertNotIn('is_base', self._schema({'name': base_name}).document['properties']['name'])
        error = self.assertRaises(BadSchema, self._schema, {'name': {'type': 'integer'}})
        self.assertIn('name', str(error))

    def test_what_is_no_schema(self):
        for document in (
            [],
            {'a': 5},
            {'properties': {}, 'required': 'a'},
            {'a': {'type': 'nonsense'}},
            {'a': {'pattern': '('}},
        ):
            self.assertRaises(BadSchema, self._schema, document)
