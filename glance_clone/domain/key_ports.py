# SPDX-License-Identifier: Apache-2.0
"""The contracts between images and the key manager of the cloud: signatures of data, and keys that go with their images."""

from __future__ import annotations

from typing import Protocol

from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter

SIGNATURE = 'img_signature'
HASH_METHOD = 'img_signature_hash_method'
KEY_TYPE = 'img_signature_key_type'
CERTIFICATE = 'img_signature_certificate_uuid'
#: The properties of a signed image: with all of them its data is verified, with fewer it is not.
SIGNED = frozenset((SIGNATURE, HASH_METHOD, KEY_TYPE, CERTIFICATE))

ENCRYPTION_KEY = 'cinder_encryption_key_id'
DELETION_POLICY = 'cinder_encryption_key_deletion_policy'
#: The policy by which the key goes with the image.
ON_IMAGE_DELETION = 'on_image_deletion'


class Verifier(Protocol):
    """A filter that refuses data which is not what was signed."""

    def update(self, block: bytes | memoryview) -> None:
        """Take a block."""

    def finish(self) -> None:
        """Learn that the data is complete.

        :raises SignatureRefused: the signature is not one of this data
        """


class Verifiers(Protocol):
    """Makes verifiers for images."""

    def of(self, image: Image, submitter: Submitter) -> Verifier | None:
        """Return what verifies the data of a signed image, None for other images.

        :param submitter: with whose rights the certificate is fetched
        :raises SignatureRefused: the properties make no sense, or there is no such certificate for the submitter
        :raises Unavailable: the key manager is away
        """


class Unsigned:
    """Verifiers where no image counts as signed."""

    def of(self, image: Image, submitter: Submitter) -> Verifier | None:
        """Return None."""
        return None


class EncryptionKeys(Protocol):
    """Keys of encrypted volumes from which images were made."""

    def forget(self, image: Image, submitter: Submitter) -> None:
        """Delete the key of an image that was deleted, if the image says so; that this fails is only logged."""
