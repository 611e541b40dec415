# SPDX-License-Identifier: Apache-2.0
"""Telling of what happened to images, members and tasks: around the bare repositories, so that no way passes by.

An event is told when the transaction is committed, and only by whoever won.
"""

from __future__ import annotations

import datetime
from typing import Any
from typing import Unpack

from glance_clone.domain import image as images
from glance_clone.domain import notification as events
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Material
from glance_clone.domain.importing import Submitter
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.member import Member
from glance_clone.domain.notification import Notifier
from glance_clone.domain.ports import SaveTerms
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import Limits
from glance_clone.domain.task import Task
from glance_clone.layers import event_payloads as payloads

#: States that an active image comes back from with the data that it had.
_RETURNING = (images.DEACTIVATED, images.PENDING_DELETE, images.ACTIVE)


class Around:
    """Something around another one that passes on whatever it does not define itself."""

    def __init__(self, inner: Any, notifier: Notifier):
        self._inner = inner
        self._notifier = notifier

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class NotifyingImages(Around):
    """Tells of images; see :class:`glance_clone.domain.ports.ImageRepository`."""

    def add(self, image: Image, id_is_new: bool = False, limits: Limits = NO_LIMITS) -> None:
        """Tell of a new image."""
        self._inner.add(image, id_is_new, limits)
        self._notifier.info(events.IMAGE_CREATE, payloads.of_image(image))

    def save(self, image: Image, **terms: Unpack[SaveTerms]) -> None:
        """Tell of a change."""
        self._inner.save(image, **terms)
        tell_of_change(self._notifier, image, terms.get('from_state'))

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Tell that an image is gone."""
        self._inner.remove(image, drop)
        tell_of_end(self._notifier, image)


class NotifyingDeletes(Around):
    """Tells of images whose data is removed later; see :class:`glance_clone.domain.ports.DelayedDeletes`."""

    def schedule(self, image: Image) -> None:
        """Tell that an image is gone."""
        self._inner.schedule(image)
        tell_of_end(self._notifier, image)


class NotifyingData(Around):
    """Tells of data on its way into stores; see :class:`glance_clone.domain.ports.ImageData`."""

    def write(self, image: Image, incoming: Incoming) -> None:
        """Tell before and after."""
        self._notifier.info(events.IMAGE_PREPARE, payloads.of_transfer(image, incoming.store_id))
        try:
            self._inner.write(image, incoming)
        except Exception as error:
            self._notifier.error(events.IMAGE_UPLOAD, str(error))
            raise
        self._notifier.info(events.IMAGE_UPLOAD, payloads.of_transfer(image))

    def add_copy(
        self, image: Image, material: Material, store_id: str | None, attempt: str, submitter: Submitter | None = None
    ) -> Location:
        """Tell before and after."""
        self._notifier.info(events.IMAGE_PREPARE, payloads.of_transfer(image, store_id))
        try:
            location: Location = self._inner.add_copy(image, material, store_id, attempt, submitter)
        except Exception as error:
            self._notifier.error(events.IMAGE_UPLOAD, str(error))
            raise
        self._notifier.info(events.IMAGE_UPLOAD, payloads.of_transfer(image))
        return location


class NotifyingMembers(Around):
    """Tells of members; see :class:`glance_clone.domain.ports.MemberRepository`."""

    def add(self, member: Member, quota: int) -> None:
        """Tell of a new member."""
        self._inner.add(member, quota)
        self._notifier.info(events.MEMBER_CREATE, payloads.of_member(member))

    def save(self, member: Member) -> None:
        """Tell of an answer."""
        self._inner.save(member)
        self._notifier.info(events.MEMBER_UPDATE, payloads.of_member(member))

    def remove(self, member: Member) -> None:
        """Tell that a member is none any more."""
        self._inner.remove(member)
        self._notifier.info(events.MEMBER_DELETE, payloads.deleted(payloads.of_member(member), now()))


class NotifyingTasks(Around):
    """Tells of tasks, and of the images that change with them; see ``TaskRepository``."""

    def add(self, task: Task, lease: Lease) -> None:
        """Tell of a new task."""
        self._inner.add(task, lease)
        self._notifier.info(events.TASK_CREATE, payloads.of_task(task))

    def begin(self, task: Task, image: Image, from_state: str, lease: Lease) -> None:
        """Tell of a new task, and of its image."""
        is_new = task.created_at is None
        self._inner.begin(task, image, from_state, lease)
        if is_new:
            self._notifier.info(events.TASK_CREATE, payloads.of_task(task))
        tell_of_change(self._notifier, image, from_state)

    def save(self, task: Task) -> None:
        """Tell of another status."""
        self._inner.save(task)
        self._tell(task)

    def finish(self, task: Task, image: Image | None, from_state: str | None, lease: Lease) -> None:
        """Tell of the end of a task, and of its image."""
        self._inner.finish(task, image, from_state, lease)
        if image is not None:
            tell_of_change(self._notifier, image, from_state)
        self._tell(task)

    def _tell(self, task: Task) -> None:
        """Tell of the status; of progress nobody is told."""
        if task.status == tasks.PROCESSING and task.message:
            return
        self._notifier.info(f'task.{task.status}', payloads.of_task(task))
        if task.status in tasks.TERMINAL:
            self._notifier.info(events.TASK_RUN, payloads.of_task(task))


def tell_of_change(notifier: Notifier, image: Image, from_state: str | None) -> None:
    """Tell that an image was changed, and where its data has come, of that; the mark of a delete is told when it is done."""
    if image.status == images.PENDING_DELETE:
        return
    notifier.info(events.IMAGE_UPDATE, payloads.of_image(image))
    if image.status == images.ACTIVE and from_state is not None and from_state not in _RETURNING:
        notifier.info(events.IMAGE_ACTIVATE, payloads.of_image(image))


def tell_of_end(notifier: Notifier, image: Image) -> None:
    """Tell that an image is gone."""
    notifier.info(events.IMAGE_DELETE, payloads.deleted(payloads.of_image(image), now()))


def now() -> datetime.datetime:
    """Return the present time in UTC without time zone."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
