# SPDX-License-Identifier: Apache-2.0
"""The background work of the cache in one process: the queue, what vanished images left, what failed fills left (W-20, R5)."""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable

from oslo_log import log as logging

from glance_clone.cache import seal
from glance_clone.cache.fill import Outcome
from glance_clone.cache.image_cache import DiskCache
from glance_clone.domain import errors
from glance_clone.domain.cache import ImageCensus
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import Image
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository

LOG = logging.getLogger(__name__)

#: Seconds between two rounds in which nobody asked for one.
INTERVAL = 300.0
#: Seconds for which failed fills may lie about before a round removes what they left.
_LEFTOVER_AGE = 600.0


class Keeper:
    """Caches queued images and keeps the directory tidy, in one thread of the process.

    :param data: the stores, without the cache around them
    :param adopt: called once at the beginning, again at the next round if it fails
    """

    def __init__(
        self,
        cache: DiskCache,
        images: ImageRepository,
        data: ImageData,
        census: ImageCensus,
        adopt: Callable[[], None] = lambda: None,
    ):
        self._cache = cache
        self._images = images
        self._data = data
        self._census = census
        self._adopt: Callable[[], None] | None = adopt
        self._wanted = threading.Event()
        self._stopped = False

    def start(self) -> None:
        """Begin: go on with what an earlier process left in the queue."""
        self._stopped = False
        self._wanted.clear()
        self._cache.on_queued = self._wanted.set
        threading.Thread(target=self._run, name='cache-keeper', daemon=True).start()

    def stop(self) -> None:
        """Begin no further round; one that is under way ends by itself, or with the process."""
        self._stopped = True
        self._wanted.set()

    def _run(self) -> None:
        next_tidying = time.monotonic()
        while not self._stopped:
            self._safely(self.adopt)
            self._safely(self.work_off_queue)
            if time.monotonic() >= next_tidying:
                self._safely(self.tidy)
                next_tidying = time.monotonic() + INTERVAL
            self._wanted.wait(INTERVAL)
            self._wanted.clear()

    @staticmethod
    def _safely(work: Callable[[], object]) -> None:
        try:
            work()
        except (errors.ImageServiceError, OSError) as error:
            LOG.warning('The image cache could not be kept in order, trying again later: %s', error)
        except Exception:
            LOG.exception('The image cache could not be kept in order')

    def adopt(self) -> None:
        """Take over an older index, until that has succeeded once."""
        if self._adopt is not None:
            self._adopt()
            self._adopt = None

    def tidy(self) -> None:
        """Do what is to be done from time to time."""
        self._forget_vanished()
        for image_id in self._cache.cached():
            self._cache.dequeue(image_id)
        self._cache.remove_leftovers(_LEFTOVER_AGE, _LEFTOVER_AGE)

    def _forget_vanished(self) -> None:
        held = {*self._cache.cached(), *self._cache.queued()}
        for image_id in held - self._census.existing(held):
            LOG.info('Image %s is deleted: it leaves the cache.', image_id)
            self._cache.dequeue(image_id)
            self._cache.evict(image_id)

    def work_off_queue(self) -> int:
        """Cache what is queued, the oldest first; return how many failed. One failure does not keep others from coming."""
        return sum(not self._try(image_id) for image_id in self._cache.queued() if not self._stopped)

    def _try(self, image_id: str) -> bool:
        try:
            return self._cache_image(image_id)
        except errors.ImageNotFound:
            LOG.info('Image %s is deleted: it leaves the queue of the cache.', image_id)
            self._cache.dequeue(image_id)
            return True
        except (errors.ImageServiceError, OSError) as error:
            LOG.warning('Image %s cannot be cached now, it stays queued: %s', image_id, error)
        except Exception:
            LOG.exception('Image %s cannot be cached, it stays queued', image_id)
        return False

    def _cache_image(self, image_id: str) -> bool:
        image = self._images.get(image_id, SERVICE)
        if image.status != ACTIVE:
            LOG.info('Image %s is %s: it stays queued until it is active.', image_id, image.status)
            return True
        if not image.size or not seal.is_hashed(image):
            LOG.warning('Image %s has no hash to check it by, or no data: it cannot be cached and leaves the queue.', image_id)
            self._cache.dequeue(image_id)
            return True
        outcome = self._fetch(image)
        if outcome is Outcome.COMPLETE:
            self._cache.dequeue(image_id)
        return outcome is Outcome.COMPLETE

    def _fetch(self, image: Image) -> Outcome:
        """Bring in the best copy; if that is damaged, each of the others in turn."""
        copies = [image]
        if len(image.locations) > 1:
            copies += [dataclasses.replace(image, locations=[location]) for location in image.locations]
        outcome = Outcome.FAILED
        for copy in copies:
            outcome = self._cache.fetch(copy, functools.partial(self._data.read, copy))
            if outcome is not Outcome.REFUSED:
                break
        return outcome
