# SPDX-License-Identifier: Apache-2.0
"""The image cache between callers and stores.

It stands behind the door: whoever gets here may download, whether the bytes come from the cache or not (P9).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.domain.store_ports import BlobReader
from glance_clone.layers.base import ImageDataLayer
from glance_clone.layers.base import ImageRepositoryLayer


class CachedData(ImageDataLayer):
    """Reads data from the cache, where the pipeline of requests asks for one."""

    def read(self, image: Image, offset: int = 0, length: int | None = None, prefer: Sequence[str] = ()) -> BlobReader:
        """Open the data in the cache, or in a store."""
        cache = self._parts.cache
        if cache is None or not cache.serves:
            return super().read(image, offset, length, prefer)
        return cache.open(image, functools.partial(super().read, image, prefer=prefer), offset, length)


class Eviction(ImageRepositoryLayer):
    """Lets a deleted image leave the cache of this node; others notice by themselves."""

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Remove the image, then its cached copy."""
        super().remove(image, drop)
        if self._parts.cache is not None:
            self._parts.cache.forget(image.id)
