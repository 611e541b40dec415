# SPDX-License-Identifier: Apache-2.0
"""How an image gets back to ``queued`` when its data did not come through (D-5)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.layers.leasing import give_back

if TYPE_CHECKING:
    from glance_clone.layers import Parts

LOG = logging.getLogger(__name__)


def return_to_queued(parts: Parts, image: Image, status: str, lease: Lease, error: BaseException) -> None:
    """Make the image wait for data again, with the reason in a property.

    :param status: what the row has now
    :raises ImageGone: the image was deleted meanwhile
    """
    reason = str(error) if isinstance(error, errors.ImageServiceError) else 'The service failed; see its log.'
    image.status = status
    image.move_to(images.QUEUED)
    image.properties[images.UPLOAD_ERROR] = reason[: images.MAX_REASON]
    try:
        parts.images.save(image, from_state=status, drop=lease)
    except errors.NotFound:
        give_back(parts, lease)
        raise gone(image) from error
    except errors.LeaseLost:
        LOG.info('Image %s was returned to queued by somebody else, who took this worker for dead.', image.id)
    except errors.ImageServiceError as failure:
        LOG.warning('Image %s could not be returned to queued yet: %s', image.id, failure)
        parts.abandon(lease)


def gone(image: Image) -> errors.ImageGone:
    """Return the error for an image that was deleted while its data came in."""
    return errors.ImageGone(f'Image {image.id} was deleted while its data was on the way; the data was removed.')
