# SPDX-License-Identifier: Apache-2.0
"""Where one copy of an image's data lies."""

from __future__ import annotations

import dataclasses
from typing import Any

ACTIVE = 'active'
PENDING_DELETE = 'pending_delete'


@dataclasses.dataclass(slots=True)
class Location:
    """One copy of the data.

    :ivar url: address in the words of the store driver, e.g. ``file:///var/lib/glance/images/<id>``; a secret
    :ivar metadata: what the driver wants kept; ``store`` holds the id of the store where several are enabled
    :ivar status: ``active``, ``pending_delete`` or ``deleted``
    :ivar id: row number in the database, None until stored
    """

    url: str
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    status: str = ACTIVE
    id: int | None = None

    @property
    def store(self) -> str | None:
        """Id of the store that holds the copy; None in a service with the one classic store."""
        return self.metadata.get('store')
