# SPDX-License-Identifier: Apache-2.0
"""What the reaper does about stagings and imports whose worker died (R3-R5).

What the record of the image says has happened; everything else is taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import task as tasks
from glance_clone.domain.caller import SERVICE
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import Staging
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.imports import stores_left
from glance_clone.imports.ending import MADE_IMAGE
from glance_clone.imports.ending import Ending
from glance_clone.imports.ending import remove_made_image
from glance_clone.imports.work import Tools
from glance_clone.layers import Parts
from glance_clone.layers import accounts

LOG = logging.getLogger(__name__)

_WITH_DATA = (images.ACTIVE, images.DEACTIVATED)
_STAGING = 'Staging was interrupted by a failure of the service; send the data again.'
_TASK = 'The task was interrupted by a failure of the service; ask for it again.'
_IMPORT = 'The import was interrupted by a failure of the service; ask for it again.'


class Recovery:
    """Ends stagings and imports.

    :param workplace: where tasks keep the data of images that they make
    """

    def __init__(self, tools: Tools, parts: Parts, workplace: Staging):
        self._tools = tools
        self._workplace = workplace
        self._parts = parts
        self._stores = parts.stores
        self._ending = Ending(tools, parts.leases)

    def table(self) -> dict[str, Callable[[Lease, Image | None], None]]:
        """Return the finishers by operation."""
        return {leases.STAGE: self.undo_stage, leases.IMPORT: self.end_import, leases.TASK: self.end_task}

    def undo_stage(self, lease: Lease, image: Image | None) -> None:
        """Remove what was staged and return the image to queued."""
        if image is not None and image.status == images.UPLOADING and image.size is not None:
            # The size comes with the end of the lease: somebody has finished this, or staged anew.
            self._parts.leases.release(lease)
            return
        self._tools.staging.clear(lease.image_id, lease.attempt)
        self._tools.staged.forget(lease.image_id, lease.attempt)
        if image is None or image.status != images.UPLOADING:
            self._parts.leases.release(lease)
            return
        self._tools.staging.clear(lease.image_id)
        image.move_to(images.QUEUED)
        image.properties[images.UPLOAD_ERROR] = _STAGING
        self._parts.images.save(image, from_state=images.UPLOADING, drop=lease)
        LOG.info('Image %s is queued again: its staging was interrupted.', image.id)

    def end_task(self, lease: Lease, image: Image | None) -> None:
        """End a task that had no image yet, or had just made one; one with an image has a lease on that."""
        task = self._tools.tasks.get(lease.image_id, SERVICE)
        if task.image_id is None and task.status not in tasks.TERMINAL:
            self._fail_early(task, lease.detail.get(MADE_IMAGE))
        self._parts.leases.release(lease)

    def _fail_early(self, task: Task, made: str | None) -> None:
        if made:
            remove_made_image(self._parts.images, made)
        task.status, task.message = tasks.FAILURE, _TASK
        try:
            self._tools.tasks.save(task)
        except errors.Conflict:
            LOG.debug('Task %s has ended meanwhile.', task.id)

    def end_import(self, lease: Lease, image: Image | None) -> None:
        """Bring an import to the end that its record says."""
        task = self._task(lease)
        stores: list[str | None] = lease.detail['stores']
        written = self._written(image, stores)
        for store_id in stores:
            if store_id not in written:
                self._discard(store_id, lease)
        if image is None:
            self._remove_staged(lease)
            task.status, task.message = tasks.FAILURE, 'The image was deleted.'
            self._tools.tasks.finish(task, None, None, lease)
            return
        if lease.detail.get(MADE_IMAGE) and image.status not in _WITH_DATA:
            self._remove_staged(lease)
            self._ending.end_without_image(task, image, lease, _TASK)
        elif self._has_not_begun(lease, image, task):
            self._give_back(lease, image, task)
        else:
            self._end(lease, image, task, written)

    def _end(self, lease: Lease, image: Image, task: Task, written: set[str | None]) -> None:
        stores: list[str | None] = lease.detail['stores']
        is_copy = lease.detail['method'] == importing.COPY_IMAGE
        self._remove_staged(lease)
        missing = [store_id for store_id in stores if store_id not in written]
        # Where not all stores need succeed, those with the data are what was asked for.
        is_copied = not missing or (bool(written) and not lease.detail.get('must_succeed', True))
        is_done = is_copied if is_copy else image.status in _WITH_DATA
        if is_done:
            task.message = task.message or 'Copied'
        reason = None if is_done else _IMPORT
        if is_done and missing:
            stores_left.failed(image, missing)
            image.properties[importing.ERROR] = _IMPORT
        self._ending.finish(task, image, image.status, lease, stores, reason, missing)

    def _task(self, lease: Lease) -> Task:
        try:
            return self._tools.tasks.get(lease.detail['task'], SERVICE)
        except errors.TaskNotFound:
            return Task(tasks.IMAGE_IMPORT, '', id=lease.detail['task'])

    def _written(self, image: Image | None, stores: list[str | None]) -> set[str | None]:
        """Return which of the stores hold data that the record refers to."""
        if image is None:
            return set()
        found: set[str | None] = set()
        for location in image.locations:
            try:
                found.add(self._stores.of(location).id)
            except errors.StoreUnknown:
                LOG.debug('A location of image %s is in no store that is configured here.', image.id)
        return found & set(stores)

    def _discard(self, store_id: str | None, lease: Lease) -> None:
        try:
            accounts.discard(self._stores, store_id, lease)
        except errors.StoreUnknown:
            LOG.warning('The store %s is not configured here: what an import left there stays.', store_id)

    def _remove_staged(self, lease: Lease) -> None:
        if lease.detail['method'] == importing.COPY_IMAGE:
            return
        staging = self._workplace if lease.detail.get(MADE_IMAGE) else self._tools.staging
        staging.clear(lease.image_id)
        self._tools.staged.forget(lease.image_id)

    @staticmethod
    def _has_not_begun(lease: Lease, image: Image, task: Task) -> bool:
        """Tell whether an import died while it waited for its turn, so that its data is as it was."""
        return (task.status, image.status) == (tasks.PENDING, images.IMPORTING)

    def _give_back(self, lease: Lease, image: Image, task: Task) -> None:
        """Return an image to the state that it had before the import was asked for."""
        image.status = lease.detail['status']
        task.status, task.message = tasks.FAILURE, _IMPORT
        stores_left.done(image, lease.detail['stores'])
        image.properties[importing.ERROR] = _IMPORT
        self._tools.tasks.finish(task, image, images.IMPORTING, lease)
        LOG.info('Image %s is %s again: its import had not begun.', image.id, image.status)
