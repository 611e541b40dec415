# SPDX-License-Identifier: Apache-2.0
"""Layers that pass everything on; a real layer overrides what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Unpack

from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Material
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.lease import Lease
from glance_clone.domain.location import Location
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.ports import SaveTerms
from glance_clone.domain.query import ImageQuery
from glance_clone.domain.quota import NO_LIMITS
from glance_clone.domain.quota import Limits
from glance_clone.domain.store_ports import BlobReader

if TYPE_CHECKING:
    from glance_clone.layers import Parts


class ImageRepositoryLayer:
    """An image repository around another one."""

    def __init__(self, inner: ImageRepository, parts: Parts):
        self._inner = inner
        self._parts = parts

    def get(self, image_id: str, caller: Caller) -> Image:
        """See :meth:`ImageRepository.get`."""
        return self._inner.get(image_id, caller)

    def list(self, query: ImageQuery, caller: Caller) -> list[Image]:
        """See :meth:`ImageRepository.list`."""
        return self._inner.list(query, caller)

    def add(self, image: Image, id_is_new: bool = False, limits: Limits = NO_LIMITS) -> None:
        """See :meth:`ImageRepository.add`."""
        self._inner.add(image, id_is_new, limits)

    def save(self, image: Image, **terms: Unpack[SaveTerms]) -> None:
        """See :meth:`ImageRepository.save`."""
        self._inner.save(image, **terms)

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """See :meth:`ImageRepository.remove`."""
        self._inner.remove(image, drop)


class ImageDataLayer:
    """A byte path around another one."""

    def __init__(self, inner: ImageData, parts: Parts):
        self._inner = inner
        self._parts = parts

    def write(self, image: Image, incoming: Incoming) -> None:
        """See :meth:`ImageData.write`."""
        self._inner.write(image, incoming)

    def stage(self, image: Image, incoming: Incoming) -> Staged:
        """See :meth:`ImageData.stage`."""
        return self._inner.stage(image, incoming)

    def inspect(self, image: Image, material: Material, submitter: Submitter | None = None) -> int | None:
        """See :meth:`ImageData.inspect`."""
        return self._inner.inspect(image, material, submitter)

    def add_copy(
        self, image: Image, material: Material, store_id: str | None, attempt: str, submitter: Submitter | None = None
    ) -> Location:
        """See :meth:`ImageData.add_copy`."""
        return self._inner.add_copy(image, material, store_id, attempt, submitter)

    def take_back(self, image: Image, location: Location) -> None:
        """See :meth:`ImageData.take_back`."""
        self._inner.take_back(image, location)

    def read(self, image: Image, offset: int = 0, length: int | None = None, prefer: Sequence[str] = ()) -> BlobReader:
        """See :meth:`ImageData.read`."""
        return self._inner.read(image, offset, length, prefer)

    def remove(self, image: Image) -> None:
        """See :meth:`ImageData.remove`."""
        self._inner.remove(image)

    def remove_copy(self, image: Image, location: Location) -> None:
        """See :meth:`ImageData.remove_copy`."""
        self._inner.remove_copy(image, location)
