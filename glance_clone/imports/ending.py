# SPDX-License-Identifier: Apache-2.0
"""How imports end: task, lock, lease and the record of the image in one transaction, staged data before it."""

from __future__ import annotations

import logging

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import task as tasks
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.ports import LeaseRepository
from glance_clone.domain.task import Task
from glance_clone.imports import stores_left
from glance_clone.imports.work import Tools
from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)

_MIB = 1 << 20
#: The part of a lease that tells whether the task made the image, which then goes if it fails.
MADE_IMAGE = 'made_image'
#: What users are told of failures that nobody foresaw.
UNEXPECTED = 'The service failed; its log tells more under the id of this task.'
#: How often the image may change between being read and being saved before the end waits for the reaper.
_TRIES = 5


class Ending:
    """Ends imports, by whichever worker."""

    def __init__(self, tools: Tools, leases: LeaseRepository):
        self._tools = tools
        self._leases = leases

    def succeed(self, work: Work) -> None:
        """End an import whose data is in the record; raises as :meth:`finish` does."""
        self.remove_staged(work)
        faults.point('staged-removed')
        if work.image.size:
            work.task.message = f'Copied {work.image.size // _MIB} MiB'
        self.finish(work.task, work.image, work.status, work.lease, work.stores, None)

    def fail(self, work: Work, error: BaseException) -> None:
        """End an import that failed, and whose steps are undone; raises as :meth:`finish` does."""
        reason = str(error) if isinstance(error, errors.ImageServiceError) else UNEXPECTED
        self.remove_staged(work)
        if work.status in (images.ACTIVE, images.DEACTIVATED) and not work.is_copy:
            # Some stores have the data: that is what was asked for, apart from what the properties say.
            self.finish(work.task, work.image, work.status, work.lease, work.stores, None)
            return
        if work.lease.detail.get(MADE_IMAGE):
            self.end_without_image(work.task, work.image, work.lease, reason)
            return
        failed = work.failed or (work.stores if work.has_begun else [])
        work.image.status = work.status
        self.finish(work.task, work.image, work.status, work.lease, work.stores, reason, failed)

    def remove_staged(self, work: Work) -> None:
        """Remove the staged data of an import, and whatever it made of it.

        :raises LeaseLost: another worker has done so; what is there now may be staged anew
        """
        tools, image_id = work.tools, work.image.id
        if work.is_copy:
            return
        if not tools.tasks.is_held(work.lease):
            raise errors.LeaseLost(f'The import of image {image_id} took too long and was given up.')
        tools.staging.clear(image_id)
        tools.staged.forget(image_id)

    def end_without_image(self, task: Task, image: Image, lease: Lease, reason: str) -> None:
        """Write the end of a task that failed, and remove the image that it made; the bytes are gone already.

        The image goes first: if this process dies then, whoever ends the task finds that there is none.

        :param lease: held a moment ago
        :raises LeaseLost: another worker has ended it
        """
        remove_made_image(self._tools.images, image.id)
        faults.point('image-removed')
        self._finish_without_image(task, lease, reason)

    def finish(
        self,
        task: Task,
        image: Image,
        status: str,
        lease: Lease,
        stores: list[str | None],
        reason: str | None,
        failed: list[str | None] | None = None,
    ) -> None:
        """Write the end of an import.

        :param image: as read last, or with changes that are to be saved
        :param status: of its row
        :param reason: why it failed, None if it did not
        :param failed: stores that users are told of as failed
        :raises LeaseLost: another worker has ended it
        """
        current: Image | None = image
        for _ in range(_TRIES):
            if current is None or status in (images.PENDING_DELETE, images.DELETED):
                self._finish_without_image(task, lease, reason)
                return
            describe_end(current, stores, reason, failed or [])
            end_task(task, image.id, reason)
            try:
                self._tools.tasks.finish(task, current, status, lease)
            except (errors.StateChanged, errors.ImageNotFound):
                current = self._leases.image_of(lease)
                status = current.status if current is not None else images.DELETED
            else:
                LOG.info('The import of image %s has ended: %s.', image.id, reason or 'success')
                return
        raise errors.Unavailable(f'Image {image.id} is changing too fast.')

    def _finish_without_image(self, task: Task, lease: Lease, reason: str | None) -> None:
        task.status, task.result = tasks.FAILURE, None
        task.message = reason or 'The image was deleted.'
        self._tools.tasks.finish(task, None, None, lease)


def remove_made_image(repository: ImageRepository, image_id: str) -> None:
    """Remove the image that a failed task made; it is no error if it is gone, or if somebody deletes it just now."""
    try:
        image = repository.get(image_id, SERVICE)
        if image.status != images.PENDING_DELETE:
            repository.remove(image)
    except errors.ImageNotFound:
        LOG.debug('Image %s is gone already.', image_id)


def describe_end(image: Image, stores: list[str | None], reason: str | None, failed: list[str | None]) -> None:
    """Write into an image what became of its import, or of another task that writes to no stores."""
    if stores:
        stores_left.done(image, stores)
    image.properties.pop(importing.PROGRESS, None)
    if reason is None:
        return
    if stores:
        stores_left.failed(image, failed)
    image.properties[importing.ERROR] = reason[: images.MAX_REASON]
    if image.status == images.IMPORTING:
        image.move_to(images.QUEUED)


def end_task(task: Task, image_id: str, reason: str | None) -> None:
    """Write into a task what became of it."""
    if reason is None:
        task.status, task.result = tasks.SUCCESS, {'image_id': image_id}
    else:
        task.status, task.result, task.message = tasks.FAILURE, None, reason
