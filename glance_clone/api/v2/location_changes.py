# SPDX-License-Identifier: Apache-2.0
"""Changing the locations of an image by PATCH: for the consumers of an API that ordinary users do not reach.

What is said about the data at a new location (``validation_data``) is noted, not verified.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from glance_clone.api import limits
from glance_clone.api.context import RequestContext
from glance_clone.api.serial.image_patch import ADD
from glance_clone.api.serial.image_patch import REMOVE
from glance_clone.api.serial.image_patch import Change
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import QUEUED
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location

_HEXADECIMAL = re.compile('[0-9a-fA-F]+')
_MD5_DIGITS = 32


def apply(api: Services, context: RequestContext, image: Image, change: Change) -> Location | None:
    """Apply one operation on the locations to an image in memory; return the location that it removes.

    :raises Forbidden: policy or the configuration does not allow it, or no location would be left
    :raises Conflict: the status of the image does not allow it, or it contradicts what is known of the data
    :raises Invalid: a location that is none or cannot be read, or a position where none is
    """
    if change.verb not in (ADD, REMOVE) and not change.value:
        raise errors.Forbidden('An image cannot lose all of its locations; delete the image instead.')
    rule = 'delete_image_location' if change.verb == REMOVE else 'set_image_location'
    api.door.require_on_image(context, image, rule)
    if not api.conf.show_multiple_locations:
        raise errors.Forbidden('The locations of images cannot be changed here (show_multiple_locations).')
    if change.verb == REMOVE:
        return _remove(image, change.position or '')
    _require_status(image, ACTIVE, QUEUED)
    if change.verb == ADD:
        _add(api, image, change.value, change.position or '')
    elif image.locations:
        _rewrite(api, image, change.value)
    else:
        _set(api, image, change.value)
    return None


def _require_status(image: Image, *allowed: str) -> None:
    if image.status not in allowed:
        raise errors.Conflict(
            f'Image {image.id} is {image.status}; locations change only of images that are {" or ".join(allowed)}.'
        )


def _add(api: Services, image: Image, value: dict[str, Any], position: str) -> None:
    _note_hashes(api, image, value)
    index = _index(position, len(image.locations))
    limits.require_few_locations(api.conf, len(image.locations) + 1)
    location = _located(api, value)
    if any(_same(location, other) for other in image.locations):
        raise errors.Invalid('The image has this location already.')
    _take(api, image, location)
    image.locations.insert(min(index, len(image.locations)), location)


def _set(api: Services, image: Image, values: list[dict[str, Any]]) -> None:
    """Give an image without data its locations."""
    for value in values:
        _note_hashes(api, image, value)
    limits.require_few_locations(api.conf, len(values))
    wanted = [_located(api, value) for value in values]
    _require_different(wanted)
    for location in wanted:
        _take(api, image, location)
    image.locations = wanted


def _rewrite(api: Services, image: Image, values: list[dict[str, Any]]) -> None:
    """Give the locations of an image another order or other metadata; where they lead stays."""
    for value in values:
        _note_hashes(api, image, value)
    limits.require_few_locations(api.conf, len(values))
    if sorted(value['url'] for value in values) != sorted(location.url for location in image.locations):
        raise errors.Invalid(
            'The locations of an image are added and removed one by one; replace only orders and describes them.'
        )
    numbers = [location.id for location in image.locations]
    wanted = [_located_again(api, image, value) for value in values]
    _require_different(wanted)
    for number, location in zip(numbers, wanted, strict=True):
        location.id = number
    image.locations = wanted


def _remove(image: Image, position: str) -> Location:
    _require_status(image, ACTIVE)
    index = _index(position, len(image.locations))
    if position == '-':
        index = len(image.locations) - 1
    if not 0 <= index < len(image.locations):
        raise errors.Invalid(f'The image has no location at position {position}.')
    if len(image.locations) == 1:
        raise errors.LastCopy(image.id)
    return image.locations.pop(index)


def _index(position: str, end: int) -> int:
    if position == '-':
        return end
    if not (position.isascii() and position.isdigit() and len(position) < 10):
        raise errors.Invalid('The position of a location is a number, or - for the end.')
    return int(position)


def _located(api: Services, value: dict[str, Any]) -> Location:
    location = api.foreign.locate(value['url'], value['metadata'])
    location.expected = value.get('validation_data')
    return location


def _located_again(api: Services, image: Image, value: dict[str, Any]) -> Location:
    """Return a location that the image has already, with the metadata that is wanted; its store stays."""
    known = next(location for location in image.locations if location.url == value['url'])
    store = {} if known.store is None else {'store': known.store}
    return Location(known.url, {**value['metadata'], **store}, expected=value.get('validation_data'))


def _same(one: Location, other: Location) -> bool:
    return (one.url, one.metadata) == (other.url, other.metadata)


def _require_different(locations: list[Location]) -> None:
    if any(_same(one, other) for number, one in enumerate(locations) for other in locations[:number]):
        raise errors.Invalid('The same location is named twice.')


def _take(api: Services, image: Image, location: Location) -> None:
    """Make a location one of an image: the first makes it active, others must hold as many bytes."""
    size = api.foreign.measure(location)
    if image.status == QUEUED:
        image.move_to(ACTIVE)
        image.size = size
    elif image.size is not None and size != image.size:
        raise errors.Invalid(f'The location has {size} bytes, but the image has {image.size}.')
    api.foreign.look_at(image, location)


def _note_hashes(api: Services, image: Image, value: dict[str, Any]) -> None:
    """Take over what is said about data that is not there yet.

    :raises Conflict: something else is known, or it is no hash that this service would compute
    """
    named = value.get('validation_data')
    if not named:
        return
    algorithm = named['os_hash_algo']
    if algorithm != api.conf.hashing_algorithm:
        raise errors.Conflict(f'Hashes of new data are {api.conf.hashing_algorithm} in this service (hashing_algorithm).')
    _require_digest(named['os_hash_value'], hashlib.new(algorithm, usedforsecurity=False).digest_size * 2)
    if 'checksum' in named:
        _require_digest(named['checksum'], _MD5_DIGITS)
    for name, text in named.items():
        known = getattr(image, name)
        if known == text:
            continue
        if known is not None or image.status != QUEUED:
            raise errors.Conflict(f'The {name} of the image is {known}; it cannot become another one.')
        setattr(image, name, text)


def _require_digest(text: str, digits: int) -> None:
    if len(text) != digits or not _HEXADECIMAL.fullmatch(text):
        raise errors.Conflict(f'{text[:140]} is not a hash of {digits} hexadecimal digits.')
