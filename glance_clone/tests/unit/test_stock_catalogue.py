# SPDX-License-Identifier: Apache-2.0
"""The catalogue in etc/metadefs: the names, values and associations that clouds know, with words of our own."""

from __future__ import annotations

import json
import pathlib
import unittest
from collections.abc import Iterator
from typing import Any

from glance_clone.db.catalogue import files
from glance_clone.tests import base
from glance_clone.tests import facts

_STOCK = pathlib.Path(__file__).parents[3] / 'etc' / 'metadefs'
_WORDS = ('title', 'description')
#: Shorter than this, a description says no more than the title.
_LEAST = 30


def _documents() -> dict[str, dict[str, Any]]:
    if not _STOCK.is_dir():
        raise unittest.SkipTest('the catalogue is only in the source tree')
    return {file.name: json.loads(file.read_text()) for file in files.find(str(_STOCK))}


def _bare(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: {key: value for key, value in each.items() if key not in _WORDS} for name, each in properties.items()}


def _structure(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a document has beside its words."""
    return {
        'namespace': document['namespace'],
        'visibility': document.get('visibility'),
        'protected': document.get('protected'),
        'owner': document.get('owner'),
        'resource_type_associations': document.get('resource_type_associations', []),
        'properties': _bare(document.get('properties', {})),
        'objects': [
            {'name': each['name'], 'required': each.get('required'), 'properties': _bare(each['properties'])}
            for each in document.get('objects', [])
        ],
        'tags': document.get('tags', []),
    }


def _properties(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for holder in (document, *document.get('objects', ())):
        for name, definition in holder.get('properties', {}).items():
            yield f'{document["namespace"]} {name}', definition


class TestStockCatalogue(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.documents = _documents()

    def test_structure_is_the_one_that_clouds_know(self) -> None:
        wanted = facts.load('metadefs-catalog.json')['files']
        self.assertEqual(sorted(wanted), sorted(self.documents))
        for name, document in self.documents.items():
            self.assertEqual({key: wanted[name][key] for key in _structure(document)}, _structure(document), name)

    def test_counts(self) -> None:
        documents = self.documents.values()
        associations = [each for document in documents for each in document['resource_type_associations']]
        self.assertEqual(32, len({document['namespace'] for document in documents}))
        self.assertEqual(134, sum(len(document.get('properties', {})) for document in documents))
        self.assertEqual(23, sum(len(document.get('objects', ())) for document in documents))
        self.assertEqual(197, sum(1 for document in documents for _ in _properties(document)))
        self.assertEqual(61, len(associations))
        self.assertEqual(6, len({each['name'] for each in associations}))

    def test_every_file_can_be_loaded(self) -> None:
        names = [files.read(file).name for file in files.find(str(_STOCK))]
        self.assertEqual(sorted(document['namespace'] for document in self.documents.values()), sorted(names))

    def test_everything_is_described(self) -> None:
        for document in self.documents.values():
            name = document['namespace']
            self.assertNotEqual('', document['display_name'], name)
            # Longer ones could not be written back through the API.
            self.assertTrue(_LEAST < len(document['description']) <= 500, name)
            for each in document.get('objects', ()):
                self.assertGreater(len(each['description']), _LEAST, name)
        for name, definition in (found for document in self.documents.values() for found in _properties(document)):
            self.assertIn('type', definition, name)
            self.assertNotEqual('', definition['title'], name)
            self.assertNotEqual(definition['title'], definition['description'], name)
            self.assertGreater(len(definition['description']), _LEAST, name)

    def test_exported_files_do_not_collide(self) -> None:
        names = files.Names('')
        chosen = {str(names.choose(files.read(file))) for file in files.find(str(_STOCK))}
        shown = {''.join(filter(str.isalnum, document['display_name'])) for document in self.documents.values()}
        self.assertEqual({f'{name}.json' for name in shown}, chosen)
