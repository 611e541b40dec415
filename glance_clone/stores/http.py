# SPDX-License-Identifier: Apache-2.0
"""The store of images that others keep on web servers.

It takes no data. Reading remote data is not offered, so its images answer as those of a store that is away.
"""

from __future__ import annotations

from typing import NoReturn

from glance_clone.domain import errors
from glance_clone.domain.location import Location


class HttpStore:
    """Refers to data under http and https addresses."""

    schemes: tuple[str, ...] = ('http', 'https')
    writable = False
    kind = 'http'
    advertised = True

    def __init__(self, store_id: str | None, description: str = '', weight: int = 0):
        self.id = store_id
        self.description = description
        self.weight = weight

    def properties(self) -> dict[str, object]:
        """See :meth:`BlobStore.properties`."""
        return {}

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""
        scheme = url.partition('://')[0]
        return len(scheme) if scheme in self.schemes else -1

    def writer(self, blob_id: str, attempt: str, size: int | None) -> NoReturn:
        """See :meth:`BlobStore.writer`."""
        raise errors.StoreReadOnly('The http store takes no data; choose another store.')

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> NoReturn:
        """See :meth:`BlobStore.open`."""
        raise _unreadable()

    def size(self, location: Location) -> NoReturn:
        """See :meth:`BlobStore.size`."""
        raise _unreadable()

    def remove(self, location: Location) -> None:
        """Leave the remote data to those who put it there."""

    def discard(self, blob_id: str, attempt: str) -> None:
        """Do nothing: nothing is ever written here."""


def _unreadable() -> errors.StoreUnavailable:
    return errors.StoreUnavailable('Images that lie on web servers cannot be read by this service.')
