# SPDX-License-Identifier: Apache-2.0
"""Images tell which stores hold their data, also those whose records are older than the names of the stores (W-12)."""

from __future__ import annotations

from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.layers.base import ImageRepositoryLayer


class Attribution(ImageRepositoryLayer):
    """Completes locations as single images are read; reading changes no record and no time."""

    def get(self, image_id: str, caller: Caller) -> Image:
        """Return the image with its locations attributed to stores."""
        image = super().get(image_id, caller)
        if image.locations:
            self._parts.stores.attribute(image.locations)
        return image
