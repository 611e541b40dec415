# SPDX-License-Identifier: Apache-2.0
"""The stores that glance_store has drivers for, behind the blob contract.

What is the same for all drivers is here; modules of their own have what Swift, S3 and others need beyond. Objects are named
like their images, as always. That there is one writer of a name at a time is ensured among the threads of a process here,
and among processes by the lease of whoever writes.
"""

from __future__ import annotations

import contextlib
import urllib.parse
import weakref

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import SimpleQueue
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import BlobWriter
from glance_clone.stores import glance_store_options
from glance_clone.stores.glance_store_errors import translated
from glance_clone.stores.glance_store_reader import Reader
from glance_clone.stores.glance_store_reader import span
from glance_clone.stores.glance_store_writer import Added
from glance_clone.stores.glance_store_writer import Feed
from glance_clone.stores.glance_store_writer import FeedWriter

LOG = logging.getLogger(__name__)

#: A hash that the driver computes beside ours and that nobody looks at: the cheapest that it has.
_ALGORITHM = 'sha1'

#: The name of no image.
_ABSENT = 'is-the-store-there'

#: Settings that operators are shown, by type of store: name shown, option.
_SHOWN: dict[str, dict[str, str]] = {
    'swift': {
        'container': 'swift_store_container',
        'large_object_size': 'swift_store_large_object_size',
        'large_object_chunk_size': 'swift_store_large_object_chunk_size',
    },
    's3': {
        's3_store_large_object_size': 's3_store_large_object_size',
        's3_store_large_object_chunk_size': 's3_store_large_object_chunk_size',
        's3_store_thread_pools': 's3_store_thread_pools',
    },
    'rbd': {'chunk_size': 'rbd_store_chunk_size', 'pool': 'rbd_store_pool', 'thin_provisioning': 'rbd_thin_provisioning'},
    'cinder': {'volume_type': 'cinder_volume_type', 'use_multipath': 'cinder_use_multipath'},
    'vmware': {},
}


class _Nobody:
    """The context of work that nobody asked for; drivers with an account of their own need no more."""

    auth_token = user_id = None
    project_id = ''
    service_catalog: Sequence[Any] = ()


_NOBODY = _Nobody()


class GlanceStore:
    """A store with a driver of glance_store; see :class:`BlobStore`."""

    advertised = True

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        kind: str,
        store_id: str | None,
        concurrency: Concurrency,
        description: str = '',
        weight: int = 0,
    ):
        self.id = store_id
        self.kind = kind
        self.description = description
        self.weight = weight
        self.name = f'store {store_id or kind}'
        self._conf = conf
        self.driver = self.load_driver()
        self.schemes: tuple[str, ...] = tuple(self.driver.get_schemes())
        self._concurrency = concurrency
        self._writers: weakref.WeakValueDictionary[tuple[str, str], Any] = weakref.WeakValueDictionary()
        self._locks: weakref.WeakValueDictionary[str, _Lock] = weakref.WeakValueDictionary()
        self._locks_guard = _Lock()

    def load_driver(self) -> Any:
        """Return a new driver of this store.

        :raises ValueError: it cannot be set up
        """
        return glance_store_options.load(self._conf, self.kind, self.id)

    @property
    def writable(self) -> bool:
        """Whether the driver could be set up for taking data; that is tried again when data comes."""
        return bool(self.driver.is_capable(glance_store_options.library('capabilities').BitMasks.WRITE_ACCESS))

    def option(self, name: str) -> Any:
        """Return an option of the store: from its own group, else from the one for all stores."""
        value = getattr(self._conf[self.id or 'glance_store'], name)
        return getattr(self._conf[glance_store_options.SHARED_GROUP], name) if value is None else value

    def properties(self) -> dict[str, Any]:
        """See :meth:`BlobStore.properties`."""
        return {shown: self.option(name) for shown, name in _SHOWN[self.kind].items()}

    def check(self) -> None:
        """Ask for an object that is not there; see :class:`CheckedStore`. Stores that find nothing by name are not asked."""
        location = self.location_of(_ABSENT)
        if location is not None:
            with contextlib.suppress(errors.BlobNotFound):
                self.size(location)

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""
        scheme = url.partition('://')[0]
        if scheme not in self.schemes:
            return -1
        prefix = without_credentials(self.driver.url_prefix or '').rstrip('/')
        if not prefix:
            return len(scheme)
        plain = without_credentials(url)
        return len(prefix) if plain.startswith(prefix + '/') else -1

    # Writing.

    def writer(self, blob_id: str, attempt: str, size: int | None) -> BlobWriter:
        """See :meth:`BlobStore.writer`."""
        self._require_writable()
        writer = self._writers[blob_id, attempt] = self.new_writer(blob_id, attempt, size or 0)
        return writer

    def _require_writable(self) -> None:
        if not self.writable:
            self.driver = self.load_driver()
        if not self.writable:
            LOG.error('The %s cannot be set up for writing; the log of glance_store says why.', self.name)
            raise self.not_writable()

    def not_writable(self) -> errors.ImageServiceError:
        """Return what is said where the driver could not be set up for writing."""
        return errors.StoreReadOnly('The store takes no data now; choose another store.')

    def new_writer(self, blob_id: str, attempt: str, size: int) -> Any:
        """Return a writer; size is 0 where it is unknown."""
        return FeedWriter(self, blob_id, attempt, self.adding(blob_id, size), self._concurrency.detach)

    def adding(self, name: str, size: int) -> Any:
        """Return the work of storing a feed under a name."""

        def add(feed: Feed) -> Added:
            driver = self.driver
            if not driver.is_capable(glance_store_options.library('capabilities').BitMasks.DRIVER_REUSABLE):
                # It keeps in itself what it knows of the data that it is storing.
                driver = self.load_driver()
            return driver.add(name, feed, size, _ALGORITHM, context=self.context())  # type: ignore[no-any-return]

        return add

    def context(self) -> Any:
        """Return on whose behalf drivers act that use the accounts of users: those of the caller, else the service's own."""
        return CONTEXT.get() or _NOBODY

    @contextlib.contextmanager
    def publishing(self, blob_id: str) -> Iterator[None]:
        """Let one writer of a name at a time look whether it is free, and take it."""
        with self._locks_guard:
            lock = self._locks.setdefault(blob_id, _Lock())
        with lock:
            yield

    def exists(self, blob_id: str) -> bool:
        """Tell whether an object has this name; a driver that refuses to overwrite needs no look ahead."""
        return False

    def publish(self, blob_id: str, attempt: str, added: Added) -> Location:
        """Return the location of what the driver stored, after giving it its name where that is still to be done."""
        return Location(self.public_url(added[0]), _kept(added[4]))

    def public_url(self, url: str) -> str:
        """Return the url as it is kept: without secrets."""
        return url

    def identity(self, location: Location) -> object:
        """Return what tells this object from a later one of its name; None where stores cannot tell."""
        return None

    def remove_if(self, location: Location, identity: object) -> None:
        """Remove an object unless another one has got its name; one that is gone is no error."""
        with contextlib.suppress(errors.BlobNotFound):
            if identity is None or self.identity(location) == identity:
                self.remove(location)

    def clean(self, blob_id: str, attempt: str, added: Added | None) -> None:
        """Remove what a driver left of an object that was not committed."""
        if added is not None:
            self.remove_if(self.publish(blob_id, attempt, added), None)

    # Reading and removing.

    def place(self, location: Location) -> Any:
        """Return a location in the words of glance_store."""
        with translated(f'Understanding a location of {self.name}'):
            scheme = urllib.parse.urlparse(location.url).scheme
            kind = self.driver.get_store_location_class()
            return glance_store_options.library('location').Location(
                scheme, kind, self._conf, uri=location.url, backend=self.id
            )

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> BlobReader:
        """See :meth:`BlobStore.open`; what comes before the offset is read and dropped."""
        place = self.place(location)
        with translated(f'Opening data in {self.name}'):
            blocks, size = self.driver.get(place, context=self.context())
        size = int(size)
        close = getattr(blocks, 'close', None) or getattr(getattr(blocks, 'wrapped', None), 'close', None)
        return Reader(blocks, size, offset, span(size, offset, length), close)

    def size(self, location: Location) -> int:
        """See :meth:`BlobStore.size`."""
        place = self.place(location)
        with translated(f'Measuring data in {self.name}'):
            return int(self.driver.get_size(place, context=self.context()))

    def remove(self, location: Location) -> None:
        """See :meth:`BlobStore.remove`."""
        place = self.place(location)
        try:
            with translated(f'Removing data from {self.name}'):
                self.driver.delete(place, context=self.context())
        except errors.StoreKeeps:
            LOG.warning('The %s does not remove data; it stays there.', self.name)

    def discard(self, blob_id: str, attempt: str) -> None:
        """See :meth:`BlobStore.discard`."""
        writer = self._writers.get((blob_id, attempt))
        if writer is not None:
            writer.give_up()
        with translated(f'Discarding {blob_id} in {self.name}'):
            self.discard_objects(blob_id, attempt)

    def discard_objects(self, blob_id: str, attempt: str) -> None:
        """Remove the object of this name; drivers that make others first remove those too."""
        location = self.location_of(blob_id)
        if location is not None:
            with contextlib.suppress(errors.BlobNotFound):
                self.remove(location)

    def location_of(self, blob_id: str) -> Location | None:
        """Return where an object of this name lies or would lie; None where the name does not tell."""
        return None

    def objects(self) -> Iterator[StoredObject]:
        """See :meth:`BlobStore.objects`."""
        raise errors.CannotList(f'The {self.name} cannot list what it holds.')

    def remove_object(self, found: StoredObject) -> None:
        """See :meth:`BlobStore.remove_object`."""
        raise errors.CannotList(f'The {self.name} cannot list what it holds.')


class _Lock:
    """A lock among native threads, whatever eventlet made of the module ``threading``."""

    def __init__(self) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self._free.put(None)

    def __enter__(self) -> None:
        self._free.get()

    def __exit__(self, *_exc_info: object) -> None:
        self._free.put(None)


def without_credentials(url: str) -> str:
    """Return a url without user and password."""
    scheme, separator, rest = url.partition('://')
    _user, at, host = rest.rpartition('@')
    return f'{scheme}{separator}{host}' if at else url


def _kept(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what a driver wants kept with a location, the id of the store apart, which is noted for all stores alike."""
    return {name: value for name, value in metadata.items() if name != 'store'}
