# SPDX-License-Identifier: Apache-2.0
"""Signatures of images, verified by cursive with certificates of the key manager.

Who issued a certificate, and until when it is valid, is looked at by those who use the image, not here.
"""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.exceptions import UnsupportedAlgorithm
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain import key_ports
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.domain.key_ports import Verifier
from glance_clone.keys.manager import KeyManager
from glance_clone.keys.manager import ManagerAway
from glance_clone.keys.manager import SecretRefused

LOG = logging.getLogger(__name__)


class Signatures:
    """See :class:`glance_clone.domain.key_ports.Verifiers`."""

    def __init__(self, keys: KeyManager):
        self._keys = keys

    def of(self, image: Image, submitter: Submitter) -> Verifier | None:
        """Return what verifies the data of a signed image."""
        if not image.properties.keys() >= key_ports.SIGNED:
            return None
        cursive = _Cursive()
        kind, signature, method = cursive.read(image)
        key = self._public_key(image, submitter)
        if not isinstance(key, kind.public_key_type):
            raise errors.SignatureRefused(
                f'The certificate has no key of the type {kind.name}; correct {key_ports.KEY_TYPE} or {key_ports.CERTIFICATE}.'
            )
        return SignatureFilter(kind.create_verifier(signature, method, key))

    def _public_key(self, image: Image, submitter: Submitter) -> Any:
        """Fetch the certificate."""
        try:
            found = self._keys.get(submitter, image.properties[key_ports.CERTIFICATE] or '')
        except SecretRefused as error:
            raise errors.SignatureRefused(f'The signature of the image cannot be verified. {error}') from error
        try:
            if found.format != 'X.509':
                raise ValueError(found.format)
            # Whatever it was stored as, castellan hands certificates out in DER.
            return x509.load_der_x509_certificate(found.get_encoded()).public_key()
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            LOG.info('What should be the certificate of image %s is none: %s', image.id, error)
            raise errors.SignatureRefused(
                f'What {key_ports.CERTIFICATE} names is no X.509 certificate with a key that can be used.'
            ) from error


class SignatureFilter:
    """A filter that refuses data which was not signed."""

    def __init__(self, verifier: Any):
        self._verifier = verifier

    def update(self, block: bytes | memoryview) -> None:
        """Add a block."""
        self._verifier.update(block)

    def finish(self) -> None:
        """Compare the signature with what has passed.

        :raises SignatureRefused: it is not one of this data
        """
        try:
            self._verifier.verify()
        except (InvalidSignature, UnsupportedAlgorithm, ValueError) as error:
            raise errors.SignatureRefused(
                'The data does not have the signature of the image; nothing of it was kept. Send what was signed, or correct '
                'the properties img_signature*.'
            ) from error


class _Cursive:
    """The library, imported when the first signed image comes."""

    def __init__(self) -> None:
        try:
            from cursive import exception  # noqa: PLC0415
            from cursive import signature_utils  # noqa: PLC0415
        except ImportError as error:
            LOG.error('Signatures cannot be verified: %s. The extra "signatures" brings what is missing.', error)
            raise ManagerAway('This service cannot verify signatures; tell an operator.') from error
        self._errors = exception
        self._library = signature_utils

    def read(self, image: Image) -> tuple[Any, bytes, Any]:
        """Return the type of key, the signature and the hash method that the properties name.

        :raises SignatureRefused: one of them makes no sense
        """
        values = image.properties
        try:
            signature = self._library.get_signature(values[key_ports.SIGNATURE])
            method = self._library.get_hash_method(values[key_ports.HASH_METHOD])
            kind = self._library.SignatureKeyType.lookup(values[key_ports.KEY_TYPE])
        except self._errors.SignatureVerificationError as error:
            raise errors.SignatureRefused(str(error)) from error
        except ValueError as error:
            raise errors.SignatureRefused(f'{key_ports.SIGNATURE} is no base64.') from error
        if not signature:
            raise errors.SignatureRefused(f'{key_ports.SIGNATURE} is empty; set it to the signature in base64.')
        return kind, signature, method
