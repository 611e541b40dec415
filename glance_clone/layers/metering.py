# SPDX-License-Identifier: Apache-2.0
"""Counts the transfers that are under way."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from glance_clone.domain import metering
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Staged
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.store_ports import BlobReader
from glance_clone.layers.base import ImageDataLayer


class Metering(ImageDataLayer):
    """Tells the meter when transfers begin and end."""

    def write(self, image: Image, incoming: Incoming) -> None:
        """Count an upload."""
        end = self._parts.meter.begin(metering.UPLOAD)
        try:
            super().write(image, incoming)
        finally:
            end()

    def stage(self, image: Image, incoming: Incoming) -> Staged:
        """Count data that is staged."""
        end = self._parts.meter.begin(metering.STAGE)
        try:
            return super().stage(image, incoming)
        finally:
            end()

    def read(self, image: Image, offset: int = 0, length: int | None = None, prefer: Sequence[str] = ()) -> BlobReader:
        """Count a download. It ends when the server lets go of what it sends, in whatever way it sends it."""
        reader = super().read(image, offset, length, prefer)
        end = self._parts.meter.begin(metering.DOWNLOAD)
        weakref.finalize(getattr(reader, 'fileobj', None) or reader, end).atexit = False
        return reader
