# SPDX-License-Identifier: Apache-2.0
"""Protected images are not deleted, by nobody."""

from __future__ import annotations

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.layers.base import ImageRepositoryLayer


class Protection(ImageRepositoryLayer):
    """Refuses to remove protected images."""

    def remove(self, image: Image, drop: Lease | None = None) -> None:
        """Remove the image unless it is protected.

        :raises Forbidden: it is
        """
        if image.protected:
            raise errors.Forbidden(f'Image {image.id} is protected; set protected to false before you delete it.')
        super().remove(image, drop)
