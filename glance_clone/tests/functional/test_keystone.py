# SPDX-License-Identifier: Apache-2.0
"""Who may do what is decided by tokens of a real Keystone, and by nothing else a client sends (D-4, P13, F21)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from typing import ClassVar

import requests
from keystoneauth1 import exceptions

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import memcached
from glance_clone.tests.fixtures import personas
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base


class _KeystoneTestCase(base.ServiceTestCase):
    """A service whose auth filter asks a real Keystone."""

    keystone: ClassVar[keystone.Keystone]

    @classmethod
    def setUpClass(cls) -> None:
        cls.keystone = keystone.shared()
        super().setUpClass()

    @classmethod
    def authtoken(cls) -> dict[str, str]:
        """Return the options of the auth filter."""
        return cls.keystone.authtoken(http_request_max_retries='0')

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {**cls.options, 'keystone_authtoken': cls.authtoken()}
        return service.Service(database_url, cls.launcher, options, trust_headers=False)

    def get(self, headers: dict[str, str], path: str = '/v2/images') -> requests.Response:
        """Send a GET with these headers and no others."""
        return self.request(None, 'GET', path, headers=headers)

    def token_of(self, user: keystone.User) -> dict[str, str]:
        """Return the header with a new token of a user."""
        return {'X-Auth-Token': self.keystone.token(user)}

    def wait_for_other_status(self, image_id: str, status: str) -> None:
        """Wait until an image of project A has another status."""
        amy = self.token_of(keystone.AMY)
        path = f'/v2/images/{image_id}'
        process.wait_until(lambda: self.get(amy, path).json()['status'] != status, 20, f'image {image_id} not {status}')

    def post(self, headers: dict[str, str], **values: Any) -> requests.Response:
        """Create an image."""
        return self.request(None, 'POST', '/v2/images', headers=headers, json=values)


class _Tokens:
    """The tests; the classes below say where they run."""

    def test_no_token(self) -> None:
        answer = self.get({})
        self.assertEqual(401, answer.status_code)
        self.assertIn(self.keystone.url, answer.headers['WWW-Authenticate'])

    def test_token_nobody_issued(self) -> None:
        for token in ('nonesuch', 'x' * 8000, 'gAAAAABo', 'a/b?c=d'):
            self.assertEqual(401, self.get({'X-Auth-Token': token}).status_code, token[:20])
        self.assert_no_traceback()

    def test_versions_need_no_token(self) -> None:
        self.assertEqual(300, self.get({}, '/').status_code)
        self.assertEqual(200, self.get({'X-Auth-Token': 'nonesuch'}, '/versions').status_code)

    def test_projects_are_apart(self) -> None:
        alice, amy, bob = map(self.token_of, (keystone.ALICE, keystone.AMY, keystone.BOB))
        image = self.post(alice, name='of A').json()
        self.assertEqual(self.keystone.projects['A'], image['owner'])
        path = f'/v2/images/{image["id"]}'
        self.assertEqual([200, 200, 404], [self.get(who, path).status_code for who in (alice, amy, bob)])
        self.assertEqual(404, self.request(None, 'DELETE', path, headers=bob).status_code)
        self.assertEqual(204, self.request(None, 'DELETE', path, headers=amy).status_code)

    def test_reader_only_reads(self) -> None:
        reader = self.token_of(keystone.READER)
        image = self.post(self.token_of(keystone.ALICE)).json()
        path = f'/v2/images/{image["id"]}'
        self.assertEqual(200, self.get(reader, path).status_code)
        self.assertEqual(403, self.post(reader).status_code)
        self.assertEqual(403, self.request(None, 'DELETE', path, headers=reader).status_code)
        self.assertEqual(403, self.get(reader, path + '/file').status_code)

    def test_only_an_administrator_publishes(self) -> None:
        self.assertEqual(403, self.post(self.token_of(keystone.ALICE), visibility='public').status_code)
        self.assertEqual(201, self.post(self.token_of(keystone.ADMIN), visibility='public').status_code)

    def test_an_upload_outlives_its_token(self) -> None:
        """The caller is looked at once, when the upload begins (F21)."""
        token = self.token_of(keystone.ALICE)
        image = self.post(token, disk_format='raw', container_format='bare').json()

        def body() -> Iterator[bytes]:
            yield b'x' * 100_000
            self.wait_for_other_status(image['id'], 'queued')
            self.keystone.revoke(token['X-Auth-Token'])
            yield b'y' * 100_000

        headers = {**token, 'Content-Type': 'application/octet-stream'}
        answer = self.request(None, 'PUT', f'/v2/images/{image["id"]}/file', headers=headers, data=body())
        self.assertEqual(204, answer.status_code, answer.text)
        self.assertRaises(exceptions.NotFound, self.keystone.revoke, token['X-Auth-Token'])
        found = self.get(self.token_of(keystone.AMY), f'/v2/images/{image["id"]}').json()
        self.assertEqual(('active', 200_000), (found['status'], found['size']))

    def test_identity_headers_without_token(self) -> None:
        forged = personas.Personas().headers('admin')
        self.assertEqual(401, self.get(forged).status_code)
        self.assertEqual(401, self.get({**forged, 'X-Auth-Token': 'nonesuch'}).status_code)
        self.assertEqual(401, self.get({name.replace('-', '_'): value for name, value in forged.items()}).status_code)

    def test_identity_headers_beside_a_token(self) -> None:
        image = self.post(self.token_of(keystone.ALICE)).json()
        forged = {
            **personas.Personas().headers('admin'),
            'X-Project-Id': self.keystone.projects['A'],
            'X-Role': 'admin',
            'X-Is-Admin-Project': 'true',
            'X-Service-Roles': 'service',
            **self.token_of(keystone.BOB),
        }
        self.assertEqual(404, self.get(forged, f'/v2/images/{image["id"]}').status_code)
        created = self.post(forged)
        self.assertEqual((201, self.keystone.projects['B']), (created.status_code, created.json()['owner']))
        self.assertEqual(403, self.post(forged, visibility='public').status_code)


class UwsgiTest(_Tokens, _KeystoneTestCase):
    """Under uWSGI."""


class StandaloneTest(_Tokens, _KeystoneTestCase):
    """Under the standalone server."""

    launcher = service.STANDALONE


class OutageTest(_KeystoneTestCase):
    """Keystone goes away, and memcached, too."""

    cache: ClassVar[memcached.Memcached]

    @classmethod
    def authtoken(cls) -> dict[str, str]:
        cls.cache = cls.share(memcached.Memcached())
        return cls.keystone.authtoken(http_request_max_retries='0', memcached_servers=cls.cache.address)

    def _stop_keystone(self) -> None:
        self.keystone.process.stop()
        self.addCleanup(self.keystone.process.start)

    def test_known_tokens_work_while_keystone_is_down(self) -> None:
        token = self.token_of(keystone.ALICE)
        self.assertEqual(200, self.get(token).status_code)
        self._stop_keystone()
        # Both workers find the token in memcached, whichever of them saw it first.
        self.assertEqual({200}, {self.get(token).status_code for _number in range(8)})

    def test_unknown_tokens_wait_for_keystone(self) -> None:
        """That nobody can say whether a token is good is no reason to call it bad."""
        token = self.token_of(keystone.ALICE)
        self._stop_keystone()
        answer = self.get(token)
        self.assertEqual(503, answer.status_code, answer.text)
        self.assertIn('Retry-After', answer.headers)
        self.assertEqual(200, self.get({}, '/versions').status_code)
        self.assertEqual(401, self.get({}).status_code)
        self.assert_no_traceback()
        self.keystone.process.start()
        self.assertEqual(200, self.get(token).status_code)

    def test_without_memcached(self) -> None:
        token = self.token_of(keystone.ALICE)
        self.assertEqual(200, self.get(token).status_code)
        self.cache.process.stop()
        self.addCleanup(self.cache.process.start)
        self.assertEqual(200, self.get(token).status_code)


class UntrustedHeadersTest(base.ServiceTestCase):
    """A pipeline that lost its auth filter lets nobody in."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        without_filter = service.etc_file(service.PASTE_FILE).read_text().replace(' authtoken ', ' ')
        return service.Service(database_url, paste=without_filter)

    def test_identity_headers(self) -> None:
        self.assertEqual(401, self.request('admin', 'GET', '/v2/images').status_code)
        self.assertEqual(401, self.request('alice', 'POST', '/v2/images', json={}).status_code)


class TrustedHeadersTest(base.ServiceTestCase):
    """Trusting headers is never silent."""

    def test_warning_at_start(self) -> None:
        self.assertIn('trust_identity_headers', self.service.log())
        self.assertIn('WARNING', self.service.log())
