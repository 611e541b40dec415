# SPDX-License-Identifier: Apache-2.0
"""Locks that nobody will remove: those of tasks that are gone, and old ones of other software (contract, section 4).

Tasks of this service have a lease, and the reaper removes their locks; the ages below are for locks without one.
"""

from __future__ import annotations

import datetime
import logging

from glance_clone.domain import errors
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import TaskRepository
from glance_clone.domain.task import Task
from glance_clone.imports import stores_left

LOG = logging.getLogger(__name__)

#: How long a task that has not begun keeps its lock, and how long any other after its last sign of life.
_PENDING = datetime.timedelta(minutes=120)
_OTHER = datetime.timedelta(minutes=60)


def require_unlocked(repository: TaskRepository, image: Image) -> None:
    """Refuse an image on which another task works.

    :raises ImageLocked: one does
    """
    holder = repository.holder(image.id)
    if holder is not None and not _is_stale(holder[1]):
        raise errors.ImageLocked(image.id)


def break_stale(repository: TaskRepository, image: Image) -> None:
    """Remove a lock that nobody will remove, and the stores of its task from what the image tells of imports.

    :raises ImageLocked: somebody holds it, or was faster
    """
    holder = repository.holder(image.id)
    if holder is None:
        return
    task_id, task = holder
    if not _is_stale(task) or not repository.unlock(image.id, task_id):
        raise errors.ImageLocked(image.id)
    LOG.warning('The import lock of task %s on image %s is removed: it gave no sign of life.', task_id, image.id)
    if task is None:
        return
    if task.status not in tasks.TERMINAL:
        _end(repository, task)
    stores_left.forget(image, (task.input or {}).get('backend') or [])


def _is_stale(task: Task | None) -> bool:
    if task is None or task.updated_at is None:
        return True
    limit = _PENDING if task.status == tasks.PENDING else _OTHER
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - task.updated_at >= limit


def _end(repository: TaskRepository, task: Task) -> None:
    task.status, task.message = tasks.FAILURE, 'The task gave no sign of life, and its lock was taken by another.'
    try:
        repository.save(task)
    except errors.Conflict:
        LOG.debug('Task %s has ended meanwhile.', task.id)
