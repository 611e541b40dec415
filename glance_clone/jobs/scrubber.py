# SPDX-License-Identifier: Apache-2.0
"""Removes the data of images that are deleted already, and of copies that were taken off images.

Every step can be done again: data that is gone is no failure, and what cannot be removed now waits for the next run. A
claim keeps a second scrubber, and a restoration, from the same image.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from concurrent import futures

from glance_clone.domain import errors
from glance_clone.domain import lease as leases
from glance_clone.domain.lease import Lease
from glance_clone.domain.lease import Worker
from glance_clone.domain.location import Location
from glance_clone.domain.ports import DelayedDeletes
from glance_clone.domain.store_ports import StoreRegistry

LOG = logging.getLogger(__name__)

_PAGE = 1000


@dataclasses.dataclass(slots=True)
class Outcome:
    """What a run did.

    :ivar images: of how many images everything that waited was removed
    :ivar failures: of how many something could not be removed
    """

    images: int = 0
    failures: int = 0


class Scrubber:
    """Removes what waits to be removed.

    :param age: seconds for which it must have waited
    :param parallel: images to work on at the same time
    """

    def __init__(self, deletes: DelayedDeletes, stores: StoreRegistry, worker: Worker, age: int, parallel: int):
        self._deletes = deletes
        self._stores = stores
        self._worker = worker
        self._age = age
        self._parallel = parallel

    def run(self) -> Outcome:
        """Remove everything that waited long enough, and end.

        :raises DatabaseUnavailable: what there is cannot be found out
        """
        outcome = Outcome()
        with futures.ThreadPoolExecutor(self._parallel) as pool:
            for page in self._pages():
                for done in pool.map(self._scrub, page):
                    outcome.images += done is True
                    outcome.failures += done is False
        LOG.info('Removed the data of %d deleted images; %d are left for the next run.', outcome.images, outcome.failures)
        return outcome

    def restore(self, image_id: str) -> None:
        """Bring a deleted image back.

        :raises ImageNotFound: there is none
        :raises Conflict: it is not waiting to be removed, or some of its data is gone
        :raises StateChanged: its data is being removed right now
        """
        lease = self._worker.lease(image_id, leases.SCRUB)
        self._deletes.claim(lease)
        try:
            self._deletes.restore(image_id, lease)
        except errors.ImageServiceError:
            self._deletes.finish(lease)
            raise

    def _pages(self) -> Iterator[list[str]]:
        after = ''
        while page := self._deletes.due(self._age, after, _PAGE):
            yield page
            after = page[-1]

    def _scrub(self, image_id: str) -> bool | None:
        """Remove what waits of one image; None if another scrubber is about it."""
        lease = self._worker.lease(image_id, leases.SCRUB)
        try:
            self._deletes.claim(lease)
        except errors.StateChanged:
            return None
        except errors.ImageServiceError as error:
            LOG.warning('Image %s cannot be looked at now: %s', image_id, error)
            return False
        return self._remove_all(image_id, lease)

    def _remove_all(self, image_id: str, lease: Lease) -> bool:
        try:
            gone = [self._remove(image_id, location) for location in self._deletes.remains(image_id, self._age)]
            self._deletes.finish(lease)
        except errors.ImageServiceError as error:
            LOG.warning('The data of image %s is not removed yet: %s', image_id, error)
            return False
        return all(gone)

    def _remove(self, image_id: str, location: Location) -> bool:
        """Remove one copy; False if its store would not."""
        if not self._deletes.is_used(image_id, location.url):
            try:
                location.require_readable()
                self._stores.of(location).remove(location)
            except errors.BlobNotFound:
                LOG.info('A copy of image %s in store %s was gone already.', image_id, location.store or 'default')
            except errors.ImageServiceError as error:
                where = location.store or 'default'
                LOG.warning('A copy of image %s in store %s is left for the next run: %s', image_id, where, error)
                return False
        self._deletes.bury(location.id or 0)
        return True
