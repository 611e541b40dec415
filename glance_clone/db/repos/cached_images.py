# SPDX-License-Identifier: Apache-2.0
"""What each node has in its image cache, in the tables that all nodes share: the cache driver ``centralized_db``."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from oslo_db import exception as db_exc

from glance_clone.db.engine import Database
from glance_clone.db.engine import repeatable
from glance_clone.db.models.cache import cached_images
from glance_clone.db.models.cache import node_reference
from glance_clone.domain.cache import CacheEntry

_nodes = node_reference.c
_cached = cached_images.c
_EPOCH = datetime.datetime(1970, 1, 1)
#: Made once: it is run with every download that the cache serves.
_TOUCH = (
    sa.update(cached_images)
    .where(_cached.node_reference_id == sa.bindparam('node'), _cached.image_id == sa.bindparam('image'))
    .values(hits=_cached.hits + sa.bindparam('more', type_=sa.Integer()), last_accessed=sa.bindparam('now'))
)
#: Ids that are asked for at once.
_BATCH = 500


class CachedImages:
    """The index of one node; see :class:`glance_clone.domain.cache.CacheIndex`.

    :param url: tells the node from others
    """

    def __init__(self, database: Database, url: str):
        self._database = database
        self._url = url
        self._known_node: tuple[int, int] | None = None

    @repeatable
    def all(self) -> list[CacheEntry]:
        """Return what is known of the entries of this node."""
        columns = (_cached.image_id, _cached.size, _cached.last_accessed, _cached.last_modified, _cached.hits, _cached.id)
        statement = sa.select(*columns).where(_cached.node_reference_id == self._node())
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(statement)]

    def add(self, entry: CacheEntry) -> None:
        """Remember an entry."""
        self._insert(entry, entry.hits)

    @repeatable
    def touch(self, entry: CacheEntry, whole: bool) -> None:
        """Note that an entry was used."""
        use = {'node': self._node(), 'image': entry.image_id, 'more': int(whole), 'now': _time(entry.last_accessed)}
        with self._database.write() as connection:
            is_known = connection.execute(_TOUCH, use).rowcount
        if not is_known:
            self._insert(entry, int(whole))

    @repeatable
    def remove(self, image_ids: Collection[str]) -> None:
        """Forget entries."""
        for batch in batches(image_ids):
            with self._database.write() as connection:
                connection.execute(sa.delete(cached_images).where(*self._mine(batch)))

    @repeatable
    def nodes(self, image_id: str) -> list[str]:
        """Return the URLs of the nodes that have an image."""
        joined = cached_images.join(node_reference, _cached.node_reference_id == _nodes.node_reference_id)
        statement = sa.select(_nodes.node_reference_url).select_from(joined).where(_cached.image_id == image_id)
        with self._database.read() as connection:
            return list(connection.execute(statement.order_by(_nodes.node_reference_url)).scalars())

    @repeatable
    def _insert(self, entry: CacheEntry, hits: int) -> None:
        values = {
            'image_id': entry.image_id,
            'node_reference_id': self._node(),
            'size': entry.size,
            'hits': hits,
            'last_accessed': _time(entry.last_accessed),
            'last_modified': _time(entry.last_modified),
        }
        try:
            with self._database.write() as connection:
                connection.execute(sa.insert(cached_images).values(**values))
        except db_exc.DBDuplicateEntry:
            return

    def _mine(self, image_ids: Collection[str]) -> tuple[Any, ...]:
        return _cached.node_reference_id == self._node(), _cached.image_id.in_(image_ids)

    def _node(self) -> int:
        """Return the number of this node, which is given on first use."""
        if self._known_node is None or self._known_node[0] != os.getpid():
            self._known_node = (os.getpid(), self._find_node() or self._add_node())
        return self._known_node[1]

    def _find_node(self) -> int | None:
        statement = sa.select(_nodes.node_reference_id).where(_nodes.node_reference_url == self._url)
        with self._database.read() as connection:
            number: int | None = connection.execute(statement).scalar()
        return number

    def _add_node(self) -> int:
        try:
            with self._database.write() as connection:
                connection.execute(sa.insert(node_reference).values(node_reference_url=self._url))
        except db_exc.DBDuplicateEntry:
            pass  # Another process of this node was faster.
        number = self._find_node()
        if number is None:
            raise LookupError('the row of this node vanished at once')
        return number


def batches(image_ids: Collection[str]) -> list[list[str]]:
    """Return ids in lists of a size that every database takes in one statement."""
    ids = sorted(image_ids)
    return [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]


def _time(seconds: float) -> datetime.datetime:
    return _EPOCH + datetime.timedelta(seconds=seconds)


def _entry(row: sa.Row[Any]) -> CacheEntry:
    accessed, modified = ((time - _EPOCH).total_seconds() for time in (row.last_accessed, row.last_modified))
    return CacheEntry(row.image_id, row.size, accessed, modified, row.hits, row.id)
