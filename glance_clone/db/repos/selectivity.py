# SPDX-License-Identifier: Apache-2.0
"""About how many images there are for a reason, as far as lists are read in another way if there are few or very many.

It is known from a look that is a minute or a few old: only what a list costs depends on it, never what is in it.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import sqlalchemy as sa

from glance_clone.db import filters
from glance_clone.db.expressions import exactly
from glance_clone.db.expressions import found_by_index
from glance_clone.db.models import image as tables
from glance_clone.domain.query import ImageQuery

#: Images with a tag or property that are few enough to look at all of them.
FEW = 1000
#: Memberships from which on a list is not made by looking at all of them.
MANY = 2000
#: Seconds for which is believed how many images have a tag or property, and how many memberships a project has.
_AGE_OF_COUNTS = 60
_AGE_OF_MEMBERSHIPS = 300
#: Counts of either kind that are remembered.
_MOST = 10_000

_memberships = (
    sa.select(tables.members.c.image_id)
    .where(*filters.alive(tables.members, exactly(tables.members.c.member, filters.PROJECT)))
    .limit(sa.bindparam('most', type_=sa.Integer()))
    .subquery()
)
_COUNT = sa.select(sa.func.count()).select_from(_memberships)


class Selectivity:
    """Looks, and remembers; may be shared by threads."""

    def __init__(self) -> None:
        self._memberships = _Memory(_AGE_OF_MEMBERSHIPS)
        self._counts = _Memory(_AGE_OF_COUNTS)

    def is_frequent(self, connection: sa.Connection, project: str) -> bool:
        """Tell whether a project is a member of at least :data:`MANY` images; one statement if that is not known."""
        known = self._memberships.recall(project)
        if known is None:
            known = int(connection.execute(_COUNT, {'project': project, 'most': MANY}).scalar_one())
            self._memberships.keep(project, known)
        return known >= MANY

    def rarest(self, connection: sa.Connection, query: ImageQuery) -> int | None:
        """Return the number of the asked tag or property that fewest images have, None if all of them are common.

        They are numbered as in :meth:`Shape.on_children`. One statement if it is not known of all of them.
        """
        asked = [*query.tags, *query.properties.items()]
        if not asked:
            return None
        counts: list[int] = [known for each in asked if (known := self._counts.recall(each)) is not None]
        if len(counts) < len(asked):
            in_order = connection.dialect.name == 'postgresql'
            statement = _count_each(filters.Shape.of(query), in_order)
            counts = list(connection.execute(statement, filters.parameters(query)).one())
            for each, count in zip(asked, counts, strict=True):
                self._counts.keep(each, count)
        least = min(range(len(asked)), key=counts.__getitem__)
        return least if counts[least] <= FEW else None


@functools.lru_cache(maxsize=64)
def _count_each(shape: filters.Shape, in_order: bool) -> sa.Select[Any]:
    """Return the statement that counts, up to a limit, how many images have each tag and property.

    :param in_order: count along an index that is in order; PostgreSQL would read all of it before it begins to count
    """
    found = []
    for table, conditions in shape.on_children():
        in_index = [found_by_index(condition) for condition in conditions]
        rows = sa.select(table.c.image_id).where(*filters.alive(table, *in_index)).limit(FEW + 1)
        found.append((rows.order_by(table.c.image_id) if in_order else rows).subquery())
    return sa.select(*(sa.select(sa.func.count()).select_from(rows).scalar_subquery() for rows in found))


class _Memory:
    """Numbers that are known for some time.

    :param age: seconds
    """

    def __init__(self, age: int):
        self._age = age
        self._known: dict[int, tuple[float, int]] = {}

    def recall(self, key: object) -> int | None:
        """Return a number, None if it is not known any more."""
        until, number = self._known.get(hash(key), (0.0, 0))
        return number if time.monotonic() < until else None

    def keep(self, key: object, number: int) -> None:
        """Remember a number. Texts can be long: what they hash to stands for them, and two may be taken for one."""
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[hash(key)] = time.monotonic() + self._age, number
