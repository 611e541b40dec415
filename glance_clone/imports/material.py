# SPDX-License-Identifier: Apache-2.0
"""The data of an import on its way into stores; see :class:`glance_clone.domain.importing.Material`."""

from __future__ import annotations

from collections.abc import Iterator

from glance_clone.domain import errors
from glance_clone.domain.importing import Opened
from glance_clone.imports.work import Work


class StagedMaterial:
    """Staged data.

    :param share: whether the staged file itself may become the object of a store
    """

    def __init__(self, work: Work, share: bool = False):
        staged = work.data
        self.size = staged.size
        self.checksum = staged.checksum
        self.os_hash_algo = staged.os_hash_algo
        self.os_hash_value = staged.os_hash_value
        self.path = staged.path
        self.share = share
        self._work = work

    def open(self) -> Opened:
        """Open the staged file."""
        return _Watched(self._work.open(), self._work)


class StoredMaterial:
    """The data of an active image, read from one of its stores.

    Its hashes are those of the image, so that a damaged copy is not copied on.
    """

    path = ''
    share = False

    def __init__(self, work: Work):
        image = work.image
        if image.size is None:
            raise errors.Conflict(f'Image {image.id} has no size, so that its data cannot be copied.')
        self.size = image.size
        self.checksum = image.checksum
        self.os_hash_algo = image.os_hash_algo
        self.os_hash_value = image.os_hash_value
        self._work = work

    def open(self) -> Opened:
        """Open the copy in the default store, or else the one that is read first."""
        tools = self._work.tools
        prefer = [tools.default_store] if tools.default_store else []
        return _Watched(tools.data.read(self._work.image, prefer=prefer), self._work)


class _Watched:
    """Opened data whose reader tells the work how far it is."""

    def __init__(self, opened: Opened, work: Work):
        self.size = opened.size
        self._opened = opened
        self._work = work

    @property
    def fileobj(self) -> object:
        """The file that it is read from now, None if there is none; see :class:`FileBlobReader`."""
        return getattr(self._opened, 'fileobj', None)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the data."""
        done = 0
        for block in self._opened:
            done += len(block)
            self._work.advance(done, self.size)
            yield block

    def close(self) -> None:
        """Give back what was lent."""
        self._opened.close()
