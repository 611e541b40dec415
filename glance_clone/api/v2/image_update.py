# SPDX-License-Identifier: Apache-2.0
"""Changing an image: PATCH, and its tags one by one.

The operations of a PATCH are applied in their order to a copy in memory, which is saved once: all of them or none.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from glance_clone.api import limits
from glance_clone.api.context import RequestContext
from glance_clone.api.property_protections import CREATE
from glance_clone.api.property_protections import DELETE
from glance_clone.api.property_protections import READ
from glance_clone.api.property_protections import UPDATE
from glance_clone.api.resource import Params
from glance_clone.api.schema.custom_properties import text_of
from glance_clone.api.serial import image as serial
from glance_clone.api.serial.image_patch import ADD
from glance_clone.api.serial.image_patch import REMOVE
from glance_clone.api.serial.image_patch import Change
from glance_clone.api.services import Services
from glance_clone.api.v2 import location_changes
from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location

_FORMATS = ('disk_format', 'container_format')
#: The state in which formats may change: no data was looked at by them yet (D-9).
_FORMATS_OPEN = images.QUEUED

_LOCATIONS = 'locations'

#: How often a change is decided anew, and by how many seconds the longest pause before that grows each time.
_TRIES = 30
_PAUSE = 0.005


def update(api: Services, context: RequestContext, params: Params, wanted: list[Change]) -> Image:
    """Apply the operations of a PATCH."""
    if not wanted:
        return api.door.image(context, params['image_id'], 'get_image')
    return _settled(_patch, api, context, params['image_id'], wanted)


def add_tag(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Put a tag on an image; one that is there already stays."""
    _settled(_add_tag, api, context, params['image_id'], serial.require_tag(params['tag']))


def remove_tag(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Take a tag off an image."""
    _settled(_remove_tag, api, context, params['image_id'], params['tag'])


def _settled(change: Callable[..., Image], *args: Any) -> Image:
    """Make a change; where somebody else changed the image meanwhile, read it again and decide anew (R7).

    :raises Conflict: the image changes all the time
    """
    for attempt in range(_TRIES):
        try:
            return change(*args)
        except errors.StateChanged:
            time.sleep(random.uniform(0, _PAUSE * min(attempt, 10)))  # noqa: S311
    raise errors.Conflict('Too many others change the image at the same time; try again.')


def _patch(api: Services, context: RequestContext, image_id: str, wanted: list[Change]) -> Image:
    image = api.images.get(image_id, context.caller)
    before = set(image.properties)
    status = image.status
    removed: list[Location] = []
    for change in wanted:
        if change.name == 'visibility':
            api.door.require_visibility(context, image, change.value)
        api.door.require_on_image(context, image, 'modify_image')
        if change.name == _LOCATIONS:
            location = location_changes.apply(api, context, image, change)
            removed += [location] if location else []
        elif change.name in serial.WRITABLE or change.name == 'tags':
            _change_attribute(api, context, image, change)
        else:
            _change_property(api, context, image, change)
    if not before.issuperset(image.properties):
        limits.require_few_properties(api.conf, image.properties)
    moves_data = any(change.name == _LOCATIONS for change in wanted)
    image.locations += removed
    if len(removed) < len(wanted):
        api.images.save(image, from_state=status if moves_data else None, if_unchanged=True)
    for location in removed:
        api.data.remove_copy(image, location)
    return image


def _add_tag(api: Services, context: RequestContext, image_id: str, tag: str) -> Image:
    image = api.door.image(context, image_id, 'modify_image')
    if tag not in image.tags:
        limits.require_few_tags(api.conf, image.tags | {tag})
    image.tags.add(tag)
    api.images.save(image, if_unchanged=True)
    return image


def _remove_tag(api: Services, context: RequestContext, image_id: str, tag: str) -> Image:
    image = api.door.image(context, image_id, 'modify_image')
    if tag not in image.tags:
        raise errors.NotFound(f'Image {image.id} has no such tag.')
    image.tags.remove(tag)
    api.images.save(image, if_unchanged=True)
    return image


def _change_attribute(api: Services, context: RequestContext, image: Image, change: Change) -> None:
    """Set one of the attributes that every image has."""
    if change.verb == REMOVE:
        raise errors.Forbidden(f'Every image has {change.name}; it can be replaced, not removed.')
    if change.verb == ADD and not change.overwrites:
        raise errors.Conflict(f'The image has {change.name} already.')
    if change.name in _FORMATS and image.status != _FORMATS_OPEN:
        raise errors.Forbidden(f'{change.name} cannot change any more: image {image.id} is {image.status}.')
    if change.name == 'owner' and not context.is_admin:
        raise errors.Forbidden('Only an administrator gives an image to another project.')
    if change.name == 'tags':
        _change_tags(api, image, change.value)
        return
    number = change.name in ('min_disk', 'min_ram')
    setattr(image, change.name, int(change.value) if number else change.value)


def _change_tags(api: Services, image: Image, tags: list[str]) -> None:
    """Replace all tags; each counts as often as it is given. Those of an image that has too many can always become fewer."""
    wanted = set(tags)
    if len(tags) > len(wanted) or not wanted <= image.tags:
        limits.require_few_tags(api.conf, tags)
    image.tags = wanted


def _change_property(api: Services, context: RequestContext, image: Image, change: Change) -> None:
    """Set or remove a custom property; one that the caller may not read looks as if it were not there."""
    door, name = api.door, change.name
    exists = name in image.properties
    is_seen = exists and door.allows_property(context, READ, name)
    if change.verb == ADD:
        door.require_property(context, UPDATE if is_seen else CREATE, name)
        if exists and not is_seen:
            raise errors.Forbidden(f'You may not create the property {name[:80]} (property protection).')
        if exists and not change.overwrites:
            raise errors.Conflict(f'The image has a property {name} already.')
    elif not is_seen:
        raise errors.Conflict(f'The image has no property {name}.')
    else:
        door.require_property(context, DELETE if change.verb == REMOVE else UPDATE, name)
    if change.verb == REMOVE:
        del image.properties[name]
    else:
        image.properties[name] = text_of(change.value)
