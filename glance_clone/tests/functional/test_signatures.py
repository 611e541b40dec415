# SPDX-License-Identifier: Apache-2.0
"""Signed images take no other data than what was signed, whichever way it comes (contract, section 17).

The key manager is the file one of :mod:`glance_clone.tests.fixtures.key_manager`, loaded by castellan as any other driver;
the slow tests have a real Barbican.
"""

from __future__ import annotations

import base64
import uuid
from typing import Any

from glance_clone.tests.fixtures import hostile
from glance_clone.tests.fixtures import key_manager
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures import signing
from glance_clone.tests.functional import imports

_PATCH = 'application/openstack-images-v2.1-json-patch'


class _Signatures(imports.ImportTestCase):
    """What the tests below have in common."""

    options = {
        **imports.ImportTestCase.options,
        **key_manager.options('${STATE_DIR}/tmp'),
        'key_requests': {'timeout': 3},
    }

    def setUp(self) -> None:
        super().setUp()
        self.data = imports.some(2_500_000)
        self.keys = key_manager.Keys(self.service.state / 'tmp')
        self.project = self.personas.project('alice')
        self.signer = signing.signer()
        self.certificate = self.keys.add(self.project, 'certificate', self.signer.certificate)

    def request(self, who: str | None, method: str, path: str, **kwargs: Any) -> Any:
        """Send a request with a token, as services behind Keystone get it."""
        kwargs['headers'] = {'X-Auth-Token': f'token-of-{who}', **kwargs.get('headers', {})}
        return super().request(who, method, path, **kwargs)

    def sign(self, **values: str) -> dict[str, str]:
        """Return the properties of an image with our data."""
        return {**self.signer.properties(self.data, self.certificate), **values}

    def assert_refused(self, image_id: str, data: bytes, status: int = 400) -> None:
        """Assert that data is refused, and nothing of it stays; the image can take other data."""
        answer = self.upload(image_id, data)
        self.assertEqual(status, answer.status_code, answer.text)
        image = self.show(image_id)
        self.assertEqual(('queued', None, None), (image['status'], image['size'], image['checksum']))
        self.assertIn('img_signature', image)
        self.assertEqual([], self.left(image_id))
        self.assert_no_traceback()

    def assert_import_failed(self, image_id: str, reason: str = 'signature') -> None:
        """Assert that an import failed and left nothing but its reason."""
        image = self.wait_for_import(image_id)
        self.assertEqual(('queued', None, None), (image['status'], image['size'], image['checksum']))
        self.assertIn(reason, image['os_glance_import_error'])
        self.assertEqual([], self.left(image_id))
        task = self.tasks(image_id)[-1]
        self.assertEqual('failure', task['status'])
        self.assertIn(reason, task['message'])
        self.assert_no_traceback()


class UploadTest(_Signatures):
    def test_what_was_signed_is_taken(self) -> None:
        for key_type in signing.KEY_TYPES:
            signer = signing.signer(key_type)
            certificate = self.keys.add(self.project, 'certificate', signer.certificate)
            image_id = self.create(**signer.properties(self.data, certificate, 'SHA-512'))
            self.assertEqual(204, self.upload(image_id, self.data).status_code)
            self.assert_active(image_id, self.data, 'fast')

    def test_other_data_is_refused(self) -> None:
        image_id = self.create(**self.sign())
        for data in (self.data[:-1], b'small', self.data + b'x'):
            self.assert_refused(image_id, data)
        self.assertEqual(204, self.upload(image_id, self.data).status_code)
        self.assert_active(image_id, self.data, 'fast')

    def test_properties_that_make_no_sense_are_refused(self) -> None:
        others = self.keys.add(self.personas.project('bob'), 'certificate', self.signer.certificate)
        ecc = self.keys.add(self.project, 'certificate', signing.signer('ECC_SECP384R1').certificate)
        for values in (
            {'img_signature': 'x'},
            {'img_signature': base64.b64encode(b'nonsense').decode()},
            {'img_signature_hash_method': 'MD5'},
            {'img_signature_key_type': 'RSA'},
            {'img_signature_key_type': 'DSA'},
            {'img_signature_certificate_uuid': str(uuid.uuid4())},
            {'img_signature_certificate_uuid': '../../etc/passwd'},
            {'img_signature_certificate_uuid': self.keys.add(self.project, 'key', b'12345678')},
            {'img_signature_certificate_uuid': self.keys.add(self.project, 'certificate', b'nonsense')},
            {'img_signature_certificate_uuid': others},
            {'img_signature_certificate_uuid': ecc},
        ):
            self.assert_refused(self.create(**self.sign(**values)), self.data)

    def test_partly_signed_images_take_any_data(self) -> None:
        for name in self.sign():
            properties = {**self.sign(), 'img_signature': 'wrong'}
            del properties[name]
            image_id = self.create(**properties)
            self.assertEqual(204, self.upload(image_id, b'x').status_code)
            self.assert_active(image_id, b'x', 'fast')

    def test_nothing_is_taken_while_the_key_manager_is_away(self) -> None:
        for kind in ('away', 'hangs'):
            key_id = self.keys.add(self.project, kind)
            image_id = self.create(**self.sign(img_signature_certificate_uuid=key_id))
            self.assert_refused(image_id, self.data, 503)

    def test_an_image_that_has_data_answers_as_ever(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, b'x').status_code)
        patch = [{'op': 'add', 'path': f'/{name}', 'value': value} for name, value in self.sign().items()]
        answer = self.request('alice', 'PATCH', f'/v2/images/{image_id}', json=patch, headers={'Content-Type': _PATCH})
        self.assertEqual(200, answer.status_code, answer.text)
        self.assertEqual(409, self.upload(image_id, b'y').status_code)
        self.assertEqual(b'x', self.download(image_id).content)


class StandaloneUploadTest(UploadTest):
    launcher = service.STANDALONE


class ParallelImportTest(_Signatures):
    """Several stores at the same time."""

    options = {**_Signatures.options, 'image_import_opts': {'max_parallel_stores': 2}}

    def test_staged_data(self) -> None:
        image_id = self.create(**self.sign())
        self.import_now(image_id, self.data, stores=['fast', 'cheap'])
        self.assert_active(image_id, self.data, 'fast,cheap')
        image_id = self.create(**self.sign())
        self.assertEqual(204, self.stage(image_id, self.data[:-1]).status_code)
        self.start_import(image_id, stores=['fast', 'cheap'], all_stores_must_succeed=False)
        self.assert_import_failed(image_id)
        self.import_now(image_id, self.data)
        self.assert_active(image_id, self.data, 'fast')


class ImportTest(ParallelImportTest):
    """One store after the other."""

    options = _Signatures.options

    def test_downloads(self) -> None:
        web = self.useFixture(hostile.HostileServer({'/data': hostile.sends(hostile.answer(self.data))}))
        method = {'name': 'web-download', 'uri': f'{web.url}/data'}
        image_id = self.create(**self.sign())
        self.start_import(image_id, method)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')
        self.data = self.data[::-1]
        image_id = self.create(**self.sign())
        self.start_import(image_id, method)
        self.assert_import_failed(image_id)

    def test_a_certificate_that_cannot_be_had(self) -> None:
        image_id = self.create(**self.sign(img_signature_certificate_uuid=str(uuid.uuid4())))
        self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.start_import(image_id)
        self.assert_import_failed(image_id, 'key manager')

    def test_copies(self) -> None:
        self.certificate = self.keys.add(self.personas.project('admin'), 'certificate', self.signer.certificate)
        image_id = self.create(**self.sign())
        self.assertEqual(204, self.upload(image_id, self.data, 'admin').status_code)
        self.start_import(image_id, 'copy-image', 'admin', stores=['cheap'])
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, b'x').status_code)
        patch = [{'op': 'add', 'path': f'/{name}', 'value': value} for name, value in self.sign().items()]
        self.request('alice', 'PATCH', f'/v2/images/{image_id}', json=patch, headers={'Content-Type': _PATCH})
        self.start_import(image_id, 'copy-image', 'admin', stores=['cheap'])
        image = self.wait_for_import(image_id)
        self.assertEqual('cheap', image['os_glance_failed_import'])
        self.assertIn('signature', image['os_glance_import_error'])
        self.assert_active(image_id, b'x', 'fast')


class EncryptionKeyTest(_Signatures):
    def create_encrypted(self, key_id: str, policy: str = 'on_image_deletion') -> str:
        return self.create(cinder_encryption_key_id=key_id, cinder_encryption_key_deletion_policy=policy)

    def delete(self, image_id: str) -> None:
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(404, self.request('alice', 'GET', f'/v2/images/{image_id}').status_code)

    def test_a_key_goes_with_its_image(self) -> None:
        key_id = self.keys.add(self.project, 'key')
        self.delete(self.create_encrypted(key_id, 'do_not_delete'))
        self.assertTrue(self.keys.has(key_id))
        image_id = self.create_encrypted(key_id)
        self.assertEqual(204, self.upload(image_id, self.data).status_code)
        self.delete(image_id)
        self.assertFalse(self.keys.has(key_id))

    def test_a_key_stays_while_its_image_does(self) -> None:
        key_id = self.keys.add(self.project, 'key')
        image_id = self.create_encrypted(key_id)
        patch = [{'op': 'replace', 'path': '/protected', 'value': True}]
        self.request('alice', 'PATCH', f'/v2/images/{image_id}', json=patch, headers={'Content-Type': _PATCH})
        self.assertEqual(403, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertTrue(self.keys.has(key_id))

    def test_failures_are_only_logged(self) -> None:
        for key_id in (str(uuid.uuid4()), self.keys.add('others', 'key'), self.keys.add(self.project, 'away')):
            self.delete(self.create_encrypted(key_id))
            self.assertIn(f'not its key {key_id}', self.log())
        self.assert_no_traceback()
