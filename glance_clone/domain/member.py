# SPDX-License-Identifier: Apache-2.0
"""The projects with which an image is shared."""

from __future__ import annotations

import dataclasses
import datetime

PENDING = 'pending'
ACCEPTED = 'accepted'
REJECTED = 'rejected'
STATUSES = (PENDING, ACCEPTED, REJECTED)


@dataclasses.dataclass(slots=True)
class Member:
    """A project that may see a shared image.

    :ivar member_id: the project
    :ivar status: what the project says to the offer; only accepted images appear in its default lists
    """

    image_id: str
    member_id: str
    status: str = PENDING
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
