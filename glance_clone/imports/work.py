# SPDX-License-Identifier: Apache-2.0
"""One import on its way: what its steps share, and what they may do."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Mapping
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import StagedRepository
from glance_clone.domain.import_ports import Staging
from glance_clone.domain.import_ports import TaskRepository
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Opened
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.incoming import read_into
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.quota_ports import Reservation
from glance_clone.domain.store_ports import ByteSource
from glance_clone.domain.task import Task
from glance_clone.layers.quota import MeteredStaging

#: Seconds between two looks whether the import is still wanted, which also tell users how far it is.
_INTERVAL = 2.0
#: Seconds between two saves of the task, by which other software sees that it is alive.
_TASK_INTERVAL = 60.0
_MIB = 1 << 20
#: What the status of an image with data may have become while more copies of it are made.
_SWITCHED = {images.ACTIVE: images.DEACTIVATED, images.DEACTIVATED: images.ACTIVE}


@dataclasses.dataclass(frozen=True)
class Tools:
    """What imports stand on.

    :ivar images: the bare records
    :ivar data: the outermost layer around the byte path
    :ivar default_store: id of the store from which images are copied if they are there
    :ivar stopping: set when the process is about to stop
    """

    images: ImageRepository
    data: ImageData
    tasks: TaskRepository
    staging: Staging
    staged: StagedRepository
    default_store: str | None = None
    stopping: threading.Event = dataclasses.field(default_factory=threading.Event)
    meter: Meter = dataclasses.field(default_factory=NoMeter)


class Work:
    """One import on its way.

    :ivar image: as last read or saved; steps change it and call :meth:`save`
    :ivar request: what was asked for
    :ivar submitter: who asked
    :ivar stores: ids of the stores to write to, ``None`` for the one classic store
    :ivar staged: the data as it would be stored now; None until it is there, and in copies of images
    :ivar is_copy: whether it copies the data of an active image
    :ivar copies: copies of the data that are in no record yet
    :ivar failed: stores that could not be written to
    :ivar has_begun: whether its stores are to blame, or its data, if it fails from now on
    :ivar is_cancelled: whether whatever moves bytes should stop
    :ivar lock: held by the thread that changes or saves the image
    """

    def __init__(
        self,
        tools: Tools,
        task: Task,
        image: Image,
        request: ImportRequest,
        stores: list[str | None],
        submitter: Submitter,
        lease: Lease,
    ):
        self.tools = tools
        self.task = task
        self.image = image
        self.request = request
        self.stores = stores
        self.submitter = submitter
        self.lease = lease
        self.staged: Staged | None = None
        #: What steps remember of this import, by their names, to undo what they did.
        self.memo: dict[str, Any] = {}
        self.is_copy = request.method == importing.COPY_IMAGE
        self.copies: list[Location] = []
        self.failed: list[str | None] = []
        self.is_cancelled = False
        self.has_begun = False
        self.lock = threading.RLock()
        #: Bytes that the owner of the image is charged for before they are in the record.
        self.reservation: Reservation | None = None
        self._held = 0
        #: The status of the row.
        self.status = image.status
        self._parts = len(stores) + (request.method in importing.DOWNLOADS)
        self._parts_done = 0
        self._looked = self._told = time.monotonic()

    @property
    def data(self) -> Staged:
        """The staged data.

        :raises Conflict: there is none
        """
        if self.staged is None:
            raise errors.Conflict('There is no staged data.')
        return self.staged

    def save(self) -> None:
        """Store what steps changed in the image, if the import still owns it.

        An active image may be deactivated meanwhile, or the other way round: that is no business of whoever adds copies.

        :raises LeaseLost: it does not
        :raises ImageNotFound: the image was deleted
        """
        with self.lock:
            try:
                self.tools.images.save(self.image, from_state=self.status, hold=self.lease)
            except errors.StateChanged:
                if self.status not in _SWITCHED:
                    raise
                self.status = self.image.status = _SWITCHED[self.status]
                self.tools.images.save(self.image, from_state=self.status, hold=self.lease)
            self.status = self.image.status

    def open(self) -> Opened:
        """Open the staged data for reading from its begin."""
        return self.tools.staging.open(self.data)

    def replace(
        self, source: ByteSource, suffix: str, size: int | None = None, expected: Mapping[str, str] | None = None
    ) -> None:
        """Put other data in the place of the staged: read to its end, hashed, limited in size; see :meth:`Staging.write`.

        ``image.size`` follows.

        :param suffix: part of the name of the new file, e.g. ``uc``
        """
        write, attempt = self.tools.staging.write, self.lease.attempt
        self._exchange(write(self.image.id, attempt, Watched(source, self), size, expected, suffix))

    def scratch(self, suffix: str) -> str:
        """Return an absolute path in the staging directory at which an outside tool may make a file."""
        return self.tools.staging.scratch(self.image.id, self.lease.attempt, suffix)

    def replace_with_scratch(self, suffix: str) -> None:
        """Put the file at the scratch path of this suffix in the place of the staged data; ``image.size`` follows."""
        self._exchange(self.tools.staging.take(self.image.id, self.lease.attempt, suffix))

    def stage(self, source: ByteSource, size: int | None, expected: Mapping[str, str]) -> None:
        """Take the data of the import into the staging directory; see :meth:`Staging.write`."""
        attempt = self.lease.attempt
        source = self._metered(source, size)
        self.staged = self.tools.staging.write(self.image.id, attempt, Watched(source, self, size), size, expected)
        self.image.size = self.staged.size
        self.finish_part()

    def _metered(self, source: ByteSource, size: int | None) -> ByteSource:
        """Charge for staged data: at once where its size is known, else as it comes."""
        if self.reservation is None:
            return source
        if size is None:
            return MeteredStaging(source, self.reservation)
        self.reservation.take(staged=size)
        return source

    def finish_part(self) -> None:
        """Note that a download, or a copy into a store, is complete."""
        self._parts_done += 1

    def _exchange(self, staged: Staged) -> None:
        old, self.staged = self.staged, staged
        self.image.size = staged.size
        if old is not None:
            self.tools.staged.forget(self.image.id, old.attempt)
            self.tools.staging.remove(old)

    def hold(self, size: int) -> None:
        """Charge the owner of the image for so many bytes more in stores, or, if negative, for fewer.

        :raises LimitExceeded: the owner has no room
        """
        with self.lock:
            if self.reservation is not None:
                self.reservation.take(stored=max(self._held + size, 0))
            self._held += size

    def require_alive(self) -> None:
        """Find out whether the import is still wanted; nothing is written, so that any thread may ask.

        :raises LeaseLost: it was given to somebody else
        :raises ImageNotFound: the image was deleted
        :raises Unavailable: the process is about to stop
        """
        self._require_wanted()
        if not self.tools.tasks.is_held(self.lease):
            raise errors.LeaseLost('The import was taken over by another worker, as this one gave no sign of life.')
        self.tools.images.get(self.image.id, SERVICE)

    def _require_wanted(self) -> None:
        if self.is_cancelled:
            raise Cancelled
        if self.tools.stopping.is_set():
            raise errors.Unavailable('The service was stopped before the import had ended; ask for it again.')

    def advance(self, done: int, total: int | None) -> None:
        """Tell how far the data is, now and then; also finds out whether the import is still wanted.

        :param done: bytes
        :raises ImageServiceError: as :meth:`save` and :meth:`require_alive`
        """
        faults.point('bytes-moved')
        self._require_wanted()
        now = time.monotonic()
        if now - self._looked < _INTERVAL:
            return
        with self.lock:
            self._looked = now
            if total:
                part = self._parts_done + done / total
                self.image.properties[importing.PROGRESS] = str(min(99, int(100 * part / self._parts)))
            self.save()
            if now - self._told >= _TASK_INTERVAL:
                self._told = now
                self.tell(done)

    def tell(self, done: int) -> None:
        """Write into the task how many bytes were moved."""
        self.task.message = f'Copied {done // _MIB} MiB'
        self.tools.tasks.save(self.task)


class Cancelled(Exception):
    """Other parts of the import have failed, so that this one is not wanted any more."""


class Watched:
    """A source of bytes whose reader tells the work how far it is."""

    def __init__(self, source: ByteSource, work: Work, total: int | None = None):
        self._source = source
        self._work = work
        self._total = total
        self._done = 0

    def read(self, size: int) -> bytes:
        """Return up to size bytes, b'' at the end."""
        block = self._source.read(size)
        self._count(len(block))
        return block

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer as far as bytes have come; return how many there were."""
        count = read_into(self._source, buffer)
        self._count(count)
        return count

    def _count(self, size: int) -> None:
        self._done += size
        self._work.advance(self._done, self._total)
