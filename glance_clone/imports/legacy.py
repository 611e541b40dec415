# SPDX-License-Identifier: Apache-2.0
"""Imports of the tasks API: they make their own image, and remove it if they fail."""

from __future__ import annotations

import dataclasses
import logging
import urllib.parse
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import Pool
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.imports.ending import UNEXPECTED
from glance_clone.imports.service import ImportService
from glance_clone.imports.service import masked
from glance_clone.imports.work import Tools
from glance_clone.imports.work import Work
from glance_clone.layers import Parts

LOG = logging.getLogger(__name__)

_REQUIRED = ('import_from', 'import_from_format', 'image_properties')
_SCHEMES = ('http', 'https')

#: Makes an image of what a request says of it, for somebody; raises Invalid and Forbidden.
MakeImage = Callable[[Mapping[str, Any], Submitter], Image]


class LegacyImportService:
    """See :class:`glance_clone.domain.import_ports.LegacyImports`."""

    def __init__(self, service: ImportService, tools: Tools, parts: Parts, pool: Pool, make_image: MakeImage):
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
        lease = self._parts.worker.lease(task.id, leases.TASK)
        self._tools.tasks.add(task, lease)
        accepted = dataclasses.replace(task)
        self._pool.submit(self._run, task, wanted, request, submitter, lease)
        return accepted

    def _run(self, task: Task, wanted: Mapping[str, Any], request: ImportRequest, submitter: Submitter, lease: Lease) -> None:
        faults.point('task-made')
        try:
            work = self._begin(task, wanted, request, submitter)
        except errors.DatabaseUnavailable:
            self._parts.abandon(lease)
            return
        except Exception as error:
            if not isinstance(error, errors.ImageServiceError):
                LOG.exception('Task %s failed unexpectedly', task.id)
            self._fail(task, str(error) if isinstance(error, errors.ImageServiceError) else UNEXPECTED)
            self._parts.leases.release(lease)
            return
        self._parts.leases.release(lease)
        self._service.run(work)
        if work.task.status == tasks.FAILURE:
            remove_made_image(self._parts, work.image.id)

    def _begin(self, task: Task, wanted: Mapping[str, Any], request: ImportRequest, submitter: Submitter) -> Work:
        missing = [name for name in _REQUIRED if not wanted.get(name)]
        if missing:
            raise errors.Invalid(f'The input of the task lacks {", ".join(missing)}.')
        if not isinstance(wanted['image_properties'], Mapping):
            raise errors.Invalid('image_properties must be an object.')
        image = self._make_image(wanted['image_properties'], submitter)
        self._parts.images.add(image)
        task.image_id = image.id
        stores = [self._parts.stores.default.id]
        lease = self._service.lock(task, image, request, stores, made_image=True)
        return Work(self._tools, task, image, request, stores, submitter, lease)

    def _fail(self, task: Task, reason: str) -> None:
        if task.image_id:
            remove_made_image(self._parts, task.image_id)
        task.status, task.message = tasks.FAILURE, reason
        self._tools.tasks.save(task)


def _request(wanted: Mapping[str, Any]) -> ImportRequest:
    """Return the import that downloads what a task is asked for.

    :raises Invalid: no URL, or not one of a web server
    """
    url = wanted.get('import_from')
    if not isinstance(url, str) or urllib.parse.urlsplit(url).scheme.lower() not in _SCHEMES:
        raise errors.Invalid('import_from must be the URL of data on a web server, with http or https.')
    return ImportRequest(importing.WEB_DOWNLOAD, options={'uri': url})


def remove_made_image(parts: Parts, image_id: str) -> None:
    """Remove the image of an import that failed; it has no data any more."""
    try:
        parts.images.remove(Image(image_id))
    except errors.NotFound:
        LOG.debug('Image %s is gone already.', image_id)
