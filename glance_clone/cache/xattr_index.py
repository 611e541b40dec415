# SPDX-License-Identifier: Apache-2.0
"""The index of one node in the files themselves: the driver ``xattr``, for file systems with extended attributes.

Hits are the attribute ``user.hits``; the last use is the access time, which is set by hand, so that mount options like
``noatime`` do no harm.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection

from glance_clone.cache.directory import COMPLETE
from glance_clone.cache.directory import CacheDirectory
from glance_clone.domain import errors
from glance_clone.domain.cache import CacheEntry

_HITS = 'user.hits'
_SECOND = 10**9


class XattrIndex:
    """See :class:`glance_clone.domain.cache.CacheIndex`."""

    def __init__(self, directory: CacheDirectory):
        self._directory = directory

    def require_attributes(self) -> None:
        """Try whether the file system has extended attributes.

        :raises OSError: it has not
        """
        probe = os.path.join(self._directory.path, '.xattr')
        descriptor = os.open(probe, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.setxattr(descriptor, _HITS, b'0')
        finally:
            os.close(descriptor)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(probe)

    def all(self) -> list[CacheEntry]:
        """Return what the files tell."""
        entries = []
        for image_id, state in self._directory.files(COMPLETE).items():
            with contextlib.suppress(FileNotFoundError):
                hits = self._hits(self._directory.path_of(COMPLETE, image_id))
                entries.append(CacheEntry(image_id, state.st_size, state.st_atime, state.st_mtime, hits))
        return entries

    def add(self, entry: CacheEntry) -> None:
        """Do nothing: a file that is there is known."""

    def touch(self, entry: CacheEntry, whole: bool) -> None:
        """Note that an entry was used. Two uses at the very same time may count as one."""
        path = self._directory.path_of(COMPLETE, entry.image_id)
        with contextlib.suppress(FileNotFoundError):
            state = os.stat(path)
            os.utime(path, ns=(int(entry.last_accessed * _SECOND), state.st_mtime_ns))
            if whole:
                os.setxattr(path, _HITS, b'%d' % (self._hits(path) + 1))

    def remove(self, image_ids: Collection[str]) -> None:
        """Do nothing: what is known of a file goes with it."""

    def nodes(self, image_id: str) -> list[str]:
        """Refuse: files know only their own node."""
        raise errors.Conflict('Only image_cache_driver = centralized_db knows the caches of other nodes.')

    @staticmethod
    def _hits(path: str) -> int:
        try:
            return int(os.getxattr(path, _HITS))
        except FileNotFoundError:
            raise
        except (OSError, ValueError):
            return 0
