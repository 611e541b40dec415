# SPDX-License-Identifier: Apache-2.0
"""Changes of an image as JSON Patch: RFC 6902's add, replace and remove, and the older draft with the verb as member.

Everything that can be told from the request alone is refused here, before the image is looked up.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import webob

from glance_clone.api import errors as api_errors
from glance_clone.api.serial import body
from glance_clone.api.serial import image
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import is_reserved

ADD, REPLACE, REMOVE = 'add', 'replace', 'remove'
_VERBS = (ADD, REPLACE, REMOVE)

_DRAFT = 'application/openstack-images-v2.0-json-patch'
_RFC = 'application/openstack-images-v2.1-json-patch'
_ACCEPTED = f'{_DRAFT}, {_RFC}'

#: Operations of one request (D-12).
_MAX_OPERATIONS = 256
_ESCAPES = re.compile(r'~(?![01])')

#: What is never changed by a PATCH, whatever the value.
_FIXED = frozenset((*image.READ_ONLY, *image.NEVER_IN_BODY, *image.RESERVED, 'id'))


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One operation.

    :ivar verb: add, replace or remove
    :ivar name: the attribute or custom property that is changed
    :ivar value: the new value; None for remove
    :ivar overwrites: whether add may replace what is there; the older draft's may not
    :ivar position: of ``locations``: which of them, an index or ``-``
    """

    verb: str
    name: str
    value: Any
    overwrites: bool
    position: str | None = None


def parse(api: Services, request: webob.Request) -> list[Change]:
    """Read the body of ``PATCH /v2/images/{id}``.

    :raises HTTPError: 415, neither of the two media types
    :raises Invalid: not a list of operations, or a path or value that cannot be
    :raises Forbidden: an attribute that only the service sets
    """
    is_draft = _is_draft(request)
    document = body.read_json(request, api.conf.max_json_body_size)
    if not isinstance(document, list) or not all(isinstance(operation, dict) for operation in document):
        raise errors.Invalid('The body must be a list of operations.')
    if len(document) > _MAX_OPERATIONS:
        raise errors.Invalid(f'A patch can have at most {_MAX_OPERATIONS} operations.')
    changes = [_draft_change(operation) if is_draft else _change(operation) for operation in document]
    for change in changes:
        _check(api, change)
    return changes


def _is_draft(request: webob.Request) -> bool:
    if request.content_type not in (_DRAFT, _RFC):
        raise api_errors.HTTPError(415, f'A patch is sent as {_RFC}.', {'Accept-Patch': _ACCEPTED})
    return bool(request.content_type == _DRAFT)


def _change(operation: dict[str, Any]) -> Change:
    verb = operation.get('op')
    if verb not in _VERBS:
        raise errors.Invalid('The op of an operation is add, replace or remove.')
    return _made(verb, operation.get('path'), operation, overwrites=True)


def _draft_change(operation: dict[str, Any]) -> Change:
    verbs = [verb for verb in _VERBS if verb in operation]
    if len(verbs) != 1:
        raise errors.Invalid('An operation has exactly one of the members add, replace and remove.')
    return _made(verbs[0], operation[verbs[0]], operation, overwrites=False)


def _made(verb: str, pointer: Any, operation: dict[str, Any], overwrites: bool) -> Change:
    segments = _segments(pointer)
    if verb != REMOVE and 'value' not in operation:
        raise errors.Invalid('An operation that adds or replaces needs a value.')
    value = operation['value'] if verb != REMOVE else None
    depth = 2 if segments[0] == 'locations' and verb != REPLACE else 1
    if len(segments) != depth:
        raise errors.Invalid(f'The path {pointer[:80]!r} does not name something that can be changed.')
    return Change(verb, segments[0], value, overwrites, segments[1] if depth == 2 else None)


def _segments(pointer: Any) -> list[str]:
    """Take a JSON pointer apart."""
    if not isinstance(pointer, str) or not pointer.startswith('/'):
        raise errors.Invalid('The path of an operation is a string that begins with a slash.')
    if _ESCAPES.search(pointer):
        raise errors.Invalid('In a path, ~ is written ~0 and / is written ~1.')
    # Several slashes at the beginning count as one.
    segments = pointer[1:].lstrip('/').split('/')
    if (len(segments) > 1 and not all(segments)) or pointer == '//':
        raise errors.Invalid('A path has no empty parts and no slash at its end.')
    return [segment.strip().replace('~1', '/').replace('~0', '~') for segment in segments]


def _check(api: Services, change: Change) -> None:
    if change.name in _FIXED or is_reserved(change.name):
        raise errors.Forbidden(f'Only the service itself sets {change.name}.')
    if change.verb != REMOVE:
        # A single location is judged as a list of one.
        values = {change.name: change.value if change.position is None else [change.value]}
        api.image_schema.validate(values)
        body.require_bmp(values)
        image.require_storable(values)
