# SPDX-License-Identifier: Apache-2.0
"""Begins imports, and runs them in the background."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain import faults
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain import lease as leases
from glance_clone.domain import task as tasks
from glance_clone.domain.image import Image
from glance_clone.domain.import_ports import Pool
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.imports import flow
from glance_clone.imports import locks
from glance_clone.imports import stores_left
from glance_clone.imports.copies import Copies
from glance_clone.imports.ending import Ending
from glance_clone.imports.flow import Step
from glance_clone.imports.peers import Peers
from glance_clone.imports.source import Source
from glance_clone.imports.steps import Download
from glance_clone.imports.steps import Inspect
from glance_clone.imports.steps import UseStaged
from glance_clone.imports.work import Tools
from glance_clone.imports.work import Work
from glance_clone.layers import Parts
from glance_clone.layers import accounts

LOG = logging.getLogger(__name__)

_CLIENT_ERRORS = range(400, 500)
_USER_INFORMATION = re.compile(r'(?<=://)[^/?#\s]*@')


class ImportService:
    """See :class:`glance_clone.domain.import_ports.Importer`.

    :param peers: the other nodes
    :param sources: where data comes from, by import method
    :param plugins: steps between the arrival of the data and its inspection
    """

    def __init__(
        self,
        tools: Tools,
        parts: Parts,
        pool: Pool,
        copies: Copies,
        peers: Peers,
        sources: Mapping[str, Source],
        plugins: Sequence[Step] = (),
    ):
        self._peers = peers
        self._tools = tools
        self._parts = parts
        self._pool = pool
        self._sources = sources
        self._ending = Ending(tools, parts.leases)
        stored = [*plugins, Inspect(), copies]
        self._steps: dict[str, list[Step]] = {
            importing.COPY_IMAGE: [copies],
            importing.GLANCE_DIRECT: [UseStaged(), *stored],
            **{method: [Download(source), *stored] for method, source in sources.items()},
        }

    def check(self, image: Image, request: ImportRequest) -> None:
        """Refuse at once what could never succeed."""
        if request.method not in self._steps:
            raise errors.Invalid(f'The import method {request.method} is not available here.')
        self.check_source(request)

    def check_source(self, request: ImportRequest) -> None:
        """Look at the part of a request that its source needs; raises as :meth:`check` does."""
        if request.method in self._sources:
            self._sources[request.method].check(request)

    def require_unlocked(self, image: Image) -> None:
        """Refuse an image on which another task works."""
        locks.require_unlocked(self._tools.tasks, image)

    def elsewhere(self, image: Image) -> str | None:
        """Return where the staged data is, if not here."""
        host = image.properties.get(importing.STAGE_HOST)
        return host if host and self._parts.self_url and host != self._parts.self_url else None

    def forward(
        self, host: str, path: str, request: ImportRequest, submitter: Submitter, store: str | None = None
    ) -> str | None:
        """Send an import on to another node."""
        return self._peers.post(host + path, dict(request.document), submitter, store)

    def forward_delete(self, host: str, path: str, submitter: Submitter) -> bool:
        """Let another node delete an image."""
        try:
            self._peers.delete(host + path, submitter)
        except errors.PeerRefused as error:
            if error.status in _CLIENT_ERRORS:
                raise
        except (errors.PeerTimeout, errors.PeerBroken):
            LOG.warning('What is staged for %s on another node stays there: it does not answer.', path)
        else:
            return True
        return False

    def start(self, image: Image, request: ImportRequest, stores: list[str | None], submitter: Submitter) -> Task:
        """Lock the image and queue the import."""
        task = _new_task(image, request, stores, submitter)
        lease = self.lock(task, image, request, stores)
        try:
            self._pool.submit(self.run, Work(self._tools, task, image, request, stores, submitter, lease))
        except errors.Unavailable:
            self._parts.abandon(lease)
            raise
        return task

    def lock(self, task: Task, image: Image, request: ImportRequest, stores: list[str | None], **detail: Any) -> Lease:
        """Store a task and make it the one that may change an image; return its lease.

        :param detail: more of what is needed to end the import if this process dies
        :raises StoreUnavailable: a store keeps data in the accounts of users, and the caller has none
        """
        detail = {'task': task.id, 'method': request.method, 'must_succeed': request.must_succeed, **detail}
        detail |= accounts.noted(self._parts.stores, stores)
        lease = self._parts.worker.lease(image.id, leases.IMPORT, stores=stores, status=image.status, **detail)
        locks.break_stale(self._tools.tasks, image)
        stores_left.expect(image, stores)
        status = image.status
        if request.method != importing.COPY_IMAGE:
            image.move_to(images.IMPORTING)
        try:
            self._tools.tasks.begin(task, image, status, lease)
        except errors.Unavailable:
            # The lease may have been taken, whatever the database could still say.
            self._parts.abandon(lease)
            raise
        return lease

    def run(self, work: Work, steps: Sequence[Step] | None = None) -> None:
        """Run an import to its end, whatever that is; never raises.

        :param steps: None for those of its method
        """
        try:
            self._execute(work, self._steps[work.request.method] if steps is None else steps)
        except errors.LeaseLost:
            LOG.warning('The import of image %s was taken over by another worker.', work.image.id)
        except Exception as error:
            if not isinstance(error, errors.ImageServiceError):
                LOG.exception('The import of image %s cannot be ended', work.image.id)
            else:
                LOG.warning('The import of image %s cannot be ended yet: %s', work.image.id, error)
            self._parts.abandon(work.lease)

    def _execute(self, work: Work, steps: Sequence[Step]) -> None:
        try:
            faults.point('task-queued')
            _begin(work)
            faults.point('import-begun')
            self._charge(work)
            flow.run(steps, work)
        except (errors.DatabaseUnavailable, errors.LeaseLost):
            # What the database knows by now is found out by whoever holds the lease when it can be asked again.
            raise
        except Exception as error:
            if not isinstance(error, errors.ImageServiceError):
                LOG.exception('The import of image %s failed unexpectedly (task %s)', work.image.id, work.task.id)
            self._ending.fail(work, error)
        else:
            self._ending.succeed(work)

    def _charge(self, work: Work) -> None:
        """Charge the owner of the image for what is known to come.

        :raises LimitExceeded: the owner has no room, or too many images with data on the way
        """
        quota = self._parts.quota
        staged = None if work.request.method == importing.GLANCE_DIRECT else 0
        stored = work.image.size or 0 if staged is None and quota.admits_imports else 0
        work.reservation = quota.begin(work.image, work.lease.attempt, stored=stored, staged=staged)
        work.has_begun = True


def _begin(work: Work) -> None:
    work.task.move_to(tasks.PROCESSING)
    work.tools.tasks.save(work.task)
    image = work.image
    for name in (importing.STAGE_HOST, importing.ERROR, images.UPLOAD_ERROR):
        image.properties.pop(name, None)
    work.save()


def _new_task(image: Image, request: ImportRequest, stores: list[str | None], submitter: Submitter) -> Task:
    return Task(
        tasks.IMAGE_IMPORT,
        submitter.project_id or '',
        input={'image_id': image.id, 'import_req': masked(request.document), 'backend': stores},
        image_id=image.id,
        request_id=submitter.request_id,
        user_id=submitter.user_id,
    )


def masked(document: Any) -> Any:
    """Return a JSON document without the user information of the URLs in it."""
    if isinstance(document, Mapping):
        return {name: masked(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [masked(value) for value in document]
    return _USER_INFORMATION.sub('***@', document) if isinstance(document, str) else document
