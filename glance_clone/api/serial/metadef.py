# SPDX-License-Identifier: Apache-2.0
"""Metadata definitions: what all requests and documents about them have in common."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import webob

from glance_clone.api.serial import body
from glance_clone.api.serial.image import timestamp
from glance_clone.api.services import Services
from glance_clone.domain import errors

#: Values in one request; a namespace may come with a thousand properties.
_MAX_NODES = 200_000

TIMES = ('created_at', 'updated_at')
PATHS_AND_TIMES = ('self', 'schema', *TIMES)


def read(
    api: Services, request: webob.Request, read_only: tuple[str, ...], check: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Return the body of a request.

    :param read_only: attributes that only the service sets
    :param check: raises Invalid for what does not meet the schema
    :raises Forbidden: it has a read-only attribute
    :raises Invalid: no JSON object, against the schema, or with characters that cannot be stored
    """
    document = body.read_object(request, api.conf.max_metadef_body_size, _MAX_NODES)
    refused = [name for name in read_only if name in document]
    if refused:
        raise errors.Forbidden(f'Only the service itself sets {", ".join(refused)}; leave it out.')
    check(document)
    body.require_bmp(document)
    return document


def require_known(what: str, document: dict[str, Any], known: tuple[str, ...]) -> None:
    """Check that a part of a request has no other attributes than these.

    :raises Invalid: it has
    """
    unknown = sorted(document.keys() - set(known))
    if unknown:
        raise errors.Invalid(f'Each of the {what} may have {", ".join(known)}, but not {unknown[0][:40]!r}.')


def times(created_at: datetime.datetime | None, updated_at: datetime.datetime | None) -> dict[str, Any]:
    """Return when a thing was made and changed, as far as that is known."""
    return said({'created_at': timestamp(created_at), 'updated_at': timestamp(updated_at)})


def said(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of which something is said: all but those that are null."""
    return {name: value for name, value in attributes.items() if value is not None}


def namespace_path(name: str) -> str:
    """Return the path of a namespace as documents show it."""
    return f'/v2/metadefs/namespaces/{name}'
