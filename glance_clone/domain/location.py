# SPDX-License-Identifier: Apache-2.0
"""Where one copy of an image's data lies."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from glance_clone.domain import errors

ACTIVE = 'active'
PENDING_DELETE = 'pending_delete'

#: The url of a location whose record cannot be unsealed; it is never written, and no store has such locations.
UNREADABLE = 'sealed:unreadable'

#: Schemes of data that others keep on web servers.
WEB_SCHEMES = frozenset(('http', 'https'))
#: Schemes of the service's own disks, and of passwords in its configuration: no user names these (P4).
_PRIVATE_SCHEMES = frozenset(('file', 'filesystem', 'swift+config'))
_URL = re.compile(r'([a-z][a-z0-9+.-]*)://[!-\[\]-~]+', re.ASCII)


@dataclasses.dataclass(slots=True)
class Location:
    """One copy of the data.

    :ivar url: address in the words of the store driver, e.g. ``file:///var/lib/glance/images/<id>``; a secret
    :ivar metadata: what the driver wants kept; ``store`` holds the id of the store where several are enabled
    :ivar status: ``active``, ``pending_delete`` or ``deleted``
    :ivar id: row number in the database, None until stored
    :ivar expected: hashes that a user named with the location: ``checksum``, ``os_hash_algo``, ``os_hash_value``; not stored
    """

    url: str
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    status: str = ACTIVE
    id: int | None = None
    expected: dict[str, str] | None = dataclasses.field(default=None, compare=False)

    @property
    def store(self) -> str | None:
        """Id of the store that holds the copy; None in a service with the one classic store."""
        store = self.metadata.get('store')
        return store if isinstance(store, str) else None

    def require_readable(self) -> None:
        """Check that it is known where the copy lies, before it is forgotten.

        :raises StoreUnavailable: its record cannot be unsealed
        """
        if self.url == UNREADABLE:
            raise errors.StoreUnavailable('Where the data lies cannot be read from its record now; an operator must look.')


def scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case, '' if it has none."""
    return url.partition('://')[0].lower()


def named_by_user(url: str) -> str:
    """Return a URL that a user may name as a location, with its scheme in lower case (P4).

    :raises Invalid: it is none, it names the service's own disks or passwords, or it has a user name in it
    """
    scheme, separator, rest = url.partition('://')
    url = scheme.lower() + separator + rest
    match = _URL.fullmatch(url)
    if match is None:
        raise errors.Invalid('A location is a URL such as https://images.example.org/disk.raw, without blanks in it.')
    if match[1] in _PRIVATE_SCHEMES:
        raise errors.Invalid(f'Locations with the scheme {match[1]} are for the service itself; upload or import the data.')
    if '@' in re.split('[/?#]', rest, maxsplit=1)[0]:
        raise errors.Invalid('The URL of a location must not have a user name or password in it.')
    return url


@dataclasses.dataclass(frozen=True, slots=True)
class StoredObject:
    """Something that a store holds, as its own listing tells.

    :ivar name: in the words of the store
    :ivar blob_id: the image whose data it is, or was to be
    :ivar size: bytes that it takes
    :ivar age: seconds since it was written last, by the clock of the store
    :ivar temporary: it cannot be read as an image: data on its way or left behind, or one part of several
    """

    name: str
    blob_id: str
    size: int
    age: float
    temporary: bool
