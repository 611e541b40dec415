# SPDX-License-Identifier: Apache-2.0
"""Swift: large objects are segments of an attempt's own under one manifest, and reads begin where they are wanted.

A segmented object first gets the name of its attempt. It gets that of its image when it is committed, by a second manifest
over the same segments, which Swift refuses where the name is taken. What one writer left is so never part of another's data.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from oslo_log import log as logging
from oslo_utils import timeutils

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.store_ports import BlobReader
from glance_clone.stores.glance_store_adapter import GlanceStore
from glance_clone.stores.glance_store_errors import translated
from glance_clone.stores.glance_store_reader import Reader
from glance_clone.stores.glance_store_reader import span
from glance_clone.stores.glance_store_swift_connection import Connection
from glance_clone.stores.glance_store_swift_connection import tokens_of
from glance_clone.stores.glance_store_writer import Added
from glance_clone.stores.glance_store_writer import FeedWriter

LOG = logging.getLogger(__name__)

_BLOCK = 1 << 20
#: Characters of an image id, with which all names begin.
ID_LENGTH = 36


class SwiftStore(GlanceStore):
    """A store in Swift, all images in one account."""

    _manager: Any = None
    _pid = 0

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""
        container = self.option('swift_store_container')
        prefix = f'swift+config://{self.option("default_swift_reference")}/{container}'
        separators = '/_' if self.option('swift_store_multiple_containers_seed') else '/'
        if url.startswith(prefix) and url[len(prefix) :].startswith(tuple(separators)):
            return len(prefix)
        return super().match(url)

    def new_writer(self, blob_id: str, attempt: str, size: int) -> Any:
        """Return a writer; what will be segmented begins under the name of its attempt."""
        is_large = size == 0 or size >= self.driver.large_object_size
        name = f'{blob_id}-{attempt}' if is_large else blob_id
        # The driver is not told the size of what it segments: it would announce each segment as a whole one.
        add = self.adding(name, 0 if is_large else size)
        return FeedWriter(self, blob_id, attempt, add, self._concurrency.detach)

    def publish(self, blob_id: str, attempt: str, added: Added) -> Location:
        """Give a segmented object the name of its image, and take its first name away."""
        url, temporary = added[0], f'{blob_id}-{attempt}'
        if not url.endswith(f'/{temporary}'):
            return super().publish(blob_id, attempt, added)
        container, connection = self.container(blob_id)
        headers = {'X-Object-Manifest': f'{container}/{temporary}-', 'If-None-Match': '*'}
        with translated(f'Publishing {blob_id} in {self.name}'):
            try:
                connection.put_object(container, blob_id, b'', headers=headers)
            except Exception as error:
                if getattr(error, 'http_status', None) == 412:
                    raise errors.BlobExists('The store holds an object of this name already.') from None
                raise
        with contextlib.suppress(errors.BlobNotFound), translated(f'Removing {temporary} from {self.name}'):
            connection.delete_object(container, temporary)
        return Location(self.public_url(url.removesuffix(temporary) + blob_id))

    def public_url(self, url: str) -> str:
        """Return the url with a reference to the configured account in place of its user and password (P12)."""
        if '@' not in url:
            return url
        container, name = url.rsplit('/', 2)[1:]
        return f'swift+config://{self.option("default_swift_reference")}/{container}/{name}'

    def clean(self, blob_id: str, attempt: str, added: Added | None) -> None:
        """Remove the segments of an object that was not committed; where it has none, Swift kept nothing."""
        with translated(f'Removing {blob_id}-{attempt} from {self.name}'):
            self._remove_parts(blob_id, attempt)
        if added is not None and added[0].endswith(f'/{blob_id}'):
            super().clean(blob_id, attempt, added)

    def discard_objects(self, blob_id: str, attempt: str) -> None:
        """Remove segments and manifests of the attempt, then what has the name of the image."""
        self._remove_parts(blob_id, attempt)
        super().discard_objects(blob_id, attempt)

    def _remove_parts(self, blob_id: str, attempt: str) -> None:
        container, connection = self.container(blob_id)
        self.remove_parts_from(connection, container, blob_id, attempt)

    def remove_parts_from(self, connection: Any, container: str, blob_id: str, attempt: str) -> None:
        """Remove segments and first manifest of an attempt."""
        for name in self._names(connection, container, f'{blob_id}-{attempt}'):
            with contextlib.suppress(errors.BlobNotFound), translated(f'Removing {name} from {self.name}'):
                connection.delete_object(container, name)

    @staticmethod
    def _names(connection: Any, container: str, prefix: str) -> list[str]:
        with contextlib.suppress(errors.BlobNotFound), translated(f'Listing {prefix}'):
            return [entry['name'] for entry in connection.get_container(container, prefix=prefix, full_listing=True)[1]]
        return []

    def location_of(self, blob_id: str) -> Location | None:
        """Return where an object of this name lies or would lie."""
        return Location(self.public_url(self.driver.create_location(blob_id).get_uri(credentials_included=True)))

    def exists(self, blob_id: str) -> bool:
        """Tell whether an object has this name."""
        container, connection = self.container(blob_id)
        with contextlib.suppress(errors.BlobNotFound), translated(f'Looking for {blob_id} in {self.name}'):
            connection.head_object(container, blob_id)
            return True
        return False

    def identity(self, location: Location) -> object:
        """Return when and with which content the object was written, () if it is gone."""
        with contextlib.suppress(errors.BlobNotFound):
            head = self._head(location)
            return head.get('x-timestamp'), head.get('etag')
        return ()

    def size(self, location: Location) -> int:
        """See :meth:`BlobStore.size`."""
        return int(self._head(location).get('content-length', 0))

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> BlobReader:
        """See :meth:`BlobStore.open`."""
        if not offset and length is None:
            return super().open(location)
        size = self.size(location)
        count = span(size, offset, length)
        if not count:
            return Reader((), size, 0, 0)
        _, blocks = self.get(location, {'Range': f'bytes={offset}-{offset + count - 1}'})
        return Reader(blocks, size, 0, count, blocks.close)

    def get(self, location: Location, headers: dict[str, str]) -> tuple[dict[str, str], Any]:
        """Return the headers and the blocks of an answer to GET."""
        place = self.place(location).store_location
        with translated(f'Opening data in {self.name}'):
            connection = self.connection(place)
            found, blocks = connection.get_object(place.container, place.obj, resp_chunk_size=_BLOCK, headers=headers)
        return dict(found), blocks

    def _head(self, location: Location) -> dict[str, str]:
        place = self.place(location).store_location
        with translated(f'Looking at data in {self.name}'):
            return dict(self.connection(place).head_object(place.container, place.obj))

    def connection(self, place: Any) -> Any:
        """Return a connection; the token of the service is kept for the next one, until Swift refuses it."""
        if self.driver.auth_version != '3' or place.user != self.driver.user:
            return self.driver.get_manager(place, self.context()).get_connection()
        if self._manager is None or self._pid != os.getpid():
            self._manager = self.driver.get_manager(place, allow_reauth=True)
            self._pid = os.getpid()
        manager = self._manager
        session = manager.client.session
        return Connection(
            lambda: tokens_of(session), lambda token: self.driver.get_store_connection(token, manager.storage_url)
        )

    def container(self, blob_id: str) -> tuple[str, Any]:
        """Return the container of an image, and a connection to the account."""
        with translated(f'Connecting to {self.name}'):
            place = self.driver.create_location(blob_id, context=self.context())
            return place.container, self.connection(place)

    def objects(self) -> Iterator[StoredObject]:
        """See :meth:`BlobStore.objects`."""
        with translated(f'Listing {self.name}'):
            connection = self.container('0')[1]
            prefix = self.option('swift_store_container')
            containers = [each['name'] for each in connection.get_account(prefix=prefix, full_listing=True)[1]]
        for container in containers:
            yield from self._objects_of(connection, container, prefix)

    def _objects_of(self, connection: Any, container: str, prefix: str) -> Iterator[StoredObject]:
        if container != prefix and not container.startswith(f'{prefix}_'):
            return
        with translated(f'Listing {self.name}'):
            entries = connection.get_container(container, full_listing=True)[1]
        for entry in entries:
            name = entry['name']
            blob_id = name[:ID_LENGTH]
            yield StoredObject(f'{container}/{name}', blob_id, entry['bytes'], _age(entry['last_modified']), name != blob_id)

    def remove_object(self, found: StoredObject) -> None:
        """See :meth:`BlobStore.remove_object`; a manifest goes with its segments."""
        container, _, name = found.name.partition('/')
        if not found.temporary:
            with contextlib.suppress(errors.BlobNotFound):
                self.remove(Location(f'swift+config://{self.option("default_swift_reference")}/{container}/{name}'))
            return
        connection = self.container(found.blob_id)[1]
        with contextlib.suppress(errors.BlobNotFound), translated(f'Removing {name} from {self.name}'):
            connection.delete_object(container, name)


def _age(text: str) -> float:
    moment = timeutils.normalize_time(timeutils.parse_isotime(text + 'Z'))
    return max((timeutils.utcnow() - moment).total_seconds(), 0)
