# SPDX-License-Identifier: Apache-2.0
"""The index of one node in an SQLite file in its cache directory: the driver ``sqlite``."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection
from collections.abc import Iterator

from glance_clone.domain import errors
from glance_clone.domain.cache import CacheEntry

#: Seconds to wait for other processes.
_TIMEOUT = 2
_TABLE = """
CREATE TABLE IF NOT EXISTS cached_images (
    image_id TEXT PRIMARY KEY,
    last_accessed REAL DEFAULT 0.0,
    last_modified REAL DEFAULT 0.0,
    size INTEGER DEFAULT 0,
    hits INTEGER DEFAULT 0,
    checksum TEXT NULL
)
"""
_SELECT = 'SELECT image_id, size, last_accessed, last_modified, hits FROM cached_images'
_INSERT = 'INSERT INTO cached_images (image_id, size, last_accessed, last_modified, hits) VALUES (?, ?, ?, ?, ?)'


class SqliteIndex:
    """See :class:`glance_clone.domain.cache.CacheIndex`.

    :param path: the file; it is created on first use
    """

    def __init__(self, path: str):
        self.path = path

    @property
    def exists(self) -> bool:
        """Tell whether there is a file."""
        return os.path.exists(self.path)

    def all(self) -> list[CacheEntry]:
        """Return what is known."""
        with self._transaction() as connection:
            return [CacheEntry(*row) for row in connection.execute(_SELECT)]

    def add(self, entry: CacheEntry) -> None:
        """Remember an entry."""
        self._insert(entry, entry.hits, 'ON CONFLICT DO NOTHING')

    def touch(self, entry: CacheEntry, whole: bool) -> None:
        """Note that an entry was used."""
        again = 'ON CONFLICT DO UPDATE SET hits = hits + excluded.hits, last_accessed = excluded.last_accessed'
        self._insert(entry, int(whole), again)

    def remove(self, image_ids: Collection[str]) -> None:
        """Forget entries."""
        with self._transaction() as connection:
            connection.executemany('DELETE FROM cached_images WHERE image_id = ?', [(image_id,) for image_id in image_ids])

    def nodes(self, image_id: str) -> list[str]:
        """Refuse: the file knows only its own node."""
        raise errors.Conflict('Only image_cache_driver = centralized_db knows the caches of other nodes.')

    def _insert(self, entry: CacheEntry, hits: int, else_: str) -> None:
        values = (entry.image_id, entry.size, entry.last_accessed, entry.last_modified, hits)
        with self._transaction() as connection:
            connection.execute(f'{_INSERT} {else_}', values)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection in a transaction.

        :raises Unavailable: the file is locked for too long, or cannot be used
        """
        try:
            connection = sqlite3.connect(self.path, timeout=_TIMEOUT, isolation_level=None)
            try:
                connection.execute('BEGIN IMMEDIATE')
                connection.execute(_TABLE)
                yield connection
                connection.execute('COMMIT')
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise errors.Unavailable(f'The index of the image cache cannot be used: {error}') from error
