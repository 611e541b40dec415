# SPDX-License-Identifier: Apache-2.0
"""Moves the index of a node from its SQLite file to the database that all nodes share.

It can be interrupted and done again; processes of one node do it one after the other.
"""

from __future__ import annotations

from oslo_log import log as logging

from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.sqlite_index import SqliteIndex
from glance_clone.domain.cache import CacheIndex

LOG = logging.getLogger(__name__)


def adopt(directory: CacheDirectory, old: SqliteIndex, new: CacheIndex) -> None:
    """Move every row; the old file stays, empty.

    :raises Unavailable: one of the two cannot be used now
    """
    if not old.exists:
        return
    with directory.locked():
        entries = old.all()
        for entry in entries:
            new.add(entry)
        old.remove([entry.image_id for entry in entries])
    if entries:
        LOG.info('The index of the image cache, %d entries in %s, was moved to the database.', len(entries), old.path)
