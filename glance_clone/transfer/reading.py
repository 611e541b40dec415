# SPDX-License-Identifier: Apache-2.0
"""Reads the data of an image from the copy that gives it: the next one where the first fails, also half way (R11)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from collections.abc import Sequence

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain import metering
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import StoreRegistry

LOG = logging.getLogger(__name__)

_UNREADABLE = (errors.BlobNotFound, errors.StoreUnknown, errors.StoreError, errors.Unavailable)


class Copies:
    """The copies of one image for one reader, each of which is tried once.

    :param locations: in the order in which to try them
    :param timeout: seconds for which a store may keep its reader waiting before it gives a first sign
    """

    def __init__(
        self,
        image: Image,
        locations: Sequence[Location],
        stores: StoreRegistry,
        concurrency: Concurrency,
        timeout: float,
        meter: Meter | None = None,
    ):
        self._image = image
        self._left = list(locations)
        self._stores = stores
        self._concurrency = concurrency
        self._timeout = timeout
        self._meter = meter or NoMeter()

    def open(self, offset: int, length: int | None) -> BlobReader:
        """Open the first of the copies left that can be read.

        :raises Unavailable: the store of one is away
        :raises DataMissing: there is none
        """
        failure: errors.Unavailable | None = None
        while self._left:
            location = self._left.pop(0)
            try:
                return self._open(location, offset, length)
            except errors.BlobNotFound:
                # Only whoever can read the record again can tell which.
                LOG.warning(
                    'A copy of image %s is not in store %s: it was removed at the same time, or is lost, which '
                    '"glance-manage store audit" tells.',
                    self._image.id,
                    location.store or 'default',
                )
            except _UNREADABLE as error:
                LOG.error(
                    'A copy of image %s in store %s cannot be read: %s', self._image.id, location.store or 'default', error
                )
                failure = error if isinstance(error, errors.Unavailable) else failure
        raise failure or errors.DataMissing(f'The data of image {self._image.id} cannot be found now; tell an operator.')

    def resumable(self, reader: BlobReader, offset: int, length: int | None) -> BlobReader:
        """Return a reader that goes on with another copy where this one breaks off; itself if there is no other."""
        if not self._left:
            return reader
        if hasattr(reader, 'fileobj'):
            return ResumedFile(self, reader, offset, length)
        return Resumed(self, reader, offset, length)

    def _open(self, location: Location, offset: int, length: int | None) -> BlobReader:
        opening = _Opening(self._stores, location, offset, length)
        try:
            reader: BlobReader = self._concurrency.start(opening.run).wait(self._timeout)
        except TimeoutError as error:
            opening.abandon()
            raise errors.StoreUnavailable('The store does not answer; try again later.') from error
        if self._image.size is not None and reader.size != self._image.size:
            reader.close()
            raise errors.StoreError(f'it has {reader.size} bytes instead of {self._image.size}.')
        rest = reader.size - offset
        self._meter.moved(metering.SENT, location.store, rest if length is None else min(length, rest))
        return reader


class _Opening:
    """Opens a copy in a thread that may be given up; what it opens afterwards it closes itself."""

    def __init__(self, stores: StoreRegistry, location: Location, offset: int, length: int | None):
        self._stores = stores
        self._location = location
        self._span = offset, length
        self._lock = threading.Lock()
        self._reader: BlobReader | None = None
        self._abandoned = False

    def run(self) -> BlobReader | None:
        """Return the reader, None if nobody waits for it any more."""
        reader = self._stores.of(self._location).open(self._location, *self._span)
        with self._lock:
            if not self._abandoned:
                self._reader = reader
                return reader
        reader.close()
        return None

    def abandon(self) -> None:
        """Give up waiting."""
        with self._lock:
            self._abandoned = True
            if self._reader is not None:
                self._reader.close()


class Resumed:
    """Data that is read on from another copy where one breaks off; see :class:`BlobReader`."""

    def __init__(self, copies: Copies, reader: BlobReader, offset: int, length: int | None):
        self.size = reader.size
        self._copies = copies
        self._reader = reader
        self._position = offset
        self._end = reader.size if length is None else min(offset + length, reader.size)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes asked for.

        :raises StoreError: no copy gives them all
        """
        while self._position < self._end:
            try:
                for block in self._reader:
                    self._position += len(block)
                    yield block
                return
            except _UNREADABLE as error:
                self._go_on(error)

    def close(self) -> None:
        """Give back what the store lent."""
        self._reader.close()

    def _go_on(self, failure: Exception) -> None:
        LOG.error('A copy broke off at byte %d: %s Going on with another one.', self._position, failure)
        self._reader.close()
        try:
            self._reader = self._copies.open(self._position, self._end - self._position)
        except errors.Unavailable:
            raise failure from None


class ResumedFile(Resumed):
    """The same of a file, which a server may also send by itself; see :class:`FileBlobReader`."""

    @property
    def fileobj(self) -> object:
        """The open file, at the first byte asked for."""
        return getattr(self._reader, 'fileobj', None)

    @property
    def length(self) -> int:
        """Bytes of it that are wanted."""
        return self._end - self._position
