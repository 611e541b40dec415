# SPDX-License-Identifier: Apache-2.0
"""Which projects very many images are shared with, because lists are read in another way for these.

It is known from a look that is a few minutes old: only what a list costs depends on it, never what is in it.
"""

from __future__ import annotations

import time

import sqlalchemy as sa

from glance_clone.db import filters
from glance_clone.db.expressions import exactly
from glance_clone.db.models import image as tables

#: Memberships from which on a list is not made by looking at all of them.
MANY = 2000
#: Seconds for which a look is good, and projects of which one is remembered.
_AGE = 300
_PROJECTS = 10_000

_found = (
    sa.select(tables.members.c.image_id)
    .where(*filters.alive(tables.members, exactly(tables.members.c.member, filters.PROJECT)))
    .limit(MANY)
    .subquery()
)
_COUNT = sa.select(sa.func.count()).select_from(_found)


class FrequentMembers:
    """Remembers which projects have many memberships; may be shared by threads."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, bool]] = {}

    def include(self, connection: sa.Connection, project: str) -> bool:
        """Tell whether a project is a member of at least :data:`MANY` images; one statement if that is not known."""
        now = time.monotonic()
        until, is_one = self._known.get(project, (0.0, False))
        if until < now:
            is_one = connection.execute(_COUNT, {'project': project}).scalar_one() >= MANY
            if len(self._known) >= _PROJECTS:
                self._known.clear()
            self._known[project] = now + _AGE, is_one
        return is_one
