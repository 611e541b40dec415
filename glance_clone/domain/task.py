# SPDX-License-Identifier: Apache-2.0
"""A task: work that goes on after its request was answered, and what became of it."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from typing import Any

from glance_clone.domain import errors

PENDING = 'pending'
PROCESSING = 'processing'
SUCCESS = 'success'
FAILURE = 'failure'
STATUSES = (PENDING, PROCESSING, SUCCESS, FAILURE)
#: Characters of an id.
ID_LENGTH = 36
#: States that no task leaves.
TERMINAL = frozenset((SUCCESS, FAILURE))

TRANSITIONS: dict[str, frozenset[str]] = {
    PENDING: frozenset((PROCESSING, FAILURE)),
    PROCESSING: frozenset((SUCCESS, FAILURE)),
    SUCCESS: frozenset(),
    FAILURE: frozenset(),
}

#: Imports of the images API.
IMAGE_IMPORT = 'api_image_import'
#: Locations that were added to an image.
LOCATION_IMPORT = 'location_import'
#: Imports that make their own image, asked for through the tasks API.
LEGACY_IMPORT = 'import'
TYPES = (LEGACY_IMPORT, IMAGE_IMPORT, LOCATION_IMPORT)


@dataclasses.dataclass(slots=True)
class Task:
    """One task.

    :ivar owner: project that asked for it, '' where the caller had none
    :ivar input: what was asked for, a JSON object without secrets
    :ivar result: what came of it, a JSON object; None until it succeeded
    :ivar message: progress, or why it failed
    :ivar image_id: the image that it works on, None while there is none
    :ivar expires_at: when it may be forgotten; set when it ends. UTC without time zone, as all times
    """

    type: str
    owner: str
    input: dict[str, Any] | None = None
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    status: str = PENDING
    result: dict[str, Any] | None = None
    message: str = ''
    image_id: str | None = None
    request_id: str | None = None
    user_id: str | None = None
    expires_at: datetime.datetime | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    def move_to(self, status: str) -> None:
        """Change the status.

        :raises Conflict: the status machine has no such move
        """
        if status not in TRANSITIONS[self.status]:
            raise errors.Conflict(f'Task {self.id} is {self.status} and cannot become {status}.')
        self.status = status


@dataclasses.dataclass(slots=True)
class TaskQuery:
    """One page of a list of tasks.

    :ivar filters: attribute name to value, all must be equal
    :ivar sort: (attribute, ``asc`` or ``desc``)
    :ivar marker: id of the last task of the page before, None for the first page
    """

    filters: dict[str, Any] = dataclasses.field(default_factory=dict)
    sort: tuple[str, str] = ('created_at', 'desc')
    marker: str | None = None
    limit: int = 25
