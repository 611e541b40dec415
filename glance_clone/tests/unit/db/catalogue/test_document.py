# SPDX-License-Identifier: Apache-2.0
"""Documents of the catalogue, good and bad."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import fixtures

from glance_clone.db.catalogue import document
from glance_clone.db.catalogue import files
from glance_clone.tests import base

_WHOLE = {
    'namespace': 'OS::Test',
    'display_name': 'A Test!',
    'description': 'för',
    'visibility': 'public',
    'protected': False,
    'resource_type_associations': [{'name': 'OS::Glance::Image', 'prefix': 'hw_'}],
    'properties': {'a': {'title': 'A', 'type': 'integer', 'default': 5, 'enum': [1, 2]}},
    'objects': [{'name': 'o', 'description': 'd', 'properties': {'p': {'type': 'string'}}, 'required': ['p']}],
    'tags': [{'name': 't'}],
}


class TestDocument(base.TestCase):
    def test_what_was_parsed_can_be_composed(self) -> None:
        self.assertEqual(_WHOLE, document.compose(document.parse(_WHOLE)))

    def test_owner_is_composed_on_demand(self) -> None:
        value = {**_WHOLE, 'owner': 'p'}
        self.assertEqual(value, document.compose(document.parse(value), with_owner=True))

    def test_least(self) -> None:
        parsed = document.parse({'namespace': 'n', 'resource_types': ['other keys do not matter']})
        self.assertEqual('n', parsed.name)
        self.assertIsNone(parsed.namespace['visibility'])
        self.assertEqual([[], [], [], []], [parsed.associations, parsed.properties, parsed.objects, parsed.tags])

    def test_objects_without_properties(self) -> None:
        parsed = document.parse({'namespace': 'n', 'objects': [{'name': 'o'}]})
        self.assertEqual('{}', parsed.objects[0]['json_schema'])
        self.assertIsNone(parsed.objects[0]['required'])

    def test_rows_without_a_definition(self) -> None:
        found = document.parse({'namespace': 'n', 'properties': {'p': {}}, 'objects': [{'name': 'o'}]})
        for row in (*found.properties, *found.objects):
            row['json_schema'] = 'null'
        value = document.compose(found)
        self.assertEqual(({'p': {}}, {}), (value['properties'], value['objects'][0]['properties']))

    def test_problems_name_the_key(self) -> None:
        for value, complaint in (
            ([], 'must be a JSON object'),
            ({}, 'namespace: is missing'),
            ({'namespace': ''}, 'namespace: is missing'),
            ({'namespace': 5}, 'namespace: must be a string'),
            ({'namespace': 'x' * 81}, 'namespace: the name'),
            ({'namespace': 'a/b'}, 'must not have a slash'),
            ({'namespace': 'n', 'display_name': 'x' * 81}, 'display_name: must have at most 80'),
            ({'namespace': 'n', 'visibility': 'shared'}, 'visibility: must be one of public, private'),
            ({'namespace': 'n', 'protected': 'yes'}, 'protected: must be true or false'),
            ({'namespace': 'n', 'properties': []}, 'properties: must be a JSON object'),
            ({'namespace': 'n', 'properties': {'': {}}}, 'properties: the name'),
            ({'namespace': 'n', 'properties': {'a': 'text'}}, 'properties.a: must be a JSON object'),
            ({'namespace': 'n', 'properties': {'a': {'enum': ['\U0001f600']}}}, 'properties.a.enum[0]: has a character'),
            ({'namespace': 'n', 'properties': {'a': {'title': 'nul\0'}}}, 'properties.a.title: has a character'),
            ({'namespace': 'n', 'description': '\ud800'}, 'description: has a character'),
            ({'namespace': 'n', 'properties': {'a': {'default': float('nan')}}}, 'properties.a: has a number'),
            (
                {'namespace': 'n', 'objects': [{'name': 'o', 'properties': {'p': {'maximum': 1e999}}}]},
                'objects[0].properties: has',
            ),
            ({'namespace': 'n', 'objects': {}}, 'objects: must be a list'),
            ({'namespace': 'n', 'objects': [{'name': 'o'}, {}]}, 'objects[1].name: is missing'),
            ({'namespace': 'n', 'objects': [{'name': 'o'}, {'name': 'o'}]}, 'objects[1].name: o is there twice'),
            ({'namespace': 'n', 'objects': [{'name': 'o', 'properties': 1}]}, 'objects[0].properties: must be a JSON object'),
            ({'namespace': 'n', 'objects': [{'name': 'o', 'required': ['a,b']}]}, 'objects[0].required: must be a list'),
            ({'namespace': 'n', 'tags': ['t']}, 'tags[0]: must be a JSON object'),
            ({'namespace': 'n', 'resource_type_associations': [{'name': 'r', 'prefix': 1}]}, 'associations[0].prefix: must be'),
        ):
            error = self.assertRaises(document.DocumentError, document.parse, value)
            self.assertIn(complaint, str(error))


class TestFiles(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _write(self, name: str, content: str = '{}') -> pathlib.Path:
        (self.directory / name).write_text(content)
        return self.directory / name

    def test_find(self) -> None:
        for name in ('b.json', 'a.json', 'c.txt'):
            self._write(name)
        (self.directory / 'd.json').mkdir()
        self.assertEqual(['a.json', 'b.json'], [file.name for file in files.find(str(self.directory))])
        self.assertEqual(['c.txt'], [file.name for file in files.find(str(self.directory / 'c.txt'))])
        self.assertRaises(FileNotFoundError, files.find, str(self.directory / 'missing'))

    def test_read_bad_json(self) -> None:
        for content in ('', '{', '{"namespace": "n",}', '[' * 100_000, '{"namespace": "n", "x": ' + '[' * 70 + ']' * 70 + '}'):
            self.assertRaises(document.DocumentError, files.read, self._write('x.json', content))
        error = self.assertRaises(document.DocumentError, files.read, self._write('x.json', '{\n "namespace" 5}'))
        self.assertIn('line 2 column 14', str(error))

    def test_failed_writes_leave_what_was_there(self) -> None:
        path = self._write('x.json', 'old')
        self.assertRaises(ValueError, files.write, path, {'x': self._loop()})
        self.assertEqual('old', path.read_text())
        files.write(path, {'a': 'é'})
        self.assertEqual({'a': 'é'}, json.loads(path.read_text()))
        self.assertEqual(['x.json'], [file.name for file in self.directory.iterdir()])

    def _loop(self) -> list[Any]:
        loop: list[Any] = []
        loop.append(loop)
        return loop

    def test_names_of_exported_files(self) -> None:
        def chosen(prefix: str, *pairs: tuple[str, str | None]) -> list[str]:
            names = files.Names(prefix)
            documents = [document.parse({'namespace': name, 'display_name': shown}) for name, shown in pairs]
            return [str(names.choose(found)) for found in documents]

        same = (('OS::A', 'A Name'), ('OS::B', 'a name'), ('OS::B!', 'A-name'), ('::', None), ('::', '-'))
        wanted = ['AName', 'OSB', 'OSB2', 'namespace2', 'namespace3']
        self.assertEqual([f'{self.directory}/{name}.json' for name in wanted], chosen(str(self.directory), *same))
        self.assertEqual([f'{self.directory}/{name}.json' for name in wanted], chosen(f'{self.directory}/', *same))
        self.assertEqual([f'{self.directory}/x-A.json'], chosen(f'{self.directory}/x-', ('A', None)))
