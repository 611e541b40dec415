# SPDX-License-Identifier: Apache-2.0
"""A claim on unfinished work, which ends by itself when its owner dies."""

from __future__ import annotations

import dataclasses
import os
import socket
import uuid
from typing import Any

#: Seconds for which a lease holds after each heartbeat, unless the option [leases] ttl says otherwise.
TTL = 60

UPLOAD = 'upload'
DELETE = 'delete'
REMOVE_COPY = 'remove-copy'
#: The removal of data whose image is deleted already, or its restoration.
SCRUB = 'scrub'
STAGE = 'stage'
#: Imports of all methods, and copies into further stores.
IMPORT = 'import'
#: The addition of a location.
LOCATION = 'location'
#: A task that works on no image yet; its id stands in place of the image's.
TASK = 'task'


@dataclasses.dataclass(slots=True)
class Lease:
    """The right to finish one piece of work on one image.

    :ivar image_id: the image that is worked on
    :ivar operation: what is done, one of the constants of this module; an image has at most one lease of each kind
    :ivar owner: who does it: the id of a worker process, new at each start
    :ivar attempt: a random name for this try, part of the names of temporary objects in stores
    :ivar detail: what is needed to undo or finish the work, e.g. the store that is written to; JSON
    """

    image_id: str
    operation: str
    owner: str
    attempt: str
    detail: dict[str, Any] = dataclasses.field(default_factory=dict)


class Worker:
    """One worker process as the owner of leases.

    The id is made on first use in each process, so that a server may build the application before it forks.
    """

    def __init__(self) -> None:
        self._pid = 0
        self._id = ''

    @property
    def id(self) -> str:
        """The owner of leases taken in this process: host, process id, and a random part that is new at each start."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._id = f'{socket.gethostname()[:64]}:{self._pid}:{uuid.uuid4()}'
        return self._id

    def lease(self, image_id: str, operation: str, **detail: Any) -> Lease:
        """Return a new lease of this worker, not stored yet."""
        return Lease(image_id, operation, owner=self.id, attempt=uuid.uuid4().hex, detail=detail)
