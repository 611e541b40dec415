# SPDX-License-Identifier: Apache-2.0
"""The copy of an image in one store."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Remove the copy of an image in a store; other copies keep it alive."""
    store_id = params['store_id']
    _require_store(api, store_id)
    image = api.door.image(context, params['image_id'], 'get_image_location')
    api.door.require_on_image(context, image, 'delete_image_location')
    if image.status != ACTIVE:
        raise errors.Conflict(f'Image {image.id} is {image.status}; copies are removed from active images only.')
    if len(image.locations) == 1:
        raise errors.LastCopy(image.id)
    for location in _copies(image, store_id):
        api.data.remove_copy(image, location)


def _require_store(api: Services, store_id: str) -> None:
    if not api.stores.multiple:
        raise errors.NotFound('This service has one store only.')
    try:
        api.stores.get(store_id)
    except errors.StoreUnknown as error:
        raise errors.Conflict(str(error)) from None


def _copies(image: Image, store_id: str) -> list[Location]:
    found = [location for location in image.locations if location.store == store_id]
    if not found:
        raise errors.NotFound(f'Image {image.id} has no copy in store {store_id}.')
    return found
