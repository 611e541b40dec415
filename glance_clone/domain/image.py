# SPDX-License-Identifier: Apache-2.0
"""The image: its attributes, its status machine, who may see it."""

from __future__ import annotations

import dataclasses
import datetime

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.spelling import folded

QUEUED = 'queued'
SAVING = 'saving'
UPLOADING = 'uploading'
IMPORTING = 'importing'
ACTIVE = 'active'
DEACTIVATED = 'deactivated'
PENDING_DELETE = 'pending_delete'
DELETED = 'deleted'
KILLED = 'killed'

#: Which status may follow which. What is not listed is refused.
TRANSITIONS: dict[str, frozenset[str]] = {
    QUEUED: frozenset((SAVING, UPLOADING, IMPORTING, ACTIVE, PENDING_DELETE, DELETED)),
    SAVING: frozenset((ACTIVE, QUEUED, KILLED, PENDING_DELETE, DELETED)),
    UPLOADING: frozenset((IMPORTING, QUEUED, PENDING_DELETE, DELETED)),
    IMPORTING: frozenset((ACTIVE, QUEUED, PENDING_DELETE, DELETED)),
    ACTIVE: frozenset((DEACTIVATED, PENDING_DELETE, DELETED)),
    DEACTIVATED: frozenset((ACTIVE, PENDING_DELETE, DELETED)),
    PENDING_DELETE: frozenset((DELETED, ACTIVE)),
    KILLED: frozenset((PENDING_DELETE, DELETED)),
    DELETED: frozenset(),
}

#: States in which data is on its way; each has an owner with a lease.
TRANSIENT = frozenset((SAVING, UPLOADING, IMPORTING))

PUBLIC = 'public'
COMMUNITY = 'community'
SHARED = 'shared'
PRIVATE = 'private'
VISIBILITIES = (COMMUNITY, PUBLIC, PRIVATE, SHARED)

#: Custom property names that begin so belong to the service; users can neither set nor remove them.
RESERVED_PREFIX = 'os_glance'

#: Tells users why the last upload failed; gone with the next one.
UPLOAD_ERROR = 'os_glance_upload_error'
#: Characters of a recorded reason that are kept.
MAX_REASON = 255

#: Attributes whose values only the service decides.
DATA_ATTRIBUTES = ('size', 'virtual_size', 'checksum', 'os_hash_algo', 'os_hash_value')


def is_reserved(name: str) -> bool:
    """Tell whether a custom property belongs to the service, in whatever spelling of its name (D-11)."""
    return folded(name).startswith(RESERVED_PREFIX)


@dataclasses.dataclass(slots=True)
class Image:
    """An image record; a plain object that knows neither database nor stores.

    :ivar size: bytes, None until the data is there
    :ivar virtual_size: bytes of the disk inside, None where unknown
    :ivar min_disk: GiB
    :ivar min_ram: MiB
    :ivar checksum: MD5 of the data, hexadecimal
    :ivar created_at: UTC without time zone
    :ivar properties: custom properties by name; a value is None only in rows written by other software
    :ivar locations: copies of the data in the order in which they were added
    :ivar member_id: the project on whose behalf the image was read, if the image is shared with it
    :ivar row_version: what the row looked like when it was read; opaque to all but the repository
    """

    id: str
    name: str | None = None
    status: str = QUEUED
    visibility: str = SHARED
    owner: str | None = None
    protected: bool = False
    os_hidden: bool = False
    disk_format: str | None = None
    container_format: str | None = None
    min_disk: int = 0
    min_ram: int = 0
    size: int | None = None
    virtual_size: int | None = None
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    tags: set[str] = dataclasses.field(default_factory=set)
    properties: dict[str, str | None] = dataclasses.field(default_factory=dict)
    locations: list[Location] = dataclasses.field(default_factory=list)
    member_id: str | None = None
    row_version: object = None

    def move_to(self, status: str) -> None:
        """Change the status; entering ``queued`` forgets everything that described the data.

        :raises IllegalTransition: if the status machine has no such move
        :raises FormatNotSet: if data is about to come and a format is missing
        """
        if status not in TRANSITIONS[self.status]:
            raise errors.IllegalTransition(self.id, self.status, status)
        if status in (SAVING, IMPORTING, ACTIVE) and self.status in (QUEUED, UPLOADING):
            self._require_formats()
        if status == QUEUED:
            self.forget_data()
        self.status = status

    def forget_data(self) -> None:
        """Drop sizes, hashes and locations: there is no data (any more)."""
        self.size = self.virtual_size = None
        self.checksum = self.os_hash_algo = self.os_hash_value = None
        self.locations = []

    def _require_formats(self) -> None:
        missing = [name for name in ('disk_format', 'container_format') if not getattr(self, name)]
        if missing:
            names = ' and '.join(missing)
            raise errors.FormatNotSet(f'Image {self.id} cannot take data without {names}; set that and send the data again.')
