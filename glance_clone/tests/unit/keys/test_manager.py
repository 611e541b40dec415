# SPDX-License-Identifier: Apache-2.0
"""Asking the key manager: with whose rights, for how long, and what its failures mean."""

import sys
from unittest import mock

import fixtures
from oslo_config import cfg
from oslo_context import context
from oslotest import base

from glance_clone.api.errors import status_of
from glance_clone.conf import key_requests
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.keys.encryption import KeysOfImages
from glance_clone.keys.manager import KeyManager
from glance_clone.keys.manager import ManagerAway
from glance_clone.keys.manager import SecretRefused
from glance_clone.tests.fixtures import key_manager
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.transfer.concurrency import NativeThreads

ME = Submitter(project_id='mine', user_id='me', token='token', request_id='req-1')


class KeyManagerTestCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        directory = self.useFixture(fixtures.TempDir()).path
        self.stored = key_manager.Keys(directory)
        self.manager = self.make(service.render(key_manager.options(directory)))

    def make(self, text):
        path = f'{self.useFixture(fixtures.TempDir()).path}/test.conf'
        with open(path, 'w') as file:
            file.write(text)
        self.conf = cfg.ConfigOpts()
        key_requests.register_opts(self.conf)
        self.conf(['--config-file', path])
        self.conf.set_override('timeout', 1, group='key_requests')
        return KeyManager(self.conf, NativeThreads())


class KeyManagerTest(KeyManagerTestCase):
    def test_what_is_ours(self):
        key_id = self.stored.add('mine', 'key', b'12345678')
        self.assertEqual(b'12345678', self.manager.get(ME, key_id).get_encoded())
        self.manager.delete(ME, key_id)
        self.assertFalse(self.stored.has(key_id))
        self.assertRaises(SecretRefused, self.manager.delete, ME, key_id)

    def test_what_is_not_ours(self):
        key_id = self.stored.add('others', 'key', b'12345678')
        for submitter in (ME, Submitter(project_id='others'), Submitter()):
            self.assertRaises(SecretRefused, self.manager.get, submitter, key_id)
            self.assertRaises(SecretRefused, self.manager.delete, submitter, key_id)
        self.assertTrue(self.stored.has(key_id))

    def test_the_request_that_is_served_stays_the_current_one(self):
        current = context.RequestContext(request_id='req-current')
        self.manager.get(ME, self.stored.add('mine', 'key', b'x'))
        self.assertIs(current, context.get_current())

    def test_ids_cannot_lead_elsewhere(self):
        driver = mock.Mock()
        self.manager._loaded = driver
        for key_id in ('', '../secret', 'a/b', 'a?b', 'a b', '-', 'x' * 65, 'a\n', 'http://host/v1/secrets/1', 'ä'):
            self.assertRaises(SecretRefused, self.manager.get, ME, key_id)
        self.assertEqual([], driver.mock_calls)

    def test_a_key_manager_that_is_away(self):
        for kind in ('away', 'hangs'):
            self.assertRaises(ManagerAway, self.manager.get, ME, self.stored.add('mine', kind))
        self.assertEqual(503, status_of(ManagerAway('')))
        self.assertNotIn('Traceback', self.log.output)

    def test_failures_of_a_driver_tell_users_nothing(self):
        error = self.assertRaises(SecretRefused, self.manager.get, ME, self.stored.add('mine', 'fails'))
        self.assertNotIn('secret', str(error))
        self.assertEqual(400, status_of(error))

    def test_where_no_key_manager_is_configured_trying_again_does_not_help(self):
        silent = {'auth_endpoint': f'http://127.0.0.1:{process.free_port()}'}
        self.assertRaises(ManagerAway, self.make(service.render({'barbican': silent})).get, ME, 'a')
        manager = self.make('')
        manager._driver()
        self.conf.set_default('auth_endpoint', silent['auth_endpoint'], group='barbican')
        self.assertRaises(SecretRefused, manager.get, ME, 'a')

    def test_a_key_manager_that_cannot_be_loaded(self):
        for backend in ('nonsense', 'no.such.Class'):
            manager = self.make(f'[key_manager]\nbackend = {backend}\n')
            self.assertRaises(ManagerAway, manager.get, ME, 'a')
        with mock.patch.dict(sys.modules, {'castellan': None}):
            self.assertRaises(ManagerAway, self.make('').get, ME, 'a')
        self.assertIn('extra "signatures"', self.log.output)


class KeysOfImagesTest(KeyManagerTestCase):
    def setUp(self):
        super().setUp()
        self.key_id = self.stored.add('mine', 'key', b'x')
        self.keys = KeysOfImages(self.manager)

    def forget(self, key_id, policy='on_image_deletion'):
        properties = {'cinder_encryption_key_id': key_id, 'cinder_encryption_key_deletion_policy': policy}
        self.keys.forget(Image('i', properties={name: value for name, value in properties.items() if value}), ME)

    def test_a_key_goes_with_its_image(self):
        self.forget(self.key_id)
        self.assertFalse(self.stored.has(self.key_id))

    def test_a_key_stays_where_nobody_said_so(self):
        for policy in ('do_not_delete', 'On_Image_Deletion', None):
            self.forget(self.key_id, policy)
        self.keys.forget(Image('i'), ME)
        self.forget(None)
        self.assertTrue(self.stored.has(self.key_id))

    def test_failures_are_only_logged(self):
        for key_id in ('unknown', '../x', self.stored.add('others', 'key'), self.stored.add('mine', 'away')):
            self.forget(key_id)
            self.assertIn(f'not its key {key_id}', self.log.output)
