# SPDX-License-Identifier: Apache-2.0
"""The samples of the API reference, compared with what the service answers."""

from __future__ import annotations

import json
import pathlib
import unittest
from typing import Any

import fixtures
import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.functional import base
from glance_clone.tests.functional import test_clients

_SAMPLES = pathlib.Path(__file__).parents[3] / 'api-ref' / 'source'


def _sample(name: str) -> Any:
    path = _SAMPLES / name
    if not path.exists():
        raise unittest.SkipTest('the samples are only in the source tree')
    return json.loads(path.read_text())


def _shape(value: Any) -> Any:
    """Return a document with types in place of values."""
    if isinstance(value, dict):
        return {name: _shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shape(member) for member in value[:1]]
    return type(value).__name__


class TestSamples(base.ServiceTestCase):
    """What the reference shows is what comes."""

    def test_versions(self) -> None:
        answer = requests.get(f'{self.service.url}/versions', timeout=base.TIMEOUT).json()
        text = json.dumps(answer).replace(self.service.url, 'http://glance.example.com:9292')
        self.assertEqual(_sample('versions/samples/versions-response.json'), json.loads(text))

    def test_stores(self) -> None:
        for path, who in (('list', 'alice'), ('detail', 'admin')):
            wanted = _sample(f'v2/samples/stores-{path}-response.json')['stores'][0]
            answer = self.request(who, 'GET', '/v2/info/stores' + ('' if path == 'list' else '/detail')).json()
            del wanted['description']
            self.assertEqual(_shape(wanted), _shape(answer['stores'][0]))

    def test_extensions(self) -> None:
        answer = self.request('alice', 'GET', '/v2/info/extensions').json()
        self.assertIn(_sample('v2/samples/extensions-response.json')['extensions'][0], answer['extensions'])

    def test_images(self) -> None:
        wanted = _sample('v2/samples/image-create-request.json')
        created = self.request('alice', 'POST', '/v2/images', json=wanted)
        self.assertEqual(201, created.status_code, created.text)
        self.assertEqual(_shape(_sample('v2/samples/image-create-response.json')), _shape(created.json()))
        self.assertEqual(wanted, {**{name: created.json()[name] for name in wanted}, 'tags': wanted['tags']})

        disk = pathlib.Path(self.useFixture(fixtures.TempDir()).join('disk.qcow2'))
        test_clients.make_qcow2(disk)
        self.assertEqual(204, self.upload(created.json()['id'], disk.read_bytes()).status_code)
        self.assertEqual(_shape(_sample('v2/samples/image-show-response.json')), _shape(self.show(created.json()['id'])))

        page = self.request('alice', 'GET', '/v2/images?limit=1').json()
        self.assertEqual(_shape(_sample('v2/samples/images-list-response.json')), _shape(page))

    def test_changes(self) -> None:
        image_id = self.create()
        headers = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
        wanted = _sample('v2/samples/image-update-request.json')
        answer = self.request('alice', 'PATCH', f'/v2/images/{image_id}', json=wanted, headers=headers)
        self.assertEqual(200, answer.status_code, answer.text)
        self.assertEqual([operation['value'] for operation in wanted], [
            answer.json()[operation['path'][1:]] for operation in wanted
        ])  # fmt: skip

    def test_locations(self) -> None:
        wanted = _sample('v2/samples/location-add-request.json')
        path = f'/v2/images/{self.create()}/locations'
        refused = self.request('alice', 'POST', path, json=wanted)
        self.assertEqual(403, refused.status_code, 'well-formed, but this service has no http store')
        image_id = self.create()
        self.upload(image_id, b'data')
        shown = self.request('admin', 'GET', f'/v2/images/{image_id}/locations')
        self.assertEqual(_shape(_sample('v2/samples/locations-list-response.json')), _shape(shown.json()))

    def test_imports(self) -> None:
        image_id = self.create()
        octets = {'Content-Type': 'application/octet-stream'}
        self.request('alice', 'PUT', f'/v2/images/{image_id}/stage', data=b'data', headers=octets)
        self.request('alice', 'POST', f'/v2/images/{image_id}/import', json={'method': {'name': 'glance-direct'}})
        self.wait_for_status(image_id, 'active')
        tasks = f'/v2/images/{image_id}/tasks'
        process.wait_until(lambda: self.request('alice', 'GET', tasks).json()['tasks'][0]['result'], 10, 'the task ends')
        sample = _sample('v2/samples/image-tasks-response.json')
        self.assertEqual(_shape(sample), _shape(self.request('alice', 'GET', tasks).json()))

    def test_tasks(self) -> None:
        wanted = _sample('v2/samples/task-create-request.json')
        del wanted['input']['image_properties']  # so that it fails at once
        created = self.request('admin', 'POST', '/v2/tasks', json=wanted)
        self.assertEqual(201, created.status_code, created.text)
        sample = _sample('v2/samples/task-create-response.json')
        del sample['input']['image_properties']
        self.assertEqual(_shape(sample), _shape(created.json()))
        page = '/v2/tasks?limit=1'
        process.wait_until(lambda: 'expires_at' in self.request('admin', 'GET', page).json()['tasks'][0], 10, 'it ends')
        sample = _sample('v2/samples/tasks-list-response.json')
        self.assertEqual(_shape(sample), _shape(self.request('admin', 'GET', page).json()))

    def test_members(self) -> None:
        members = f'/v2/images/{self.create(visibility="shared")}/members'
        offered = _sample('v2/samples/member-create-request.json')
        added = self.request('alice', 'POST', members, json=offered)
        self.assertEqual(_shape(_sample('v2/samples/member-response.json')), _shape(added.json()))
        listed = self.request('alice', 'GET', members).json()
        self.assertEqual(_shape(_sample('v2/samples/members-list-response.json')), _shape(listed))
        answer = _sample('v2/samples/member-update-request.json')
        accepted = self.request('admin', 'PUT', f'{members}/{offered["member"]}', json=answer).json()
        self.assertEqual('accepted', accepted['status'])

    def _metadefs(self, method: str, rest: str, request: str | None = None, response: str | None = None) -> None:
        """Send the sample of a request, and compare the answer with the sample of a response."""
        body = _sample(f'v2/samples/metadef-{request}.json') if request else None
        answer = self.request('admin', method, f'/v2/metadefs/{rest}', json=body)
        self.assertLess(answer.status_code, 300, answer.text)
        if response:
            self.assertEqual(_shape(_sample(f'v2/samples/metadef-{response}.json')), _shape(answer.json()), response)

    def test_metadata_definitions(self) -> None:
        namespace = 'namespaces/Acme::Topology'
        self._metadefs('POST', 'namespaces', 'namespace-create-request', 'namespace-create-response')
        self._metadefs('GET', namespace, response='namespace-show-response')
        self._metadefs('GET', 'namespaces?limit=1&visibility=public', response='namespaces-list-response')
        self._metadefs('POST', f'{namespace}/objects', 'object-create-request', 'object-create-response')
        self._metadefs('GET', f'{namespace}/objects', response='objects-list-response')
        self._metadefs('POST', f'{namespace}/properties', 'property-create-request', 'property-create-response')
        self._metadefs('GET', f'{namespace}/properties', response='properties-list-response')
        by_prefix = f'{namespace}/properties/acme_rack?resource_type=OS::Glance::Image'
        self._metadefs('GET', by_prefix, response='property-show-response')
        self._metadefs('POST', f'{namespace}/tags', 'tags-create-request', 'tags-create-response')
        self._metadefs('POST', f'{namespace}/tags/locality', response='tag-response')
        self._metadefs('GET', f'{namespace}/tags', response='tags-list-response')
        self._metadefs('PUT', f'{namespace}/tags/locality', 'tag-update-request')
        self._metadefs('POST', f'{namespace}/resource_types', 'association-create-request', 'association-create-response')
        self._metadefs('GET', f'{namespace}/resource_types', response='associations-list-response')
        self._metadefs('GET', 'resource_types', response='resource-types-list-response')
        self._metadefs('PUT', namespace, 'namespace-update-request', 'namespace-update-response')
        self._metadefs('DELETE', namespace)
