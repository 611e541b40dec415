# SPDX-License-Identifier: Apache-2.0
"""What ``glance-manage db load_metadefs`` loads, as the API shows it."""

from __future__ import annotations

import json
import pathlib
import urllib.parse
from typing import Any

import fixtures

from glance_clone.tests.functional import base

_STOCK = pathlib.Path(__file__).parents[3] / 'etc' / 'metadefs'
#: Values that the API itself would not take, but that files of other origin may have.
_ODD = {
    'namespace': 'Odd ü',
    'visibility': 'public',
    'properties': {
        'numbers': {'title': 'n', 'type': 'integer', 'enum': [1, 2], 'default': 5, 'minimum': 1.5, 'unheard_of': True},
        'list': {'title': 'l', 'type': 'array', 'default': ['a'], 'items': {'enum': [1, None]}},
        'empty': {},
    },
    'objects': [{'name': 'without properties'}, {'name': 'null', 'properties': None, 'required': ['a', 'b']}],
    'tags': [{'name': 't'}],
}


class TestCatalogue(base.ServiceTestCase):
    def get(self, path: str, who: str = 'admin', **query: str) -> Any:
        path = f'/v2/metadefs/{path}?{urllib.parse.urlencode(query)}'
        answer = self.request(who, 'GET', path)
        self.assertEqual(200, answer.status_code, answer.text)
        return answer.json()

    def namespace(self, name: str, **query: str) -> Any:
        return self.get(f'namespaces/{urllib.parse.quote(name, safe="")}', **query)

    def load(self, path: pathlib.Path, *flags: str) -> None:
        self.service.manage('db', 'load_metadefs', '--path', str(path), '--strict', *flags)

    def test_stock(self) -> None:
        if not _STOCK.is_dir():
            self.skipTest('the catalogue is only in the source tree')
        self.load(_STOCK)
        documents = [json.loads(file.read_text()) for file in sorted(_STOCK.glob('*.json'))]
        listed = self.get('namespaces', limit='1000')['namespaces']
        self.assertLessEqual({document['namespace'] for document in documents}, {each['namespace'] for each in listed})
        for document in documents:
            shown = self.namespace(document['namespace'])
            for name in ('display_name', 'description', 'visibility', 'protected'):
                self.assertEqual(document.get(name), shown.get(name), document['namespace'])
            self.assertEqual('admin', shown['owner'])
            self.assertEqual(set(document.get('properties', ())), set(shown.get('properties', ())))
            self.assertEqual(
                {each['name']: set(each['properties']) for each in document.get('objects', ())},
                {each['name']: set(each['properties']) for each in shown.get('objects', ())},
            )
        members = {each['namespace'] for each in self.get('namespaces', 'alice', limit='1000')['namespaces']}
        self.assertNotIn('OS::OperatingSystem', members)
        self.assertIn('OS::Compute::Quota', members)
        prefixed = self.namespace('OS::Compute::CPUPinning', resource_type='OS::Nova::Flavor')
        self.assertEqual({'hw:cpu_policy', 'hw:cpu_thread_policy'}, set(prefixed['properties']))

    def test_odd_values_can_be_read(self) -> None:
        file = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'odd.json')
        file.write_text(json.dumps(_ODD))
        for flags in ((), ('--merge', '--prefer_new'), ('--merge', '--overwrite')):
            self.load(file, *flags)
            shown = self.namespace('Odd ü')
            self.assertEqual({'numbers', 'list', 'empty'}, set(shown['properties']))
            self.assertEqual(['1', '2'], shown['properties']['numbers']['enum'])
            self.assertEqual('5', shown['properties']['numbers']['default'])
            self.assertEqual([{}, {}], [each['properties'] for each in shown['objects']])
            self.assertEqual([[], ['a', 'b']], [each['required'] for each in shown['objects']])
            name = urllib.parse.quote('Odd ü')
            for kind in ('objects', 'properties', 'tags', 'resource_types'):
                self.get(f'namespaces/{name}/{kind}')
            self.get('namespaces', resource_types='OS::Glance::Image')
        self.assert_no_traceback()
