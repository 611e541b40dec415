# SPDX-License-Identifier: Apache-2.0
"""HTTP basic authentication: who gets in, as whom, and what a start with unsound files says."""

from __future__ import annotations

import base64
import os
from typing import Any
from unittest import mock

import bcrypt
import fixtures
from oslo_config import cfg

from glance_clone.api import services
from glance_clone.api.middleware import basic_auth
from glance_clone.conf import api as api_options
from glance_clone.conf import basic_auth as options
from glance_clone.tests import base

_USERS = """
alice: {project: demo, roles: [member]}
boss: {project: admin, roles: [Admin, auditor]}
"""


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


class _Seen:
    """An application that remembers what reached it."""

    def __init__(self) -> None:
        self.environ: dict[str, Any] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environ = environ
        start_response('200 OK', [])
        return [b'']


class BasicAuthTestCase(base.TestCase):
    """A filter in front of an application, with files of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.conf = cfg.ConfigOpts()
        api_options.register_opts(self.conf)
        options.register_opts(self.conf)
        self.conf([], default_config_files=[])
        directory = self.useFixture(fixtures.TempDir())
        self.users_file = directory.join('users.yaml')
        self.password_file = directory.join('htpasswd')
        self.write(self.users_file, _USERS)
        self.write(self.password_file, f'alice:{_hash("wonder:land")}\nboss:{_hash("ss")}\nlost:{_hash("l")}\n')
        self.conf.set_override('users_file', self.users_file, 'basic_auth')
        self.app = _Seen()

    def write(self, path: str, text: str, mode: int = 0o600) -> None:
        with open(path, 'w') as file:
            file.write(text)
        os.chmod(path, mode)

    def make(self) -> basic_auth.BasicAuthMiddleware:
        self.conf.register_opts(basic_auth.passwords.OPTS, group='oslo_middleware')
        self.conf.set_override('http_basic_auth_user_file', self.password_file, 'oslo_middleware')
        with services.building(mock.Mock(conf=self.conf)):
            return basic_auth.BasicAuthMiddleware.factory({})(self.app)  # type: ignore[return-value]

    def ask(self, middleware: Any, credentials: str | bytes | None = None, **headers: str) -> tuple[str, dict[str, str]]:
        environ: dict[str, Any] = {'REQUEST_METHOD': 'GET', 'PATH_INFO': '/', **headers}
        if credentials is not None:
            raw = credentials.encode() if isinstance(credentials, str) else credentials
            environ['HTTP_AUTHORIZATION'] = 'Basic ' + base64.b64encode(raw).decode()
        answer: list[Any] = []
        self.app.environ = None
        middleware(environ, lambda status, fields, exc_info=None: answer.extend([status, dict(fields)]))
        return answer[0][:3], answer[1]

    def ask_as(self, middleware: Any, credentials: str, **headers: str) -> dict[str, Any]:
        status, _ = self.ask(middleware, credentials, **headers)
        self.assertEqual('200', status)
        assert self.app.environ is not None
        return self.app.environ

    def assert_refused(self, middleware: Any, credentials: str | bytes | None, **headers: str) -> None:
        status, fields = self.ask(middleware, credentials, **headers)
        self.assertEqual('401', status)
        self.assertEqual('Basic realm="glance", charset="UTF-8"', fields['WWW-Authenticate'])
        self.assertIsNone(self.app.environ)


class TestWhoGetsIn(BasicAuthTestCase):
    def test_user_with_implied_roles(self) -> None:
        environ = self.ask_as(self.make(), 'alice:wonder:land')
        self.assertEqual('Confirmed', environ['HTTP_X_IDENTITY_STATUS'])
        self.assertEqual('alice', environ['HTTP_X_USER_ID'])
        self.assertEqual('demo', environ['HTTP_X_PROJECT_ID'])
        self.assertEqual('member,reader', environ['HTTP_X_ROLES'])
        self.assertIn('glance_clone.auth_filter', environ)
        self.assertNotIn('HTTP_AUTHORIZATION', environ)

    def test_admin_has_every_role(self) -> None:
        environ = self.ask_as(self.make(), 'boss:ss')
        self.assertEqual('Admin,auditor,manager,member,reader', environ['HTTP_X_ROLES'])

    def test_scheme_in_any_case(self) -> None:
        token = base64.b64encode(b'boss:ss').decode()
        self.assertEqual('200', self.ask(self.make(), HTTP_AUTHORIZATION=f'bASIC   {token} ')[0])

    def test_wrong_credentials(self) -> None:
        middleware = self.make()
        wrong: tuple[str | bytes, ...] = (
            'alice:wrong', 'alice:', 'alice', ':', '', 'nobody:wonder:land', 'lost:l', b'\xff:\xff', 'alice:' + 'w' * 73,
            'alice:wonder:land\0', 'alice\n:wonder:land',
        )  # fmt: skip
        for credentials in wrong:
            with self.subTest(credentials=credentials):
                self.assert_refused(middleware, credentials)

    def test_no_and_strange_authorization(self) -> None:
        middleware = self.make()
        self.assert_refused(middleware, None)
        for header in ('', 'Basic', 'Basic ', 'Basic ?', 'Bearer abc', 'Digest username="alice"'):
            with self.subTest(header=header):
                self.assert_refused(middleware, None, HTTP_AUTHORIZATION=header)

    def test_claimed_identity_is_removed(self) -> None:
        claims = {
            'HTTP_X_IDENTITY_STATUS': 'Confirmed',
            'HTTP_X_ROLES': 'admin',
            'HTTP_X_PROJECT_ID': 'other',
            'HTTP_X_SERVICE_ROLES': 'service',
            'HTTP_X_TENANT_ID': 'other',
            'HTTP_OPENSTACK_SYSTEM_SCOPE': 'all',
        }
        environ = self.ask_as(self.make(), 'alice:wonder:land', **claims)
        self.assertEqual('member,reader', environ['HTTP_X_ROLES'])
        self.assertEqual('demo', environ['HTTP_X_PROJECT_ID'])
        for gone in ('HTTP_X_SERVICE_ROLES', 'HTTP_X_TENANT_ID', 'HTTP_OPENSTACK_SYSTEM_SCOPE'):
            self.assertNotIn(gone, environ)

    def test_anonymous_where_allowed(self) -> None:
        self.conf.set_override('allow_anonymous_access', True)
        middleware = self.make()
        status, _ = self.ask(middleware, HTTP_X_IDENTITY_STATUS='Confirmed', HTTP_X_ROLES='admin')
        self.assertEqual('200', status)
        assert self.app.environ is not None
        self.assertNotIn('HTTP_X_IDENTITY_STATUS', self.app.environ)
        self.assertNotIn('HTTP_X_ROLES', self.app.environ)
        self.assert_refused(middleware, 'alice:wrong')

    def test_refusal_in_json(self) -> None:
        _, fields = self.ask(self.make(), 'alice:wrong', HTTP_ACCEPT='application/json')
        self.assertTrue(fields['Content-Type'].startswith('application/json'))


class TestRemembering(BasicAuthTestCase):
    def count_hashing(self) -> mock.Mock:
        return self.useFixture(fixtures.MockPatch('bcrypt.checkpw', wraps=bcrypt.checkpw)).mock

    def test_right_password_is_hashed_once(self) -> None:
        middleware, hashing = self.make(), self.count_hashing()
        for _ in range(3):
            self.ask_as(middleware, 'alice:wonder:land')
        self.assertEqual(1, hashing.call_count)
        self.ask_as(middleware, 'boss:ss')
        self.assertEqual(2, hashing.call_count)

    def test_wrong_password_is_hashed_always(self) -> None:
        middleware, hashing = self.make(), self.count_hashing()
        for _ in range(2):
            self.assert_refused(middleware, 'alice:wrong')
        self.assertEqual(2, hashing.call_count)

    def test_unknown_user_costs_as_much_as_a_known_one(self) -> None:
        middleware, hashing = self.make(), self.count_hashing()
        self.assert_refused(middleware, 'nobody:x')
        self.assertEqual(1, hashing.call_count)

    def test_memory_ends(self) -> None:
        middleware, hashing = self.make(), self.count_hashing()
        clock = self.useFixture(fixtures.MockPatch('time.monotonic', return_value=1000.0)).mock
        self.ask_as(middleware, 'alice:wonder:land')
        clock.return_value += 59
        self.ask_as(middleware, 'alice:wonder:land')
        self.assertEqual(1, hashing.call_count)
        clock.return_value += 1
        self.ask_as(middleware, 'alice:wonder:land')
        self.assertEqual(2, hashing.call_count)

    def test_no_memory(self) -> None:
        self.conf.set_override('remember_seconds', 0, 'basic_auth')
        middleware, hashing = self.make(), self.count_hashing()
        for _ in range(2):
            self.ask_as(middleware, 'alice:wonder:land')
        self.assertEqual(2, hashing.call_count)

    def test_changed_password_counts_at_once(self) -> None:
        middleware = self.make()
        self.ask_as(middleware, 'alice:wonder:land')
        self.write(self.password_file, f'alice:{_hash("new")}\n# changed\n')
        self.assert_refused(middleware, 'alice:wonder:land')
        self.ask_as(middleware, 'alice:new')

    def test_lost_password_file(self) -> None:
        middleware = self.make()
        self.ask_as(middleware, 'alice:wonder:land')
        os.remove(self.password_file)
        status, fields = self.ask(middleware, 'alice:wonder:land')
        self.assertEqual('503', status)
        self.assertIn('Retry-After', fields)

    def test_memory_is_bounded(self) -> None:
        self.useFixture(fixtures.MockPatchObject(basic_auth, '_REMEMBERED_MAX', 1))
        middleware, hashing = self.make(), self.count_hashing()
        for credentials in ('alice:wonder:land', 'boss:ss', 'alice:wonder:land'):
            self.ask_as(middleware, credentials)
        self.assertEqual(3, hashing.call_count)


class TestFiles(BasicAuthTestCase):
    def assert_refuses_to_start(self, *words: str) -> None:
        message = str(self.assertRaises(ValueError, self.make))
        for word in words:
            self.assertIn(word, message)

    def test_missing_files(self) -> None:
        for path in (self.users_file, self.password_file):
            os.rename(path, f'{path}.away')
            self.assert_refuses_to_start(path, 'No such file')
            os.rename(f'{path}.away', path)

    def test_files_open_to_others(self) -> None:
        for path in (self.users_file, self.password_file):
            os.chmod(path, 0o644)
            self.assert_refuses_to_start(path, 'chmod o-rwx')
            os.chmod(path, 0o640)

    def test_unsound_users(self) -> None:
        for text, word in (
            ('', 'must map'),
            ('[alice]', 'must map'),
            ('a: [', 'not YAML'),
            ('alice: {project: demo}', 'alice'),
            ('alice: {project: demo, roles: member}', 'alice'),
            ('alice: {project: demo, roles: [member], admin: true}', 'alice'),
            ('alice: {project: 12, roles: [member]}', '12'),
            ('alice: {project: demo, roles: ["member,admin"]}', 'member,admin'),
            ('"a:b": {project: demo, roles: [member]}', 'a:b'),
        ):
            with self.subTest(text=text):
                self.write(self.users_file, text)
                self.assert_refuses_to_start(self.users_file, word)

    def test_unsound_passwords(self) -> None:
        for text, word in (('', 'no line'), ('alice:secret\n', 'bcrypt')):
            with self.subTest(text=text):
                self.write(self.password_file, text)
                self.assert_refuses_to_start(self.password_file, word)
