# SPDX-License-Identifier: Apache-2.0
"""The store that keeps each object as one file of a directory; any file system that several nodes mount will do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.stores.file_adoption import CannotAdopt
from glance_clone.stores.file_adoption import FileAdoption
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_directory import require_plain_name
from glance_clone.stores.file_directory import translated
from glance_clone.stores.file_listing import list_directory
from glance_clone.stores.file_reader import FileReader
from glance_clone.stores.file_timeout import Forever
from glance_clone.stores.file_timeout import Timeout
from glance_clone.stores.file_writer import FileWriter
from glance_clone.stores.file_writer import remove_if_there
from glance_clone.stores.file_writer import temporary_name

LOG = logging.getLogger(__name__)

#: Permissions of files where the configuration names none (D-19).
DEFAULT_MODE = 0o640


class FileStore:
    """A file store; see :class:`BlobStore`.

    :param directories: where files may lie
    :param mode: permissions of new files
    :param hole: pieces of this many zero bytes become holes in new files; None for none
    :param metadata: what is kept with locations, by directory
    :param properties: settings that operators are shown
    :param timeout: how long sizes, free space and removals are waited for
    """

    schemes: tuple[str, ...] = ('file', 'filesystem')
    writable = True
    kind = 'file'
    advertised = True

    def __init__(
        self,
        store_id: str | None,
        directories: Sequence[Directory],
        description: str = '',
        weight: int = 0,
        mode: int = DEFAULT_MODE,
        hole: int | None = None,
        metadata: Mapping[str, dict[str, object]] | None = None,
        properties: Mapping[str, object] | None = None,
        timeout: Timeout | None = None,
    ):
        self.id = store_id
        self.description = description
        self.weight = weight
        self.directories = list(directories)
        self._mode = mode
        self._hole = hole
        self._metadata = metadata or {}
        self._properties = properties or {}
        self._timeout = timeout or Forever()

    def properties(self) -> dict[str, object]:
        """See :meth:`BlobStore.properties`."""
        return dict(self._properties)

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""
        return max((len(directory.path) for directory, _ in self._places(url)), default=-1)

    def check(self) -> None:
        """Look at every directory; see :class:`CheckedStore`."""
        for directory in self.directories:
            directory.check()

    def writer(self, blob_id: str, attempt: str, size: int | None) -> FileWriter:
        """See :meth:`BlobStore.writer`."""
        require_plain_name(blob_id)
        require_plain_name(attempt)
        directory = self._choose(size or 0)
        metadata = self._metadata.get(directory.path)
        return FileWriter(directory, blob_id, attempt, self._mode, self._hole, metadata)

    def adopt(self, source: str, blob_id: str, attempt: str, size: int, share: bool) -> FileAdoption | None:
        """See :meth:`AdoptingStore.adopt`."""
        require_plain_name(blob_id)
        require_plain_name(attempt)
        directory = self._choose(0)
        if self._hole is not None:
            return None  # holes are made by whoever copies
        metadata = self._metadata.get(directory.path)
        try:
            return FileAdoption(directory, blob_id, attempt, self._mode, metadata, source, size, share)
        except CannotAdopt:
            return None

    def _choose(self, size: int) -> Directory:
        """Return the directory of greatest priority that has room for this many bytes.

        A directory that cannot be reached is passed over as long as there is another one.
        """
        return self._timeout.run('Looking for room', lambda _: self._roomy(size))  # type: ignore[no-any-return]

    def _roomy(self, size: int) -> Directory:
        failure: errors.ImageServiceError | None = None
        for directory in sorted(self.directories, key=lambda each: -each.priority):
            try:
                if self._hole is not None or size <= directory.free():
                    return directory
                failure = errors.StoreFull('The store has no room for the data.')
            except (errors.StoreUnavailable, errors.StoreReadOnly) as error:
                failure = failure or error
        raise failure or errors.StoreUnavailable('The store has no directory.')

    def open(self, location: Location, offset: int = 0, length: int | None = None) -> FileReader:
        """See :meth:`BlobStore.open`."""
        with self._held(location) as (parent, name):
            return FileReader(parent, name, offset, length)

    def size(self, location: Location) -> int:
        """See :meth:`BlobStore.size`."""
        return self._timeout.run('Measuring a file', lambda _: self._size(location))  # type: ignore[no-any-return]

    def _size(self, location: Location) -> int:
        reader = self.open(location)
        reader.close()
        return reader.size

    def remove(self, location: Location) -> None:
        """See :meth:`BlobStore.remove`; a file whose removal was given up stays."""
        self._timeout.run('Removing a file', lambda require_wanted: self._remove(location, require_wanted))

    def _remove(self, location: Location, require_wanted: Callable[[], None]) -> None:
        with self._held(location) as (parent, name):
            require_wanted()
            os.unlink(name, dir_fd=parent)
            os.fsync(parent)

    def discard(self, blob_id: str, attempt: str) -> None:
        """See :meth:`BlobStore.discard`.

        The temporary name goes first: a writer that is not quite dead can then no longer publish it.
        """
        temporary = temporary_name(require_plain_name(blob_id), require_plain_name(attempt))
        self._timeout.run('Discarding files', lambda _: self._discard(blob_id, temporary))

    def _discard(self, blob_id: str, temporary: str) -> None:
        for directory in self.directories:
            with translated(f'Removing {directory.path}/{blob_id}'), directory.opened() as parent:
                for name in (temporary, blob_id):
                    if remove_if_there(name, parent):
                        LOG.info('Removed %s/%s, which a dead writer left.', directory.path, name)
                os.fsync(parent)

    def objects(self) -> Iterator[StoredObject]:
        """See :meth:`BlobStore.objects`; names are paths."""
        for directory in self.directories:
            yield from list_directory(directory)

    def remove_object(self, found: StoredObject) -> None:
        """See :meth:`BlobStore.remove_object`."""
        with contextlib.suppress(errors.BlobNotFound):
            self.remove(Location(f'file://{found.name}'))

    @contextlib.contextmanager
    def _held(self, location: Location) -> Iterator[tuple[int, str]]:
        """Lend the directory of an existing file, as a descriptor, and the name of the file in it."""
        directory, relative = self._place(location)
        with translated(f'Using {directory.path}/{relative}'):
            try:
                with directory.parent_of(relative) as place:
                    yield place
            except FileNotFoundError as error:
                directory.require_there()
                raise errors.BlobNotFound('The store holds no data under this name.') from error

    def _place(self, location: Location) -> tuple[Directory, str]:
        """Return the directory that a location is in and the name below it.

        :raises StoreUnavailable: it lies elsewhere; it may exist, but this service must not touch it
        """
        places = sorted(self._places(location.url), key=lambda place: len(place[0].path))
        if not places:
            LOG.error('A location of store %s lies outside its data directory: not touched.', self.id or 'file')
            raise errors.StoreUnavailable('The data does not lie in the directory of its store; an operator must look.')
        return places[-1]

    def _places(self, url: str) -> Iterator[tuple[Directory, str]]:
        scheme, _, path = url.partition('://')
        if scheme not in self.schemes:
            return
        for directory in self.directories:
            relative = directory.relative(path)
            if relative is not None:
                yield directory, relative
