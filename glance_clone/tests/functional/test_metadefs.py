# SPDX-License-Identifier: Apache-2.0
"""Metadata definitions through a real server: what clients cannot do in process, or only at the same time."""

from __future__ import annotations

import concurrent.futures
import json
import uuid
from typing import Any

import requests

from glance_clone.tests.functional import base

_NAMESPACES = '/v2/metadefs/namespaces'
_MIB = 1024 * 1024


class _Metadefs:
    """The tests; the classes below say where they run."""

    def setUp(self) -> None:
        super().setUp()
        self.name = f'ns{uuid.uuid4().hex}'
        self.path = f'{_NAMESPACES}/{self.name}'

    def _create(self, name: str | None = None, who: str = 'admin', **values: Any) -> requests.Response:
        return self.request(who, 'POST', _NAMESPACES, json={'namespace': name or self.name, **values})

    def _created(self, name: str | None = None, **values: Any) -> dict[str, Any]:
        answer = self._create(name, **values)
        self.assertEqual(201, answer.status_code, answer.text)
        return dict(answer.json())

    def _status(self, method: str, path: str, **kwargs: Any) -> int:
        return self.request('admin', method, path, **kwargs).status_code

    def test_names_of_every_script(self) -> None:
        for letters in ('Größe', '名前 x', 'a%2Fb?c#d', 'o\'clock & "more"', 'line\nbreak'):
            name = self.name + letters
            created = self._create(name, tags=[{'name': letters}])
            self.assertEqual(201, created.status_code, created.text)
            found = self.request('admin', 'GET', created.headers['Location'].removeprefix(self.service.url))
            self.assertEqual((200, name), (found.status_code, found.json()['namespace']))
            self.assertEqual(created.text, created.content.decode('utf-8'))
            quoted = requests.utils.quote(name, safe='')
            tag = f'{_NAMESPACES}/{quoted}/tags/{requests.utils.quote(letters, safe="")}'
            self.assertEqual(200, self._status('GET', tag))
            self.assertEqual(204, self._status('DELETE', f'{_NAMESPACES}/{quoted}'))

    def test_names_that_nothing_can_have(self) -> None:
        self._created()
        for name, status in (('%F0%9F%98%80', 404), ('a%00b', 400), ('x' * 200, 404)):
            self.assertEqual(status, self._status('GET', f'{_NAMESPACES}/{name}'))
            self.assertEqual(400, self._status('POST', f'{self.path}/tags/{name}'))
            for kind in ('objects', 'properties', 'tags'):
                self.assertEqual(status, self._status('GET', f'{self.path}/{kind}/{name}'))
            self.assertEqual(status, self._status('DELETE', f'{self.path}/resource_types/{name}'))
            self.assertEqual(404, self._status('GET', f'{self.path}/properties/x?resource_type={name}'.replace('%00', '')))
        self.assertEqual(400, self._status('GET', f'{_NAMESPACES}?resource_types=a%00b'))
        self.assertEqual(400, self._status('GET', f'{self.path}/tags?marker=a%00b'))
        self.assertEqual(400, self._status('GET', f'{_NAMESPACES}/%FF'))
        self.assertEqual(200, self._status('GET', f'{_NAMESPACES}?resource_types=%F0%9F%98%80'))
        self.assert_no_traceback()

    def test_a_hidden_namespace_is_like_none(self) -> None:
        self._created(owner=self.personas.project('alice'))
        self.assertEqual(200, self.request('alice', 'GET', self.path).status_code)
        absent = f'ns{uuid.uuid4().hex}'
        for method, rest in (
            ('GET', ''), ('PUT', ''), ('DELETE', ''), ('GET', '/objects'), ('GET', '/objects/x'), ('GET', '/properties'),
            ('GET', '/properties/x'), ('GET', '/tags'), ('GET', '/tags/x'), ('POST', '/tags/x'), ('GET', '/resource_types'),
            ('DELETE', '/resource_types/x'), ('DELETE', '/objects'),
        ):  # fmt: skip
            texts = set()
            for name in (self.name, absent):
                body = {'namespace': name} if method == 'PUT' else None
                answer = self.request('bob', method, f'{_NAMESPACES}/{name}{rest}', json=body)
                self.assertEqual(404, answer.status_code, (method, rest))
                texts.add(answer.text.replace(name, 'NAME'))
            self.assertEqual(1, len(texts), texts)

    def test_a_thousand_properties(self) -> None:
        definition = {'title': 'T', 'type': 'string', 'description': 'Words ' * 20, 'enum': ['a', 'b', 'c'], 'operators': ['=']}
        created = self._created(properties={f'p{number}': definition for number in range(1000)})
        self.assertEqual(1000, len(created['properties']))
        self.assertEqual(created['properties'], self.request('admin', 'GET', f'{self.path}/properties').json()['properties'])
        self.assertEqual(created['properties'], self.request('admin', 'GET', self.path).json()['properties'])

    def test_a_body_that_is_too_large(self) -> None:
        body = json.dumps({'namespace': self.name, 'properties': {'p': {'type': 'string', 'title': 'x' * _MIB}}})
        self.assertEqual(413, self._status('POST', _NAMESPACES, data=body))
        self.assertEqual(413, self._status('POST', _NAMESPACES, data=iter([body.encode()])))
        definition = {'type': 'string', 'title': 'x' * 70_000}
        self.assertEqual(400, self._create(properties={'p': definition}).status_code)
        self.assertEqual(404, self._status('GET', self.path))

    def test_one_of_many_wins(self) -> None:
        self.assertEqual([201, 409, 409, 409], self._at_once(lambda number: self._create(tags=[{'name': 'a'}])))
        self.assertEqual([{'name': 'a'}], self.request('admin', 'GET', self.path).json()['tags'])
        body = {'name': 'x', 'type': 'string', 'title': 'X'}
        for kind in ('properties', 'objects'):
            data = {'name': 'x'} if kind == 'objects' else body
            self.assertEqual(
                [201, 409, 409, 409],
                self._at_once(lambda _, kind=kind, data=data: self.request('admin', 'POST', f'{self.path}/{kind}', json=data)),
            )
        self.assertEqual([201, 409, 409, 409], self._at_once(lambda _: self.request('admin', 'POST', f'{self.path}/tags/x')))
        new = {'name': self.name}
        self.assertEqual(
            [201, 409, 409, 409],
            self._at_once(lambda _: self.request('admin', 'POST', f'{self.path}/resource_types', json=new)),
        )
        self.assertEqual([204, 404, 404, 404], self._at_once(lambda _: self.request('admin', 'DELETE', self.path)))
        self.assert_no_traceback()

    def _at_once(self, call: Any) -> list[int]:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            return sorted(answer.status_code for answer in pool.map(call, range(4)))

    def test_pages_of_many(self) -> None:
        owner = uuid.uuid4().hex
        names = [f'{self.name}-{number:02}' for number in range(7)]
        for name in names:
            self._created(name, owner=owner, resource_type_associations=[{'name': self.name}])
        found, path = [], f'{_NAMESPACES}?resource_types={self.name}&limit=3&sort_key=namespace&sort_dir=asc'
        while path:
            page = self.request('admin', 'GET', path).json()
            found += [namespace['namespace'] for namespace in page['namespaces']]
            path = page.get('next')
        self.assertEqual(names, found)


class MariaDBMetadefsTest(_Metadefs, base.ServiceTestCase):
    """Where the database overlooks case, accents and blanks at the end."""

    database = 'mariadb'

    def test_names_that_the_database_cannot_tell_apart(self) -> None:
        self._created()
        for other in (self.name.upper(), self.name + ' '):
            clash = self._create(other)
            self.assertEqual(409, clash.status_code)
            self.assertIn(self.name, clash.text)
            self.assertEqual(404, self._status('GET', f'{_NAMESPACES}/{other}'))
        self.assertEqual(201, self._status('POST', f'{self.path}/tags/word'))
        self.assertEqual(409, self._status('POST', f'{self.path}/tags/WORD'))
        self.assertEqual(404, self._status('GET', f'{self.path}/tags/WORD'))


class PostgreSQLMetadefsTest(_Metadefs, base.ServiceTestCase):
    database = 'postgresql'
