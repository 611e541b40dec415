# SPDX-License-Identifier: Apache-2.0
"""Taking the data of an image out of circulation, and putting it back."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import DEACTIVATED


def deactivate(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Let only administrators download the image."""
    _move(api, context, params['image_id'], 'deactivate', ACTIVE, DEACTIVATED)


def reactivate(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Let everybody who may see the image download it again."""
    _move(api, context, params['image_id'], 'reactivate', DEACTIVATED, ACTIVE)


def _move(api: Services, context: RequestContext, image_id: str, rule: str, current: str, wanted: str) -> None:
    image = api.door.image(context, image_id, rule)
    if image.status == wanted:
        return
    if image.status != current:
        raise errors.Forbidden(f'Image {image_id} is {image.status}; only an {current} one can become {wanted}.')
    image.move_to(wanted)
    api.images.save(image, from_state=current)
