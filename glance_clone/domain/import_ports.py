# SPDX-License-Identifier: Apache-2.0
"""The contracts between imports and what they stand on; see :mod:`glance_clone.domain.ports` for the others."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Protocol

from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Opened
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.store_ports import ByteSource
from glance_clone.domain.task import Task
from glance_clone.domain.task import TaskQuery


class TaskRepository(Protocol):
    """Keeps tasks, and the import lock: a property of the image that names the one task that may change it."""

    def add(self, task: Task, lease: Lease) -> None:
        """Store a new task that works on no image yet, and take a lease on it; sets its times."""

    def begin(self, task: Task, image: Image, from_state: str, lease: Lease) -> None:
        """Store a task, new or not, lock its image for it, take the lease and save the image, all or nothing.

        :param from_state: the status that the image must still have
        :raises ImageLocked: another task holds the lock
        :raises StateChanged: the image has another status, or the lease is held by another; or the image is active, and has
            other locations than those that were read, or former data of it is being removed
        :raises ImageNotFound: the image is deleted or being deleted
        """

    def save(self, task: Task) -> None:
        """Store status, message and result; sets ``updated_at``, and ``expires_at`` once the task has ended.

        :raises Conflict: the task has ended already
        """

    def finish(self, task: Task, image: Image | None, from_state: str | None, lease: Lease) -> None:
        """Store the end of a task, save its image, remove the lock and drop the lease, all or nothing.

        :param image: None where it is deleted
        :raises LeaseLost: the lease is no longer held
        :raises StateChanged: the image has another status
        :raises ImageNotFound: the image is deleted or being deleted
        """

    def get(self, task_id: str, caller: Caller) -> Task:
        """Return a task of the caller's project, any for administrators.

        :raises TaskNotFound: there is none
        """

    def of_image(self, image_id: str, caller: Caller) -> Sequence[Task]:
        """Return the tasks on an image that have not expired, the oldest first; of the caller's project as above."""

    def forget_expired(self, owner: str) -> None:
        """Delete expired tasks of a project, the first ones where there are very many."""

    def holder(self, image_id: str) -> tuple[str, Task | None] | None:
        """Return the id of the task that locks an image, with the task unless it is gone; None without a lock."""

    def unlock(self, image_id: str, task_id: str) -> bool:
        """Remove the lock of a task; False if it did not hold it."""

    def is_held(self, lease: Lease) -> bool:
        """Tell whether a lease is held by its owner."""

    def list(self, query: TaskQuery, caller: Caller) -> Sequence[Task]:
        """Return one page of the tasks of the caller's project that have not expired, of all for administrators.

        :raises Invalid: unknown marker or sort key
        """


class StagedRepository(Protocol):
    """Keeps what is known of staged data: its size and hashes. A row exists only for data that is complete."""

    def keep(self, staged: Staged, hold: Lease) -> None:
        """Store the row of an image, in place of an older one.

        :param hold: the lease on its staging
        :raises LeaseLost: it is not held any more, and the row may be that of somebody else
        """

    def find(self, image_id: str) -> Staged | None:
        """Return the row of an image."""

    def forget(self, image_id: str, attempt: str | None = None) -> None:
        """Remove the row of an image; only if it is of this attempt, where one is given."""

    def leased(self, image_ids: list[str]) -> set[str]:
        """Return those images on which somebody works."""

    def status_of(self, image_ids: list[str]) -> dict[str, str]:
        """Return the status of those images that are not deleted."""


class Staging(Protocol):
    """The staging directory of this node. Nothing in it is ever changed: data is written under a new name, or removed."""

    def write(
        self,
        image_id: str,
        attempt: str,
        source: ByteSource,
        size: int | None = None,
        expected: Mapping[str, str] | None = None,
        suffix: str = '',
    ) -> Staged:
        """Take data, hash it, and make it durable; nothing of it stays if that fails.

        :param size: announced bytes, None if unknown
        :param expected: hashes that it must have: algorithm as hashlib names it to hexadecimal digest
        :param suffix: distinguishes several files of one attempt
        :raises SizeMismatch: not as many bytes came as were announced
        :raises HashMismatch: it has another hash than expected
        :raises LimitExceeded: it is larger than an image may be
        :raises StoreFull: no room
        """

    def scratch(self, image_id: str, attempt: str, suffix: str) -> str:
        """Return the absolute path of a file that an outside tool may write; :meth:`take` makes it staged data."""

    def take(self, image_id: str, attempt: str, suffix: str) -> Staged:
        """Hash and keep the file at the scratch path of the same arguments."""

    def locate(self, staged: Staged) -> bool:
        """Fill in where staged data lies; False if it is not in the staging directory of this node."""

    def verify(self, staged: Staged, expected: Mapping[str, str]) -> None:
        """Read staged data and compare its hashes.

        :raises HashMismatch: it has another one
        """

    def adopt_foreign(self, image: Image) -> Staged | None:
        """Return data that other software staged for an image and whose size the image names; None if there is none."""

    def open(self, staged: Staged) -> Opened:
        """Open staged data.

        :raises BlobNotFound: it is not in the staging directory of this node
        """

    def remove(self, staged: Staged) -> None:
        """Remove staged data; it is no error if it is gone."""

    def clear(self, image_id: str, attempt: str | None = None) -> None:
        """Remove all files of an image, or only those of one attempt, temporary ones included."""


class Pool(Protocol):
    """Runs tasks in the background of this process, a bounded number at once; more wait."""

    def submit(self, work: Callable[..., Any], *args: Any) -> None:
        """Run ``work(*args)`` as soon as a place is free; what it raises is logged.

        :raises Unavailable: the process is about to stop
        """

    def drain(self, seconds: float) -> bool:
        """Take no more work, begin none that waits, and wait until all else has ended; False if it has not in this time."""


class Importer(Protocol):
    """Begins imports."""

    def check(self, image: Image, request: ImportRequest) -> None:
        """Refuse at once what could never succeed: a URL that is not allowed, a region that is not named.

        :raises Invalid: telling what is wrong
        """

    def require_unlocked(self, image: Image) -> None:
        """Refuse an image on which another task works.

        :raises ImageLocked: one does
        """

    def elsewhere(self, image: Image) -> str | None:
        """Return the URL of the node that has the staged data of an image, None if it is this one."""

    def forward(
        self, host: str, path: str, request: ImportRequest, submitter: Submitter, store: str | None = None
    ) -> str | None:
        """Send an import on to the node that has the data; return the id under which that node has the request.

        :param store: the store that a header of the request names
        :raises PeerRefused: the node refuses it; carries the status
        :raises PeerTimeout: the node does not answer
        :raises PeerBroken: the node answers nonsense
        """

    def forward_delete(self, host: str, path: str, submitter: Submitter) -> bool:
        """Let the node that has staged data delete its image; False if it cannot.

        :raises PeerRefused: the node refuses it, with a status that is to be told
        """

    def start(self, image: Image, request: ImportRequest, stores: list[str | None], submitter: Submitter) -> Task:
        """Lock the image and queue the import; the image is ``importing`` from now on, unless it is active.

        :raises ImageLocked: another task works on the image
        :raises StateChanged: somebody else was faster
        """


class LegacyImports(Protocol):
    """Begins imports that make their own image."""

    def start(self, wanted: Mapping[str, Any], submitter: Submitter) -> Task:
        """Queue an import.

        :param wanted: ``import_from``, ``import_from_format`` and ``image_properties``
        :raises Invalid: the URL is missing or may not be fetched
        """
