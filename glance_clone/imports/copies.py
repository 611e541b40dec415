# SPDX-License-Identifier: Apache-2.0
"""The step that writes the data into stores: one after the other, or several at the same time.

Where every store must succeed, the copies come into the record all at once, with the status ``active``; before that they
are known to the lease alone. Otherwise each comes into the record as it is finished.
"""

from __future__ import annotations

import collections
import logging

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import patience
from glance_clone.domain.importing import Material
from glance_clone.domain.location import Location
from glance_clone.domain.ports import Concurrency
from glance_clone.imports import stores_left
from glance_clone.imports.material import StagedMaterial
from glance_clone.imports.material import StoredMaterial
from glance_clone.imports.work import Cancelled
from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)


class Copies:
    """Writes to the stores of the import.

    :param most: stores that are written to at the same time
    :param quota: most locations that an image may have, negative for any number
    """

    def __init__(self, concurrency: Concurrency, most: int = 1, quota: int = -1):
        self._concurrency = concurrency
        self._most = most
        self._quota = quota

    def run(self, work: Work) -> None:
        """Write to all stores.

        :raises ImageServiceError: a store failed and all must succeed, or all failed
        """
        copying = _Copying(work, self._quota)
        # Copies of an image are read from one store, which is not asked for several at once.
        beside = 0 if work.is_copy else min(self._most, len(work.stores)) - 1
        calls = [self._concurrency.spawn(copying.work) for _ in range(beside)]
        copying.work()
        for call in calls:
            call.wait()
        copying.finish()

    def undo(self, work: Work) -> None:
        """Remove the copies that are in no record."""
        while work.copies:
            location = work.copies.pop()
            work.tools.data.take_back(work.image, location)


class _Copying:
    """The stores of one import that are left, and what became of the others; shared by the threads that write."""

    def __init__(self, work: Work, quota: int):
        self._work = work
        self._quota = quota
        self._left = collections.deque(work.stores)
        self._lock = work.lock
        self._done = 0
        self._failure: BaseException | None = None

    def work(self) -> None:
        """Write to one store after the other until none is left, or the import has failed."""
        # A thread of its own does not know what the task is willing to wait for.
        with patience.patient():
            while (chosen := self._next()) is not None:
                (store_id,) = chosen
                self._write(store_id)

    def _write(self, store_id: str | None) -> None:
        try:
            location = self._copy(store_id)
            faults.point('store-written')
        except Cancelled:
            LOG.debug('The copy of image %s into store %s is not wanted any more.', self._work.image.id, store_id)
        except Exception as error:
            with self._lock:
                self._note_failure(store_id, error)
        else:
            with self._lock:
                self._note_copy(store_id, location)

    def _next(self) -> tuple[str | None] | None:
        """Return one more store, None when no more is to be done."""
        with self._lock:
            hopeless = self._failure is not None and (self._work.request.must_succeed or _is_fatal(self._failure))
            return None if hopeless or not self._left else (self._left.popleft(),)

    def _copy(self, store_id: str | None) -> Location:
        """Write to one store; its bytes are charged first.

        :raises LimitExceeded: one more copy would be too much
        """
        work = self._work
        if 0 <= self._quota <= len(work.image.locations) + len(work.copies):
            raise errors.LimitExceeded(f'An image may have {self._quota} locations (image_location_quota).')
        material = self._material(store_id)
        work.hold(material.size)
        try:
            # Staged data was inspected as a whole; that of an active image is looked at on its way.
            submitter = work.submitter if work.is_copy else None
            return work.tools.data.add_copy(work.image, material, store_id, work.lease.attempt, submitter)
        except BaseException:
            work.hold(-material.size)
            raise

    def _material(self, store_id: str | None) -> Material:
        if self._work.is_copy:
            return StoredMaterial(self._work)
        # One store may have the staged file itself; its other name goes at the end of the import.
        return StagedMaterial(self._work, share=store_id == self._work.stores[-1])

    def _note_copy(self, store_id: str | None, location: Location) -> None:
        work = self._work
        work.copies.append(location)
        stores_left.done(work.image, [store_id])
        try:
            if work.request.must_succeed:
                if self._left:
                    work.save()
            else:
                _commit(work)
        except Exception as error:
            self._failure = error
        else:
            self._done += 1
            work.finish_part()

    def _note_failure(self, store_id: str | None, error: Exception) -> None:
        work = self._work
        self._failure = error
        work.is_cancelled = work.request.must_succeed or _is_fatal(error)
        if _is_fatal(error):
            return
        work.failed.append(store_id)
        reason = error if isinstance(error, errors.ImageServiceError) else 'the service failed; see its log'
        if not isinstance(error, errors.ImageServiceError):
            LOG.exception('Image %s cannot be written to store %s', work.image.id, store_id or 'default')
        LOG.warning('The import of image %s into store %s failed: %s', work.image.id, store_id or 'default', reason)
        stores_left.failed(work.image, [store_id])
        work.image.properties[importing.ERROR] = f'{store_id or "The store"}: {reason}'[: images.MAX_REASON]

    def finish(self) -> None:
        """Bring what is done into the record.

        :raises ImageServiceError: the import has failed
        """
        work = self._work
        must_fail = work.request.must_succeed or not self._done or (self._failure is not None and _is_fatal(self._failure))
        if self._failure is not None and must_fail:
            raise self._failure
        if work.request.must_succeed:
            _commit(work)
        else:
            work.save()


def _commit(work: Work) -> None:
    """Bring the new copies into the record, which makes the image active if it was not."""
    image = work.image
    faults.point('before-commit')
    if image.status == images.IMPORTING:
        staged = work.data
        image.size, image.checksum = staged.size, staged.checksum
        image.os_hash_algo, image.os_hash_value = staged.os_hash_algo, staged.os_hash_value
        image.move_to(images.ACTIVE)
    before = image.locations
    # In the order in which the stores were named, whichever was written first.
    places = {store_id: place for place, store_id in enumerate(work.stores)}
    image.locations = [*before, *sorted(work.copies, key=lambda location: places.get(location.store, 0))]
    try:
        work.save()
    except BaseException as error:
        image.locations = before
        if isinstance(error, errors.DatabaseUnavailable):
            # They may be in the record. Only the lease tells; whoever ends it removes those that are not.
            work.copies.clear()
        raise
    work.hold(-len(work.copies) * (image.size or 0))
    work.copies.clear()
    faults.point('after-commit')


def _is_fatal(error: BaseException) -> bool:
    """Tell whether a failure is not that of one store, but of the whole import: it is not wanted, or not ours, any more."""
    return isinstance(error, errors.LeaseLost | errors.NotFound | errors.StateChanged | errors.DatabaseUnavailable)
