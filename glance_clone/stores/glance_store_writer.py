# SPDX-License-Identifier: Apache-2.0
"""Joins a writer, which is given blocks, to a driver, which takes them: by a thread and a bounded queue.

The driver runs in a native thread of its own and reads from a :class:`Feed`. The last block is held back until the data is
committed, so that a driver that knows the size cannot finish an object which nobody has agreed to.
"""

from __future__ import annotations

# The C module, since eventlet replaces the class of the module ``queue`` by one that native threads cannot use.
from _queue import SimpleQueue
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.stores.glance_store_errors import translated

if TYPE_CHECKING:
    from glance_clone.stores.glance_store_adapter import GlanceStore

LOG = logging.getLogger(__name__)

#: Blocks that may wait for the driver.
_DEPTH = 4

#: What the driver's ``add`` returns: url, bytes, two hashes, metadata.
Added = tuple[str, int, str, str, dict[str, Any]]


class Abandoned(Exception):
    """The data will not be completed; drivers clean up when reading raises this."""


class Feed:
    """The driver's side: a file that is read once."""

    def __init__(self) -> None:
        self._blocks: SimpleQueue[bytes | None] = SimpleQueue()
        #: One token for each further block that may wait.
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(_DEPTH):
            self._room.put(None)
        self._rest = memoryview(b'')
        self._ended = False
        self._closed = False
        self.abandoned = False

    def put(self, block: bytes) -> None:
        """Give a block to the driver; waits while too many wait already. A driver that reads no more gets none."""
        self._room.get()
        if self._closed:
            self._room.put(None)
        else:
            self._blocks.put(block)

    def end(self) -> None:
        """Say that there is no more."""
        self._blocks.put(None)

    def release(self) -> None:
        """Let whoever waits to put a block go on: the driver reads no more."""
        self._closed = True
        self._room.put(None)

    def read(self, size: int | None = None) -> bytes:
        """Return up to size bytes, b'' at the end.

        :raises Abandoned: the data will not be completed
        """
        while not self._rest and not self._ended:
            block = self._blocks.get()
            self._ended = block is None
            self._rest = memoryview(block or b'')
            self._room.put(None)
        if self.abandoned:
            raise Abandoned('The data was given up.')
        if size is None or size < 0:
            size = len(self._rest)
        piece, self._rest = self._rest[:size], self._rest[size:]
        return bytes(piece)


class FeedWriter:
    """Takes the bytes of one object for a driver; see :class:`BlobWriter`.

    :param add: the driver's work: reads a feed to its end and stores the object
    :param detach: runs work in a native thread of its own
    """

    def __init__(self, store: GlanceStore, blob_id: str, attempt: str, add: Callable[[Feed], Added], detach: Any):
        self._store = store
        self._blob_id = blob_id
        self._attempt = attempt
        self._add = add
        self._detach = detach
        self._feed = Feed()
        self._held = b''
        self._written = 0
        self._begun = False
        self._done: SimpleQueue[None] = SimpleQueue()
        self._failure: Exception | None = None
        self._added: Added | None = None
        self._committed: tuple[Location, object] | None = None
        self._closed = False
        self._given_up = False

    def write(self, block: bytes | bytearray | memoryview) -> None:
        """Append a block."""
        if not block:
            return
        self._begin()
        if self._held:
            self._feed.put(self._held)
        if not self._given_up:
            self._raise_failure()
        self._held = bytes(block)
        self._written += len(block)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._detach(self._run)

    def _run(self) -> None:
        """Let the driver store the object, in a thread of its own."""
        try:
            self._added = self._add(self._feed)
        except Exception as error:
            self._failure = error
        except BaseException as error:
            self._failure = RuntimeError(repr(error))
        self._feed.release()
        self._done.put(None)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            with translated(f'Writing {self._blob_id} to {self._store.name}'):
                raise self._failure

    def commit(self) -> Location:
        """Let the driver finish, and say where the object is."""
        with self._store.publishing(self._blob_id):
            self._require_right()
            self._begin()
            if self._held:
                self._feed.put(self._held)
                self._held = b''
            self._feed.end()
            self._wait()
            self._raise_failure()
            if self._added is None:
                raise errors.StoreError('The store did not say where the data is.')
            location = self._store.publish(self._blob_id, self._attempt, self._added)
            self._committed = (location, None)
            if self._added[1] != self._written:
                LOG.error('%s took %d bytes instead of %d.', self._store.name, self._added[1], self._written)
                raise errors.StoreError('The store did not keep all of the data.')
            self._committed = (location, self._store.identity(location))
        return location

    def _require_right(self) -> None:
        if self._closed or self._given_up:
            raise errors.LeaseLost('The data came too late: its transfer was given up for dead. Send it again.')
        if self._store.exists(self._blob_id):
            raise errors.BlobExists('The store holds an object of this name already.')

    def _wait(self) -> None:
        """Wait for the driver; whoever else waits at the same time, like one who gives the attempt up, goes on too."""
        self._closed = True
        self._done.get()
        self._done.put(None)

    def give_up(self) -> None:
        """Store nothing any more: the attempt was given up for dead."""
        self._given_up = True
        self._stop()

    def _stop(self) -> None:
        if self._begun and not self._closed:
            self._feed.abandoned = True
            self._feed.end()
            self._wait()

    def abort(self) -> None:
        """Remove what this writer made, and only that."""
        self._stop()
        self._closed = True
        if self._committed is not None:
            self._store.remove_if(*self._committed)
        elif self._begun:
            self._store.clean(self._blob_id, self._attempt, self._added)
        self._committed = self._added = None
        self._begun = False
