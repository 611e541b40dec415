# SPDX-License-Identifier: Apache-2.0
"""The locations of images, for other services of the cloud."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.api.v2.image_import import submitter
from glance_clone.domain import errors
from glance_clone.domain.image import DEACTIVATED
from glance_clone.domain.image import QUEUED
from glance_clone.domain.location import WEB_SCHEMES
from glance_clone.domain.location import Location
from glance_clone.domain.location import scheme_of
from glance_clone.domain.location_ports import NamedLocation

_SERVICE = 'service'


def index(api: Services, context: RequestContext, params: Params, wanted: None) -> list[Location]:
    """Return the locations of an image, the best first."""
    image = api.door.image(context, params['image_id'], 'fetch_image_location')
    if image.status == DEACTIVATED and not context.is_admin:
        return []
    return api.stores.by_weight(image.locations)


def add(api: Services, context: RequestContext, params: Params, wanted: NamedLocation) -> None:
    """Ask for a location to be added to a queued image, in the background.

    Data on web servers can be named by everybody who may add locations, and is looked for by the rules of the fetcher at
    once. Data in other stores is for services of the cloud to name.
    """
    image = api.door.image(context, params['image_id'], 'get_image')
    if image.status != QUEUED:
        raise errors.Conflict(f'Image {image.id} is {image.status}; a location can be added while it is queued.')
    api.door.require_on_image(context, image, 'add_image_location')
    is_on_web = scheme_of(wanted.url) in WEB_SCHEMES
    if not _is_service(context) and not (is_on_web and _has_web_store(api)):
        raise errors.Forbidden('Only services of the cloud name data that is not on a web server, in a store for such data.')
    if is_on_web:
        api.foreign.locate(wanted.url)
    api.location_adder.start(image, wanted, submitter(context))


def _is_service(context: RequestContext) -> bool:
    return _SERVICE in context.roles or _SERVICE in (context.service_roles or ())


def _has_web_store(api: Services) -> bool:
    return any(WEB_SCHEMES & set(store.schemes) for store in api.stores.all())
