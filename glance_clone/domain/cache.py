# SPDX-License-Identifier: Apache-2.0
"""The image cache of one API node: its entries, and the contracts around it (data of images is never changed in place)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Collection
from typing import Protocol

from glance_clone.domain.image import Image
from glance_clone.domain.store_ports import BlobReader

#: Opens the data of an image in its stores: ``fetch(offset, length)``, as :meth:`ImageData.read` does.
Fetch = Callable[[int, int | None], BlobReader]


@dataclasses.dataclass(slots=True)
class CacheEntry:
    """One image whose whole data is in the cache of this node.

    :ivar size: bytes
    :ivar hits: downloads of the whole image that the cache served
    :ivar last_accessed: seconds since 1970
    :ivar last_modified: when the data came into the cache, seconds since 1970
    :ivar number: row number, where the index is a table that all nodes share; else None
    """

    image_id: str
    size: int
    last_accessed: float
    last_modified: float
    hits: int = 0
    number: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed to make room."""

    files: int
    size: int


class CacheIndex(Protocol):
    """Remembers how often and when each entry was used. The files tell what is cached; the index may be behind them."""

    def all(self) -> list[CacheEntry]:
        """Return what is known of the entries of this node."""

    def add(self, entry: CacheEntry) -> None:
        """Remember an entry; one that is known stays as it is."""

    def touch(self, entry: CacheEntry, whole: bool) -> None:
        """Note that an entry was used at its ``last_accessed``; remember it if it is unknown.

        :param whole: the whole image was read, so that it counts as a hit
        """

    def remove(self, image_ids: Collection[str]) -> None:
        """Forget entries."""

    def nodes(self, image_id: str) -> list[str]:
        """Return the URLs of all nodes that have the image in their cache.

        :raises Conflict: this index knows only its own node
        """


class ImageCache(Protocol):
    """Keeps data of images on a disk of this node.

    :ivar serves: downloads are answered from the cache and fill it; else it is filled by its queue alone
    """

    serves: bool

    def open(self, image: Image, fetch: Fetch, offset: int = 0, length: int | None = None) -> BlobReader:
        """Open the data of an active image: in the cache if it is there, else by ``fetch``, filling the cache meanwhile."""

    def entries(self) -> list[CacheEntry]:
        """Return the entries of this node, files and index reconciled."""

    def queued(self) -> list[str]:
        """Return the ids of the images that wait to be cached, the one that waits longest first."""

    def holds(self, image_id: str) -> bool:
        """Tell whether an image is cached or queued."""

    def enqueue(self, image_id: str) -> bool:
        """Note that an image is to be cached; False if it is cached or queued already.

        :raises LimitExceeded: too many are queued
        """

    def dequeue(self, image_id: str) -> bool:
        """Take an image out of the queue; False if it was not in it."""

    def evict(self, image_id: str) -> bool:
        """Remove an entry; False if there was none. Readers that have begun read on."""

    def forget(self, image_id: str) -> None:
        """Remove whatever is here of a deleted image; what cannot be removed now goes later."""

    def work_off_queue(self) -> None:
        """Let the background work of this process cache what is queued, soon."""

    def nodes(self, image_id: str) -> list[str]:
        """See :meth:`CacheIndex.nodes`."""

    def prune(self) -> Pruned:
        """Remove the entries whose last use is longest ago, until the rest is within the configured size."""

    def clean(self) -> int:
        """Remove what failed fills left; return how many files."""


class ImageCensus(Protocol):
    """Tells which images there are."""

    def existing(self, image_ids: Collection[str]) -> set[str]:
        """Return those of the ids that belong to images which are not deleted."""
