# SPDX-License-Identifier: Apache-2.0
"""Data that others put into a store: found, measured, looked at and hashed, but never written."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.location import WEB_SCHEMES
from glance_clone.domain.location import Location
from glance_clone.domain.location import named_by_user
from glance_clone.domain.location import scheme_of
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import BlobStore
from glance_clone.domain.store_ports import Fetcher
from glance_clone.domain.store_ports import StoreRegistry
from glance_clone.transfer import pipeline
from glance_clone.transfer.digest import Digest
from glance_clone.transfer.inspect import Inspection
from glance_clone.transfer.inspect import Rules
from glance_clone.transfer.limit import Limit

LOG = logging.getLogger(__name__)

#: Bytes at the begin of data in which formats have their marks.
_HEAD = 4 << 20


class StoredData:
    """See :class:`glance_clone.domain.location_ports.ForeignData`.

    :param fetcher: knows from where the service may fetch
    """

    def __init__(self, conf: cfg.ConfigOpts, stores: StoreRegistry, fetcher: Fetcher, concurrency: Concurrency):
        self._conf = conf
        self._rules = Rules.of(conf)
        self._stores = stores
        self._fetcher = fetcher
        self._concurrency = concurrency

    def locate(self, url: str, metadata: Mapping[str, Any] | None = None) -> Location:
        """See :meth:`ForeignData.locate`."""
        location = Location(named_by_user(url), dict(metadata or {}))
        store = self._store_of(location)
        if hasattr(store, 'require_own'):
            store.require_own(location)
        if self._stores.multiple:
            location.metadata['store'] = store.id
        if scheme_of(location.url) in WEB_SCHEMES:
            self._fetcher.check(location.url)
        return location

    def _store_of(self, location: Location) -> BlobStore:
        """Return the store that a user names, if it has such locations, else the one that the URL speaks for."""
        for place in (location, Location(location.url)):
            with contextlib.suppress(errors.StoreUnknown):
                store = self._stores.of(place)
                if scheme_of(location.url) in store.schemes:
                    return store
        raise errors.Invalid('No store of this service has locations of that kind.')

    def measure(self, location: Location) -> int:
        """See :meth:`ForeignData.measure`."""
        with _unreadable():
            size = int(self._concurrency.start(self._stores.of(location).size, location).wait())
        if size <= 0:
            raise errors.Invalid('There is no data at the location.')
        if size > self._conf.image_size_cap:
            raise errors.LimitExceeded(f'The data is larger than the {self._conf.image_size_cap} bytes of an image.')
        return size

    def look_at(self, image: Image, location: Location) -> None:
        """See :meth:`ForeignData.look_at`."""
        inspection = Inspection(image, self._rules)
        with _unreadable(), self._opened(location, min(image.size or _HEAD, _HEAD)) as source:
            whole = image.size is not None and image.size <= _HEAD
            for block in pipeline.blocks(source, pipeline.BLOCK):
                inspection.update(block)
        if whole:
            inspection.finish()

    def examine(
        self, image: Image, location: Location, algorithms: Sequence[str], advance: Callable[[int], None]
    ) -> dict[str, str]:
        """See :meth:`ForeignData.examine`."""
        limit = Limit(self._conf.image_size_cap, image.size)
        inspection = Inspection(image, self._rules)
        digests = [Digest(algorithm) for algorithm in dict.fromkeys(algorithms)]
        with _unreadable(), self._opened(location, None) as source:
            pipeline.run(source, (limit, inspection, _Progress(advance)), digests, self._concurrency)
        return {digest.algorithm: digest.value for digest in digests}

    @contextlib.contextmanager
    def _opened(self, location: Location, length: int | None) -> Iterator[_Source]:
        store = self._stores.of(location)
        reader: BlobReader = self._concurrency.start(store.open, location, 0, length).wait()
        try:
            yield _Source(reader, length)
        finally:
            reader.close()


class _Source:
    """The blocks of a reader as a source of bytes.

    :param length: most bytes to give, None for all
    """

    def __init__(self, reader: BlobReader, length: int | None):
        self._blocks = iter(reader)
        self._rest = memoryview(b'')
        self._left = length

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b''))
        if self._left is not None:
            size = min(size, self._left)
        part, self._rest = self._rest[:size], self._rest[size:]
        if self._left is not None:
            self._left -= len(part)
        return bytes(part)


class _Progress:
    """A filter that tells how many bytes have passed."""

    def __init__(self, advance: Callable[[int], None]):
        self._advance = advance
        self._count = 0

    def update(self, block: bytes | memoryview) -> None:
        """Tell it."""
        self._count += len(block)
        self._advance(self._count)

    def finish(self) -> None:
        """Do nothing."""


@contextlib.contextmanager
def _unreadable() -> Iterator[None]:
    """Turn what stores say of data that they cannot reach into a fault of the location."""
    try:
        yield
    except (errors.Invalid, errors.Conflict, errors.NotFound, errors.LimitExceeded, errors.UnsafeContent):
        raise
    except errors.DatabaseUnavailable:
        raise
    except errors.ImageServiceError as error:
        LOG.info('A location that was named cannot be used: %s', error)
        raise errors.LocationUnreadable(f'The data at the location cannot be read: {error}') from error
