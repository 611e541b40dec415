# SPDX-License-Identifier: Apache-2.0
"""What an import is asked for, who asks, and the data that waits for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import Protocol

from glance_clone.domain.store_ports import ByteSource

GLANCE_DIRECT = 'glance-direct'
WEB_DOWNLOAD = 'web-download'
COPY_IMAGE = 'copy-image'
GLANCE_DOWNLOAD = 'glance-download'
METHODS = (GLANCE_DIRECT, WEB_DOWNLOAD, COPY_IMAGE, GLANCE_DOWNLOAD)
#: Methods whose data comes from another server.
DOWNLOADS = (WEB_DOWNLOAD, GLANCE_DOWNLOAD)

#: The import lock: the property whose value is the id of the task that may change the image.
LOCK = 'os_glance_import_task'
#: Stores that the import still has to write to, joined by commas.
IMPORTING_TO = 'os_glance_importing_to_stores'
#: Stores that the last imports could not write to, joined by commas.
FAILED = 'os_glance_failed_import'
#: How much of its way the data has gone: percent, 0 to 100; only while an import runs.
PROGRESS = 'os_glance_import_progress'
#: Why the last import, or some of its copies, failed.
ERROR = 'os_glance_import_error'
#: URL of the node whose staging directory holds the data; no client sees it.
STAGE_HOST = 'os_glance_stage_host'

#: No ``stores`` in a request, which is not the same as ``null``.
UNNAMED: Any = object()


@dataclasses.dataclass(frozen=True, slots=True)
class ImportRequest:
    """The body of ``POST /v2/images/{id}/import``, parsed and checked.

    :ivar method: one of :data:`METHODS`
    :ivar options: the other members of ``method``: ``uri``, ``glance_region``, ...
    :ivar stores: what the body has as ``stores``; :data:`UNNAMED` where it has none
    :ivar all_stores: every store is meant
    :ivar must_succeed: one failing store fails the whole import
    :ivar expected: hashes that the data must have: algorithm as hashlib names it to hexadecimal digest (D-15)
    :ivar document: the whole body, for the task
    """

    method: str
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    stores: Any = UNNAMED
    all_stores: bool = False
    must_succeed: bool = True
    expected: Mapping[str, str] = dataclasses.field(default_factory=dict)
    document: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Submitter:
    """Who asked for a task, as the task needs to know after the request has ended.

    :ivar roles: lower case
    :ivar token: of the user, for other services; kept in memory only
    :ivar catalog: the service catalog of the token, as Keystone writes it
    """

    project_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    roles: frozenset[str] = frozenset()
    is_admin: bool = False
    token: str | None = dataclasses.field(default=None, repr=False)
    catalog: tuple[Mapping[str, Any], ...] = ()


@dataclasses.dataclass(slots=True)
class Staged:
    """Data that is complete in the staging directory of this node.

    :ivar name: of the file there
    :ivar attempt: the try that wrote it
    :ivar size: bytes
    :ivar checksum: MD5, hexadecimal; None where the data was staged by other software
    :ivar os_hash_algo: name of the other hash; None as above
    :ivar os_hash_value: hexadecimal; None as above
    :ivar path: absolute path of the file, for tools that need one
    """

    image_id: str
    name: str
    attempt: str
    size: int
    checksum: str | None = None
    os_hash_algo: str | None = None
    os_hash_value: str | None = None
    path: str = ''


class Opened(Protocol):
    """Data that is being read: block by block, once."""

    size: int

    def __iter__(self) -> Iterator[bytes]:
        """Yield the data."""

    def close(self) -> None:
        """Give back what was lent."""


class RemoteData(ByteSource, Protocol):
    """A download that has begun; ``read`` raises ``RemoteError`` or ``LimitExceeded`` where it cannot go on."""

    #: Bytes that the other side announced, None if it did not; as many must come.
    size: int | None
    #: Hashes that the data must have: algorithm as hashlib names it to hexadecimal digest.
    expected: Mapping[str, str]

    def close(self) -> None:
        """End the connection, also before the end of the data."""


class Material(Protocol):
    """Data that is all there, on its way into a store; it may be read more than once.

    :ivar path: absolute path of the file that holds it, '' where there is none on this node
    :ivar share: whether that file may become the object of a store, see :meth:`AdoptingStore.adopt`
    """

    size: int
    checksum: str | None
    os_hash_algo: str | None
    os_hash_value: str | None
    path: str
    share: bool

    def open(self) -> Opened:
        """Open it from its begin."""
