# SPDX-License-Identifier: Apache-2.0
"""Imports of the tasks API: they make their own image, and remove it if they fail."""

from __future__ import annotations

import dataclasses
import logging
import uuid
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import quota
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import Pool
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.imports import ova
from glance_clone.imports.ending import MADE_IMAGE
from glance_clone.imports.ending import UNEXPECTED
from glance_clone.imports.ending import remove_made_image
from glance_clone.imports.flow import Step
from glance_clone.imports.service import ImportService
from glance_clone.imports.service import masked
from glance_clone.imports.work import Tools
from glance_clone.imports.work import Work
from glance_clone.layers import Parts

LOG = logging.getLogger(__name__)

_REQUIRED = ('import_from', 'import_from_format', 'image_properties')
_BEGINNINGS = ('http://', 'https://')

#: Makes an image of what a request says of it, for somebody; raises Invalid and Forbidden.
MakeImage = Callable[[Mapping[str, Any], Submitter], Image]


class LegacyImportService:
    """See :class:`glance_clone.domain.import_ports.LegacyImports`.

    :param tools: with the place where tasks work as the staging area
    :param steps: what is done, from the download to the stores
    """

    def __init__(
        self,
        service: ImportService,
        tools: Tools,
        parts: Parts,
        pool: Pool,
        make_image: MakeImage,
        steps: Sequence[Step],
    ):
        self._steps = steps
        self._service = service
        self._tools = tools
        self._parts = parts
        self._pool = pool
        self._make_image = make_image

    def start(self, wanted: Mapping[str, Any], submitter: Submitter) -> Task:
        """Queue an import."""
        request = _request(wanted)
        self._service.check_source(request)
        task = Task(
            tasks.LEGACY_IMPORT,
            submitter.project_id or '',
            input=masked(dict(wanted)),
            request_id=submitter.request_id,
            user_id=submitter.user_id,
        )
        wanted, detail = _with_id(wanted)
        lease = self._parts.worker.lease(task.id, leases.TASK, **detail)
        accepted = self._add(task, lease)
        try:
            self._pool.submit(self._run, task, wanted, request, submitter, lease)
        except errors.Unavailable:
            self._parts.abandon(lease)
            raise
        return accepted

    def _add(self, task: Task, lease: Lease) -> Task:
        """Store a task; return it as it is now, whatever is done with it later."""
        try:
            self._tools.tasks.add(task, lease)
        except errors.Unavailable:
            # The lease may have been taken, whatever the database could still say.
            self._parts.abandon(lease)
            raise
        return dataclasses.replace(task)

    def _run(self, task: Task, wanted: Mapping[str, Any], request: ImportRequest, submitter: Submitter, lease: Lease) -> None:
        faults.point('task-made')
        work = None
        try:
            work = self._try_to_begin(task, wanted, request, submitter)
            self._parts.leases.release(lease)
        except errors.DatabaseUnavailable:
            # Whoever ends the task finds out how far this came.
            self._parts.abandon(lease)
        if work is not None:
            self._service.run(work, self._steps)

    def _try_to_begin(self, task: Task, wanted: Mapping[str, Any], request: ImportRequest, submitter: Submitter) -> Work | None:
        """Return the import that was begun; None if the task has failed with that.

        :raises DatabaseUnavailable: neither is sure
        """
        try:
            return self._begin(task, wanted, request, submitter)
        except errors.DatabaseUnavailable:
            raise
        except Exception as error:
            if not isinstance(error, errors.ImageServiceError):
                LOG.exception('Task %s failed unexpectedly', task.id)
            self._fail(task, str(error) if isinstance(error, errors.ImageServiceError) else UNEXPECTED)
            return None

    def _begin(self, task: Task, wanted: Mapping[str, Any], request: ImportRequest, submitter: Submitter) -> Work:
        missing = [name for name in _REQUIRED if not wanted.get(name)]
        if missing:
            raise errors.Invalid(f'The input of the task lacks {", ".join(missing)}.')
        if not isinstance(wanted['image_properties'], Mapping):
            raise errors.Invalid('image_properties must be an object.')
        image = self._make_image(wanted['image_properties'], submitter)
        ova.require_admin(image, submitter)
        self._parts.images.add(image, limits=self._parts.quota.limits(image.owner, quota.IMAGES))
        faults.point('image-made')
        task.image_id = image.id
        stores = [self._parts.stores.default.id]
        lease = self._service.lock(task, image, request, stores, **{MADE_IMAGE: True})
        return Work(self._tools, task, image, request, stores, submitter, lease)

    def _fail(self, task: Task, reason: str) -> None:
        if task.image_id:
            remove_made_image(self._parts.images, task.image_id)
        task.status, task.message = tasks.FAILURE, reason
        self._tools.tasks.save(task)


def _with_id(wanted: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the input with an id for the image, and what a lease says of it; nothing where the user chose the id.

    So whoever takes over finds an image that was made, and never one that was there before.
    """
    properties = wanted.get('image_properties')
    if not isinstance(properties, Mapping) or 'id' in properties:
        return wanted, {}
    image_id = str(uuid.uuid4())
    return {**wanted, 'image_properties': {**properties, 'id': image_id}}, {MADE_IMAGE: image_id}


def _request(wanted: Mapping[str, Any]) -> ImportRequest:
    """Return the import that downloads what a task is asked for.

    :raises Invalid: no URL, or not one of a web server
    """
    url = wanted.get('import_from')
    if not isinstance(url, str) or not url.lower().startswith(_BEGINNINGS):
        raise errors.Invalid('import_from must be the URL of data on a web server, with http or https.')
    return ImportRequest(importing.WEB_DOWNLOAD, options={'uri': url})
