# SPDX-License-Identifier: Apache-2.0
"""Which images are verified, and what their data must be."""

import sys
from unittest import mock

import fixtures
from castellan.common.objects import opaque_data
from castellan.common.objects import x_509
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import key_ports
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.keys.manager import SecretRefused
from glance_clone.keys.signatures import Signatures
from glance_clone.tests.fixtures import signing

DATA = bytes(range(256)) * 100
ME = Submitter(project_id='p', token='t')


class Keys:
    """A key manager with the certificates of all signers."""

    def __init__(self):
        self.objects = {name: x_509.X509(signing.signer(name).certificate) for name in signing.KEY_TYPES}
        self.asked = []

    def get(self, submitter, secret_id):
        self.asked.append((submitter, secret_id))
        if secret_id not in self.objects:
            raise SecretRefused('none')
        return self.objects[secret_id]


class SignaturesTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.keys = Keys()
        self.verifiers = Signatures(self.keys)

    def image(self, key_type='RSA-PSS', data=DATA, method='SHA-256', **more):
        return Image('i', properties={**signing.signer(key_type).properties(data, key_type, method), **more})

    def verify(self, image, data=DATA):
        verifier = self.verifiers.of(image, ME)
        for start in range(0, len(data), 1000):
            verifier.update(data[start : start + 1000])
        verifier.finish()

    def test_what_was_signed_passes(self):
        for key_type in signing.KEY_TYPES:
            for method in signing.METHODS:
                self.verify(self.image(key_type, method=method))
        self.assertEqual((ME, 'RSA-PSS'), self.keys.asked[0])
        self.verify(self.image(data=b''), b'')

    def test_other_data_is_refused(self):
        for key_type in signing.KEY_TYPES:
            for data in (DATA[:-1], DATA + b'x', b'', b'x' + DATA[1:]):
                self.assertRaises(errors.SignatureRefused, self.verify, self.image(key_type), data)

    def test_the_signature_of_somebody_else_is_refused(self):
        image = self.image()
        self.keys.objects['RSA-PSS'] = x_509.X509(signing.Signer('RSA-PSS').certificate)
        self.assertRaises(errors.SignatureRefused, self.verify, image)

    def test_a_signature_of_nonsense_is_refused(self):
        for key_type in signing.KEY_TYPES:
            self.assertRaises(errors.SignatureRefused, self.verify, self.image(key_type, img_signature='eHl6'))

    def test_images_that_lack_a_property_are_not_verified(self):
        self.assertIsNone(self.verifiers.of(Image('i'), ME))
        for name in key_ports.SIGNED:
            image = self.image()
            del image.properties[name]
            self.assertIsNone(self.verifiers.of(image, ME))
        self.assertEqual([], self.keys.asked)

    def test_properties_that_make_no_sense_are_refused_before_anybody_is_asked(self):
        for name, value in (
            ('img_signature', 'a'),
            ('img_signature', ''),
            ('img_signature', None),
            ('img_signature', 'é'),
            ('img_signature_hash_method', 'MD5'),
            ('img_signature_hash_method', 'sha-256'),
            ('img_signature_key_type', 'RSA'),
            ('img_signature_key_type', None),
        ):
            self.assertRaises(errors.SignatureRefused, self.verifiers.of, self.image(**{name: value}), ME)
        self.assertEqual([], self.keys.asked)

    def test_certificates_that_will_not_do_are_refused(self):
        self.keys.objects['broken'] = x_509.X509(b'nonsense')
        self.keys.objects['none'] = opaque_data.OpaqueData(signing.signer().certificate)
        for name in ('DSA', 'ECC_SECP384R1', 'broken', 'none', 'unknown', None):
            image = self.image(img_signature_certificate_uuid=name)
            self.assertRaises(errors.SignatureRefused, self.verifiers.of, image, ME)

    def test_without_the_library_nothing_passes_for_verified(self):
        with mock.patch.dict(sys.modules, {'cursive': None}):
            self.assertRaises(errors.Unavailable, self.verifiers.of, self.image(), ME)
            self.assertIsNone(self.verifiers.of(Image('i'), ME))
