# SPDX-License-Identifier: Apache-2.0
"""The store of images that others keep on web servers.

It takes no data. Reading goes through the fetcher: an address is checked anew each time, and no redirect is followed (D-10).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import NoReturn

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.store_ports import Fetcher
from glance_clone.domain.store_ports import RemoteData

LOG = logging.getLogger(__name__)

_GONE = frozenset((404, 410))
_BLOCK = 1 << 20


class HttpStore:
    """Refers to data under http and https addresses; see :class:`BlobStore`."""

    schemes: tuple[str, ...] = ('http', 'https')
    writable = False
    kind = 'http'
    advertised = True

    def __init__(self, store_id: str | None, fetcher: Fetcher, description: str = '', weight: int = 0):
        self.id = store_id
        self.description = description
        self.weight = weight
        self._fetcher = fetcher

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

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> HttpReader:
        """See :meth:`BlobStore.open`."""
        remote = self._open(location, offset, length)
        if remote.size is not None:
            return HttpReader(remote, remote.size, offset, length)
        # Some servers tell the size only to those who ask for the head, and listen to one client at a time.
        remote.close()
        size = self.size(location)
        return HttpReader(self._open(location, offset, length), size, offset, length)

    def _open(self, location: Location, offset: int, length: int | None) -> RemoteData:
        with _translated():
            return self._fetcher.open(location.url, None, offset, length, redirects=0, total_timeout=math.inf)

    def size(self, location: Location) -> int:
        """See :meth:`BlobStore.size`; the server is asked for the head only."""
        with _translated():
            size = self._fetcher.size(location.url, redirects=0)
        if size is None:
            raise _unmeasured()
        return size

    def remove(self, location: Location) -> None:
        """Leave the remote data to those who put it there."""

    def discard(self, blob_id: str, attempt: str) -> None:
        """Do nothing: nothing is ever written here."""

    def objects(self) -> NoReturn:
        """See :meth:`BlobStore.objects`."""
        raise errors.CannotList('The http store holds nothing of its own.')

    def remove_object(self, found: StoredObject) -> NoReturn:
        """See :meth:`BlobStore.remove_object`."""
        self.objects()


class HttpReader:
    """Remote data that is being read; see :class:`BlobReader`."""

    def __init__(self, remote: RemoteData, size: int, offset: int, length: int | None):
        self.size = size
        self._remote = remote
        rest = max(size - offset, 0)
        self._missing = rest if length is None else min(length, rest)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes asked for.

        :raises StoreError: they end early, or come too slowly
        """
        while self._missing:
            try:
                block = self._remote.read(min(self._missing, _BLOCK))
            except errors.FetchError as error:
                LOG.error('Data on a web server cannot be read to its end: %s', error)
                raise errors.StoreError('The data ended early.') from error
            if not block:
                raise errors.StoreError('The data ended early.')
            self._missing -= len(block)
            yield block

    def close(self) -> None:
        """Close the connection."""
        self._remote.close()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of fetching into those of a store."""
    try:
        yield
    except errors.UrlRefused as error:
        LOG.error('Data on a web server is not fetched: %s', error)
        raise errors.StoreUnavailable('The data lies where this service may not fetch from now.') from error
    except errors.FetchError as error:
        if error.status in _GONE:
            raise errors.BlobNotFound('The web server has no data under this address.') from error
        LOG.error('Data on a web server cannot be read: %s', error)
        raise errors.StoreUnavailable('The web server that has the data does not give it now; try again later.') from error


def _unmeasured() -> errors.StoreUnavailable:
    return errors.StoreUnavailable('The web server does not tell the size of the data, which it must.')
