# SPDX-License-Identifier: Apache-2.0
"""Images: create, list, show, delete."""

from __future__ import annotations

from glance_clone.api import limits
from glance_clone.api.context import RequestContext
from glance_clone.api.property_protections import CREATE
from glance_clone.api.property_protections import READ
from glance_clone.api.resource import Params
from glance_clone.api.serial.image import HIDDEN_PROPERTIES
from glance_clone.api.serial.image import NewImage
from glance_clone.api.serial.image import new_image
from glance_clone.api.serial.image_list import Page
from glance_clone.api.services import Services
from glance_clone.api.v2.image_import import submitter
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.query import NOTHING
from glance_clone.domain.query import ImageQuery


def create(api: Services, context: RequestContext, params: Params, wanted: NewImage) -> Image:
    """Register an image without data."""
    image = new_image(wanted, context.project_id)
    api.door.require_create(context, image)
    for name in image.properties:
        api.door.require_property(context, CREATE, name)
    limits.require_few_tags(api.conf, wanted.tags)
    if wanted.refused:
        raise errors.Forbidden(f'Only the service itself sets {", ".join(wanted.refused)}.')
    limits.require_few_properties(api.conf, image.properties)
    api.images.add(image, id_is_new='id' not in wanted.attributes)
    return image


def index(api: Services, context: RequestContext, params: Params, wanted: ImageQuery) -> Page:
    """List a page of the images that the caller may see."""
    api.door.require_list(context)
    if not all(_may_read(api, context, name) for name in wanted.properties):
        # To whoever may not see a property, no image has it (W-23).
        wanted.conditions.append(NOTHING)
    found = api.images.list(wanted, context.caller) if wanted.limit else []
    shown = [image for image in found if api.door.may_see(context, image)]
    return Page(shown, is_full=bool(found) and len(found) == wanted.limit and bool(shown))


def _may_read(api: Services, context: RequestContext, name: str) -> bool:
    return name not in HIDDEN_PROPERTIES and api.door.allows_property(context, READ, name)


def show(api: Services, context: RequestContext, params: Params, wanted: None) -> Image:
    """Show one image."""
    return api.door.image(context, params['image_id'], 'get_image')


def delete(api: Services, context: RequestContext, params: Params, is_forwarded: bool) -> None:
    """Delete an image and its data; the node that has staged data of it does that, if it can be reached."""
    image = api.door.image(context, params['image_id'], 'delete_image')
    host = api.importer.elsewhere(image)
    if host and not is_forwarded:
        if api.importer.forward_delete(host, f'/v2/images/{image.id}', submitter(context)):
            return
        image = api.images.get(image.id, context.caller)
    api.images.remove(image)
    api.encryption_keys.forget(image, submitter(context))
