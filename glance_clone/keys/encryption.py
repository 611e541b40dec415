# SPDX-License-Identifier: Apache-2.0
"""Keys of encrypted volumes: an image made of such a volume has one of its own, which may go with it."""

from __future__ import annotations

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain import key_ports
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.keys.manager import KeyManager

LOG = logging.getLogger(__name__)


class KeysOfImages:
    """See :class:`glance_clone.domain.key_ports.EncryptionKeys`."""

    def __init__(self, keys: KeyManager):
        self._keys = keys

    def forget(self, image: Image, submitter: Submitter) -> None:
        """Delete the key of a deleted image, if it is to go with it."""
        key_id = image.properties.get(key_ports.ENCRYPTION_KEY)
        if not key_id or image.properties.get(key_ports.DELETION_POLICY) != key_ports.ON_IMAGE_DELETION:
            return
        try:
            self._keys.delete(submitter, key_id)
        except errors.ImageServiceError as error:
            LOG.warning('Image %s is deleted, but not its key %s, which stays in the key manager: %s', image.id, key_id, error)
        else:
            LOG.info('Key %s was deleted with image %s.', key_id, image.id)
