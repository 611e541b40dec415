# SPDX-License-Identifier: Apache-2.0
"""Resource types and which namespaces apply to them: requests and documents."""

from __future__ import annotations

from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.schema import metadef_resource_type as schema
from glance_clone.api.serial import metadef
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.metadef import MAX_NAME
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import ResourceType
from glance_clone.domain.metadef import require_name

_ATTRIBUTES = ('name', 'prefix', 'properties_target')


def parse(api: Services, request: webob.Request) -> Association:
    """Read a body that describes an association.

    :raises Forbidden: it has a read-only attribute
    :raises Invalid: it does not describe an association
    """
    return Association(**metadef.read(api, request, metadef.TIMES, schema.check))


def nested(document: dict[str, Any]) -> Association:
    """Return the association that a part of a namespace describes; times, as in what was read before, are ignored.

    :raises Invalid: it has no name, too long a value, or attributes that do not exist
    """
    metadef.require_known('resource_type_associations', document, (*_ATTRIBUTES, *metadef.TIMES))
    require_name('resource type', document.get('name'))
    for name in ('prefix', 'properties_target'):
        if len(document.get(name, '')) > MAX_NAME:
            raise errors.Invalid(f'The {name} of an association has at most {MAX_NAME} characters.')
    return Association(**{name: document[name] for name in _ATTRIBUTES if name in document})


def short_document(association: Association) -> dict[str, Any]:
    """Return the JSON document of an association without times."""
    return metadef.said({name: getattr(association, name) for name in _ATTRIBUTES})


def document(association: Association) -> dict[str, Any]:
    """Return the JSON document of an association."""
    return {**short_document(association), **metadef.times(association.created_at, association.updated_at)}


def render_created(api: Services, context: RequestContext, result: Association, request: webob.Request) -> webob.Response:
    """Write an association that was just made."""
    response = json_response(document(result))
    response.status_int = 201
    return response


def render_associations(
    api: Services, context: RequestContext, result: list[Association], request: webob.Request
) -> webob.Response:
    """Write what a namespace applies to."""
    return json_response({'resource_type_associations': [document(association) for association in result]})


def render_list(api: Services, context: RequestContext, result: list[ResourceType], request: webob.Request) -> webob.Response:
    """Write resource types."""
    types = [{'name': found.name, **metadef.times(found.created_at, found.updated_at)} for found in result]
    return json_response({'resource_types': types})
