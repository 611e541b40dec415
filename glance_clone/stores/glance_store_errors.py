# SPDX-License-Identifier: Apache-2.0
"""What the errors of glance_store and of the client libraries under it mean in the words of the domain."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.stores.glance_store_options import masked

LOG = logging.getLogger(__name__)

#: Errors of glance_store by name, what they become, and what users are told.
_MEANINGS: dict[str, tuple[type[errors.ImageServiceError], str]] = {
    'NotFound': (errors.BlobNotFound, 'The store holds no data under this name.'),
    'Duplicate': (errors.BlobExists, 'The store holds an object of this name already.'),
    'StorageFull': (errors.StoreFull, 'The store has no room for the data.'),
    'StorageWriteDenied': (errors.StoreUnavailable, 'The store does not let the service write; an operator must look.'),
    'StoreAddDisabled': (errors.StoreReadOnly, 'The store takes no data; choose another store.'),
    'StoreGetNotSupported': (errors.Invalid, 'The store cannot be read.'),
    'StoreRandomGetNotSupported': (errors.Invalid, 'The store can be read only as a whole.'),
    'StoreDeleteNotSupported': (errors.StoreKeeps, 'The store keeps what was put into it.'),
    'HasSnapshot': (errors.BlobInUse, 'The data has snapshots in its store; remove these first.'),
    'InUseByStore': (errors.BlobInUse, 'The data is in use in its store; remove what was cloned from it first.'),
    'Invalid': (errors.SizeMismatch, 'Not as many bytes came as were announced.'),
    'Forbidden': (errors.Forbidden, 'The store does not allow this.'),
    'UnknownScheme': (errors.StoreError, 'The store cannot hold data at such a location.'),
    'BadStoreUri': (errors.StoreError, 'The location of the data is damaged; an operator must look.'),
}
_AWAY = 'The store cannot be reached now; try again later.'
#: Modules whose errors mean that a store is away, unless they say otherwise.
_CLIENTS = ('glance_store', 'swiftclient', 'keystoneauth1', 'keystoneclient', 'botocore', 'boto3', 'requests', 'urllib3')
_FULL = (413, 507)
_REFUSED = (401, 403)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn errors of drivers and clients into those of the domain, and log what operators should know.

    :param what: what was tried, for the log; no secrets
    """
    try:
        yield
    except errors.ImageServiceError:
        raise
    except Exception as error:
        meaning = translation(error)
        if not isinstance(meaning, errors.BlobNotFound | errors.BlobExists | errors.StoreKeeps):
            LOG.error('%s failed: %s: %s', what, type(error).__name__, masked(str(error)))
        raise meaning from None


def translation(error: Exception) -> errors.ImageServiceError:
    """Return what an error means."""
    for kind in type(error).__mro__:
        if kind.__module__ == 'glance_store.exceptions' and kind.__name__ in _MEANINGS:
            becomes, text = _MEANINGS[kind.__name__]
            return becomes(text)
    status = _status(error)
    if status == 404:
        return errors.BlobNotFound('The store holds no data under this name.')
    if status in _REFUSED:
        return errors.StoreUnavailable('The store does not let the service at the data; an operator must look.')
    if status in _FULL:
        return errors.StoreFull('The store has no room for the data.')
    if isinstance(error, OSError) or _is_of_client(error):
        return errors.StoreUnavailable(_AWAY)
    return errors.StoreError('The store failed; an operator must look.')


def _status(error: Exception) -> int | None:
    """Return the HTTP status that a client got, None if there was none."""
    response = getattr(error, 'response', None)
    if isinstance(response, dict):
        return response.get('ResponseMetadata', {}).get('HTTPStatusCode')
    return getattr(error, 'http_status', None) if type(error).__module__.startswith('swiftclient') else None


def _is_of_client(error: Exception) -> bool:
    return any(kind.__module__.split('.')[0] in _CLIENTS for kind in type(error).__mro__)
