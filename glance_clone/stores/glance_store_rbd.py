# SPDX-License-Identifier: Apache-2.0
"""Ceph RBD: an object is an image with a protected snapshot, from which others are cloned."""

from __future__ import annotations

import contextlib
import sys
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.store_ports import BlobReader
from glance_clone.stores.glance_store_adapter import GlanceStore
from glance_clone.stores.glance_store_errors import translated
from glance_clone.stores.glance_store_reader import Reader
from glance_clone.stores.glance_store_reader import span
from glance_clone.stores.glance_store_writer import Added

_BLOCK = 4 << 20
_SNAPSHOT = 'snap'


class RbdStore(GlanceStore):
    """A store in one pool."""

    def properties(self) -> dict[str, Any]:
        """See :meth:`BlobStore.properties`; the id of the cluster is None until it has been reached."""
        cluster = (self.driver.url_prefix or '').removeprefix('rbd://').partition('/')[0]
        return {**super().properties(), 'fsid': urllib.parse.unquote(cluster) or None}

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its.

        The oldest locations name the image alone.
        """
        scheme, _, rest = url.partition('://')
        return len(scheme) if scheme == 'rbd' and rest and '/' not in rest else super().match(url)

    def not_writable(self) -> errors.ImageServiceError:
        """Return that the cluster is away, which is why a driver with its libraries cannot be set up."""
        if 'rbd' not in sys.modules:
            return super().not_writable()
        return errors.StoreUnavailable('The store cannot be reached now; try again later.')

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> BlobReader:
        """See :meth:`BlobStore.open`."""
        size = self.size(location)
        count = span(size, offset, length)
        return Reader(self._blocks(self.place(location).store_location, offset, count), size, 0, count)

    def _blocks(self, place: Any, offset: int, count: int) -> Iterator[bytes]:
        with self._image(self._pool_of(place), place.image, place.snapshot) as image:
            end = offset + count
            while offset < end:
                block = image.read(offset, min(_BLOCK, end - offset))
                offset += len(block)
                yield block

    def identity(self, location: Location) -> object:
        """Return the number that Ceph gave the image, () if it is gone."""
        place = self.place(location).store_location
        looking = translated(f'Looking at data in {self.name}')
        with contextlib.suppress(errors.BlobNotFound), looking, self._image(self._pool_of(place), place.image) as image:
            return image.id()
        return ()

    def _pool_of(self, place: Any) -> str:
        return str(place.pool or self.driver.pool)

    @contextlib.contextmanager
    def _image(self, pool: str, name: str, snapshot: str | None = None) -> Iterator[Any]:
        with self._pool(pool) as ioctx:
            try:
                with _library().Image(ioctx, name, snapshot=snapshot, read_only=True) as image:
                    yield image
            except _library().ImageNotFound:
                raise errors.BlobNotFound('The store holds no data under this name.') from None

    @contextlib.contextmanager
    def _pool(self, pool: str) -> Iterator[Any]:
        driver = self.driver
        connected = driver.get_connection(conffile=driver.conf_file, rados_id=driver.user)
        with connected as connection, connection.open_ioctx(pool) as ioctx:
            yield ioctx

    def clean(self, blob_id: str, attempt: str, added: Added | None) -> None:
        """Remove a finished image that was not committed; an unfinished one the driver removes itself."""
        if added is not None:
            super().clean(blob_id, attempt, added)

    def discard_objects(self, blob_id: str, attempt: str) -> None:
        """Remove the image of this name, with its snapshot if it got so far."""
        with contextlib.suppress(errors.BlobNotFound), translated(f'Removing {blob_id} from {self.name}'):
            self.driver._delete_image(self.driver.pool, blob_id, _SNAPSHOT)

    def objects(self) -> Iterator[StoredObject]:
        """See :meth:`BlobStore.objects`."""
        with translated(f'Listing {self.name}'), self._pool(self.driver.pool) as ioctx:
            names = _library().RBD().list(ioctx)
        for name in names:
            with contextlib.suppress(errors.BlobNotFound):
                yield self._describe(name)

    def _describe(self, name: str) -> StoredObject:
        with translated(f'Looking at {name} in {self.name}'), self._image(self.driver.pool, name) as image:
            finished = any(each['name'] == _SNAPSHOT for each in image.list_snaps())
            age = max(time.time() - image.modify_timestamp().timestamp(), 0)
            return StoredObject(name, name, image.size(), age, not finished)

    def remove_object(self, found: StoredObject) -> None:
        """See :meth:`BlobStore.remove_object`."""
        self.discard_objects(found.name, '')


def _library() -> Any:
    """Return the Python binding of librbd, which the driver has imported."""
    return sys.modules['rbd']
