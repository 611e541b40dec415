# SPDX-License-Identifier: Apache-2.0
"""Where data lies is a secret in many set-ups: urls of locations are sealed in the database (P12, D-14).

The compatible form is what other software reads that has the same ``metadata_encryption_key``: AES-CBC with a random
initialisation vector in front, in URL-safe base64. The authenticated form is AES-GCM, bound to the image, behind a mark and
the id of its key: nobody can change it, or move it to another image, unnoticed. Both can be read, and so can urls in the
clear, whatever is written now.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Sequence

import sqlalchemy as sa
from cryptography import exceptions
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.ciphers import modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain.location import UNREADABLE

LOG = logging.getLogger(__name__)

COMPATIBLE, AUTHENTICATED = 'compatible', 'authenticated'

_OPTION = 'sealing'
_SIZES = (16, 24, 32)
_BLOCK = 16
_NONCE = 12
_MARK = 'gcm1:'
_URL = re.compile(r'[a-zA-Z][a-zA-Z0-9+.-]*:')


class _Key:
    """One key, for both forms; the authenticated one has a key of its own that is derived from it."""

    def __init__(self, text: str):
        self._plain = text.encode()
        if len(self._plain) not in _SIZES:
            raise ValueError('metadata_encryption_key and metadata_encryption_further_keys must have 16, 24 or 32 bytes.')
        derived = HKDF(hashes.SHA256(), 32, None, b'glance_clone: urls of locations').derive(self._plain)
        self.id = hashlib.sha256(b'id of' + derived).hexdigest()[:8]
        self._derived = AESGCM(derived)

    def seal(self, url: str) -> str:
        """Return the compatible form of a url."""
        data = url.encode()
        data += b'\0' + bytes(secrets.randbelow(255) + 1 for _ in range(_BLOCK - 1 - len(data) % _BLOCK))
        start = secrets.token_bytes(_BLOCK)
        encryptor = Cipher(algorithms.AES(self._plain), modes.CBC(start)).encryptor()
        return base64.urlsafe_b64encode(start + encryptor.update(data) + encryptor.finalize()).decode()

    def unseal(self, text: str) -> str | None:
        """Return the url of a compatible form; None if it was sealed with another key."""
        try:
            raw = base64.urlsafe_b64decode(text.encode())
            decryptor = Cipher(algorithms.AES(self._plain), modes.CBC(raw[:_BLOCK])).decryptor()
            data = decryptor.update(raw[_BLOCK:]) + decryptor.finalize()
            url = data[: data.rfind(b'\0')].decode()
        except (ValueError, binascii.Error):
            return None
        return url if is_url(url) else None

    def seal_for(self, image_id: str, url: str) -> str:
        """Return the authenticated form of a url."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._derived.encrypt(nonce, url.encode(), image_id.encode())
        return f'{_MARK}{self.id}:{base64.urlsafe_b64encode(sealed).decode()}'

    def unseal_for(self, image_id: str, text: str) -> str | None:
        """Return the url of an authenticated form; None if it was changed, or sealed for another image or with another key."""
        key_id, _, encoded = text.removeprefix(_MARK).partition(':')
        if key_id != self.id:
            return None
        try:
            raw = base64.urlsafe_b64decode(encoded.encode())
            return self._derived.decrypt(raw[:_NONCE], raw[_NONCE:], image_id.encode()).decode()
        except (exceptions.InvalidTag, ValueError, binascii.Error):
            return None


class Sealing:
    """How urls of locations are written and read.

    :param key: what new ones are sealed with; None leaves them in the clear
    :param further: what others may have been sealed with
    :param form: of new ones
    :raises ValueError: a key of another size than AES has
    """

    def __init__(self, key: str | None = None, further: Sequence[str] = (), form: str = COMPATIBLE):
        self._key = _Key(key) if key else None
        self._keys = [*([self._key] if self._key else []), *map(_Key, further)]
        self._form = form

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Sealing:
        """Return the sealing that the configuration asks for; raises as the constructor does."""
        return cls(conf.metadata_encryption_key, conf.metadata_encryption_further_keys, conf.metadata_encryption_form)

    def options(self) -> dict[str, Sealing]:
        """Return the execution options of an engine whose connections are to seal so."""
        return {_OPTION: self}

    def seal(self, image_id: str, url: str) -> str:
        """Return what is stored for a url.

        :raises ValueError: it is the one of a location that could not be read
        """
        if not is_url(url):
            raise ValueError('A location that cannot be read is not written again.')
        if self._key is None:
            return url
        return self._key.seal_for(image_id, url) if self._form == AUTHENTICATED else self._key.seal(url)

    def unseal(self, image_id: str, text: str) -> str:
        """Return the url of what is stored, ``UNREADABLE`` if it cannot be told."""
        if text.startswith(_MARK):
            found = next(filter(None, (key.unseal_for(image_id, text) for key in self._keys)), None)
        elif is_url(text):
            return text
        else:
            found = next(filter(None, (key.unseal(text) for key in self._keys)), None)
        if found is None:
            LOG.error('A location of image %s cannot be unsealed: it was sealed with another key, or was changed.', image_id)
        return found or UNREADABLE

    def is_current(self, text: str) -> bool:
        """Tell whether what is stored has the form and, as far as that shows, the key of new ones."""
        if self._key is None:
            return is_url(text)
        if self._form == AUTHENTICATED:
            return text.startswith(f'{_MARK}{self._key.id}:')
        return not is_url(text) and self._key.unseal(text) is not None


_CLEAR = Sealing()


def of(connection: sa.Connection) -> Sealing:
    """Return how the connections of an engine seal."""
    found: Sealing = connection.get_execution_options().get(_OPTION, _CLEAR)
    return found


def is_url(text: str) -> bool:
    """Tell whether text is a url in the clear; sealed ones have no scheme."""
    return _URL.match(text) is not None and not text.startswith(_MARK) and text != UNREADABLE
