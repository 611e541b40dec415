# SPDX-License-Identifier: Apache-2.0
"""Adds the location of data that is somewhere already to a queued image, and hashes the data.

Where the hash that it must have is named, the image becomes active when the data has it. Else it is active as soon as the
begin of the data was looked at, and the hash follows; one that cannot be had stays unknown, which the image shows.
"""

from __future__ import annotations

import dataclasses
import logging
import time

from oslo_config import cfg

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import quota
from glance_clone.domain import task as tasks
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.location_ports import ForeignData
from glance_clone.domain.location_ports import NamedLocation
from glance_clone.domain.task import Task
from glance_clone.imports import locks
from glance_clone.imports.ending import Ending
from glance_clone.imports.pool import TaskPool
from glance_clone.imports.work import Tools
from glance_clone.layers import Parts

LOG = logging.getLogger(__name__)

_MD5 = 'md5'
#: Seconds between two looks whether the work is still wanted.
_INTERVAL = 2.0
#: Seconds before data that could not be read is tried again.
_PAUSE = 1.0
_INTERRUPTED = 'The addition of a location was interrupted by a failure of the service; ask for it again.'
_UNEXPECTED = 'The service failed; its log tells more under the id of this task.'


@dataclasses.dataclass(slots=True)
class _Work:
    """One addition on its way.

    :ivar image: as last read or saved
    :ivar status: of its row
    """

    task: Task
    image: Image
    named: NamedLocation
    lease: Lease
    status: str = images.QUEUED


class LocationService:
    """See :class:`glance_clone.domain.location_ports.LocationAdder`."""

    def __init__(self, conf: cfg.ConfigOpts, tools: Tools, parts: Parts, pool: TaskPool, foreign: ForeignData):
        self._conf = conf
        self._tools = tools
        self._parts = parts
        self._pool = pool
        self._foreign = foreign
        self._ending = Ending(tools, parts.leases)

    def start(self, image: Image, named: NamedLocation, submitter: Submitter) -> None:
        """Lock a queued image and queue the work."""
        task = _new_task(image, named, submitter)
        lease = self._parts.worker.lease(image.id, leases.LOCATION, task=task.id)
        locks.break_stale(self._tools.tasks, image)
        try:
            self._tools.tasks.begin(task, image, images.QUEUED, lease)
            self._pool.submit(self.run, _Work(task, image, named, lease))
        except errors.Unavailable:
            # The lease may have been taken, whatever the database could still say.
            self._parts.abandon(lease)
            raise

    def run(self, work: _Work) -> None:
        """Add a location, whatever comes of it; never raises."""
        try:
            self._execute(work)
        except errors.LeaseLost:
            LOG.warning('The addition of a location to image %s was taken over by another worker.', work.image.id)
        except Exception as error:
            if not isinstance(error, errors.ImageServiceError):
                LOG.exception('The addition of a location to image %s cannot be ended', work.image.id)
            self._parts.abandon(work.lease)

    def _execute(self, work: _Work) -> None:
        reason = None
        try:
            work.task.move_to(tasks.PROCESSING)
            self._tools.tasks.save(work.task)
            self._add(work)
        except (errors.DatabaseUnavailable, errors.LeaseLost):
            # What the database knows by now is found out by whoever holds the lease when it can be asked again.
            raise
        except errors.ImageServiceError as error:
            reason = str(error)
        except Exception:
            LOG.exception('A location could not be added to image %s (task %s)', work.image.id, work.task.id)
            reason = _UNEXPECTED
        if work.status == images.ACTIVE:
            # The data is in the record; all that failed is to describe it.
            work.task.message, reason = reason or work.task.message, None
        elif reason is not None:
            work.image.forget_data()
            work.image.status = work.status
        self._ending.finish(work.task, work.image, work.status, work.lease, [], reason)

    def _add(self, work: _Work) -> None:
        image = work.image
        location = self._foreign.locate(work.named.url)
        image.size = self._foreign.measure(location)
        for name in (importing.ERROR, images.UPLOAD_ERROR):
            image.properties.pop(name, None)
        faults.point('location-measured')
        if work.named.algorithm and self._conf.do_secure_hash:
            self._verify(work, location)
            return
        self._foreign.look_at(image, location)
        image.os_hash_algo, image.os_hash_value = work.named.algorithm, work.named.value
        if self._conf.do_secure_hash:
            # That there is no hash yet can be seen from its value; which one it will be is told.
            image.os_hash_algo = self._conf.hashing_algorithm
        self._activate(work, location)
        faults.point('location-active')
        if self._conf.do_secure_hash:
            self._describe(work, location)

    def _verify(self, work: _Work, location: Location) -> None:
        """Make the image active if the data has the hash that was named."""
        image, algorithm = work.image, work.named.algorithm or ''
        self._move(work, images.IMPORTING)
        self._parts.quota.begin(image, work.lease.attempt, stored=image.size or 0)
        hashes = self._hashes(work, location, algorithm)
        if hashes[algorithm] != work.named.value:
            raise errors.HashMismatch(f'The data at the location has another {algorithm} hash than was named.')
        image.checksum, image.os_hash_algo, image.os_hash_value = hashes[_MD5], algorithm, hashes[algorithm]
        image.locations = [location]
        image.move_to(images.ACTIVE)

    def _activate(self, work: _Work, location: Location) -> None:
        work.image.locations = [location]
        self._move(work, images.ACTIVE, charged=True)

    def _move(self, work: _Work, status: str, charged: bool = False) -> None:
        limits = self._parts.quota.limits(work.image.owner, quota.STORED) if charged else quota.NO_LIMITS
        work.image.move_to(status)
        self._tools.images.save(work.image, from_state=work.status, hold=work.lease, limits=limits)
        work.status = status

    def _describe(self, work: _Work, location: Location) -> None:
        """Give an active image the hashes of its data; without them it stays as it is.

        Data that turns out to be dangerous is taken out of circulation.
        """
        image, algorithm = work.image, self._conf.hashing_algorithm
        image.os_hash_algo = None
        try:
            hashes = self._hashes(work, location, algorithm)
        except errors.UnsafeContent as error:
            LOG.error('Image %s is deactivated: the data at its location is dangerous. %s', image.id, error)
            image.move_to(images.DEACTIVATED)
            work.task.message = str(error)
        except (errors.Invalid, errors.LimitExceeded) as error:
            LOG.warning('The data of image %s could not be hashed, its hashes stay unknown: %s', image.id, error)
            work.task.message = str(error)
        else:
            image.checksum, image.os_hash_algo, image.os_hash_value = hashes[_MD5], algorithm, hashes[algorithm]

    def _hashes(self, work: _Work, location: Location, algorithm: str) -> dict[str, str]:
        """Return the MD5 and another hash of the data, which is read again as often as the configuration says."""
        watch = _Watch(self._tools, self._parts, work.lease)
        for _ in range(max(self._conf.http_retries, 0)):
            try:
                return self._foreign.examine(work.image, location, (_MD5, algorithm), watch.advance)
            except errors.LocationUnreadable as error:
                LOG.info('The data of image %s is tried again: %s', work.image.id, error)
                time.sleep(_PAUSE)
                watch.require_wanted()
        return self._foreign.examine(work.image, location, (_MD5, algorithm), watch.advance)

    def end(self, lease: Lease, image: Image | None) -> None:
        """End an addition whose worker died: what the record of the image says has happened."""
        try:
            task = self._tools.tasks.get(lease.detail['task'], SERVICE)
        except errors.TaskNotFound:
            task = Task(tasks.LOCATION_IMPORT, '', id=lease.detail['task'])
        if image is None:
            task.status, task.message = tasks.FAILURE, 'The image was deleted.'
            self._tools.tasks.finish(task, None, None, lease)
            return
        is_done = image.status in (images.ACTIVE, images.DEACTIVATED)
        self._ending.finish(task, image, image.status, lease, [], None if is_done else _INTERRUPTED)


class _Watch:
    """Finds out, while data is read, whether that is still wanted."""

    def __init__(self, tools: Tools, parts: Parts, lease: Lease):
        self._tools = tools
        self._parts = parts
        self._lease = lease
        self._looked = time.monotonic()

    def advance(self, done: int) -> None:
        """Look now and then."""
        if self._tools.stopping.is_set() or time.monotonic() - self._looked >= _INTERVAL:
            self.require_wanted()

    def require_wanted(self) -> None:
        """Look.

        :raises LeaseLost: another worker does it
        :raises ImageNotFound: the image was deleted
        """
        self._looked = time.monotonic()
        if self._tools.stopping.is_set() or not self._tools.tasks.is_held(self._lease):
            raise errors.LeaseLost('This worker stops, or gave no sign of life.')
        image = self._parts.leases.image_of(self._lease)
        if image is None or image.status == images.PENDING_DELETE:
            raise errors.ImageNotFound(self._lease.image_id)


def _new_task(image: Image, named: NamedLocation, submitter: Submitter) -> Task:
    # Where the data lies is a secret of the storage; the task does not tell.
    return Task(
        tasks.LOCATION_IMPORT,
        submitter.project_id or '',
        input={'image_id': image.id, 'validation_data': named.validation_data},
        image_id=image.id,
        request_id=submitter.request_id,
        user_id=submitter.user_id,
    )
