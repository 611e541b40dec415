# SPDX-License-Identifier: Apache-2.0
"""Signed and encrypted images beside a real Barbican: what the user's token gives is all that the service gets."""

from __future__ import annotations

import uuid
from typing import ClassVar

from castellan.common.objects import symmetric_key
from castellan.common.objects import x_509
from castellan.key_manager import barbican_key_manager
from keystoneauth1 import adapter
from oslo_config import cfg
from oslo_context import context

from glance_clone.tests import base
from glance_clone.tests.fixtures import barbican
from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures import signing

_OCTETS = {'Content-Type': 'application/octet-stream'}
_DATA = b'signed' * 1000


class BarbicanTest(base.TestCase):
    keystone: ClassVar[keystone.Keystone]
    barbican: ClassVar[barbican.Barbican]
    service: ClassVar[service.Service]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.keystone = keystone.shared()
        cls.barbican = cls.share(barbican.Barbican(cls.keystone))
        options = {
            'keystone_authtoken': cls.keystone.authtoken(),
            'barbican': {'auth_endpoint': cls.keystone.url},
            'key_requests': {'timeout': 20},
        }
        cls.service = cls.share(service.Service(cls.share(database.SQLite()).url, options=options, trust_headers=False))
        cls.keystone.register(cls.service.url)

    def setUp(self) -> None:
        super().setUp()
        self.alice = adapter.Adapter(self.keystone.session(keystone.ALICE), 'image', raise_exc=False)
        conf = cfg.ConfigOpts()
        conf([])
        self.keys = barbican_key_manager.BarbicanKeyManager(conf)
        conf.set_override('auth_endpoint', self.keystone.url, group='barbican')

    def context(self, user: keystone.User) -> context.RequestContext:
        """Return what castellan needs to know of a user."""
        project = self.keystone.projects[user.project]
        return context.RequestContext(auth_token=self.keystone.token(user), project_id=project, overwrite=False)

    def create(self, **properties: str) -> str:
        """Create an image of Alice."""
        answer = self.alice.post('/v2/images', json={'disk_format': 'raw', 'container_format': 'bare', **properties})
        self.assertEqual(201, answer.status_code, answer.text)
        return str(answer.json()['id'])

    def signed(self, certificate: str) -> str:
        """Create a signed image of Alice."""
        return self.create(**signing.signer().properties(_DATA, certificate))

    def upload(self, image_id: str, data: bytes) -> int:
        """Send data for an image of Alice; return the status of the answer."""
        return int(self.alice.put(f'/v2/images/{image_id}/file', data=data, headers=_OCTETS).status_code)

    def test_signed_images(self) -> None:
        certificate = x_509.X509(signing.signer().certificate)
        mine = self.keys.store(self.context(keystone.ALICE), certificate)
        others = self.keys.store(self.context(keystone.BOB), certificate)
        image_id = self.signed(mine)
        self.assertEqual(400, self.upload(image_id, _DATA[:-1]))
        self.assertEqual([], self.service.files())
        self.assertEqual(204, self.upload(image_id, _DATA))
        for secret in (others, str(uuid.uuid4()), 'nonsense'):
            self.assertEqual(400, self.upload(self.signed(secret), _DATA))
        self.barbican.process.stop()
        self.assertEqual(503, self.upload(self.signed(mine), _DATA))
        self.barbican.process.start()
        self.assertEqual(204, self.upload(self.signed(mine), _DATA))

    def test_keys_go_with_their_images(self) -> None:
        alice = self.context(keystone.ALICE)
        key = symmetric_key.SymmetricKey('AES', 256, bytes(32))
        mine, others = self.keys.store(alice, key), self.keys.store(self.context(keystone.BOB), key)
        for secret in (mine, others):
            image_id = self.create(cinder_encryption_key_id=secret, cinder_encryption_key_deletion_policy='on_image_deletion')
            self.assertEqual(204, self.alice.delete(f'/v2/images/{image_id}').status_code)
        self.assertEqual([], self.keys.list(alice))
        self.assertEqual(bytes(32), self.keys.get(self.context(keystone.BOB), others).get_encoded())
