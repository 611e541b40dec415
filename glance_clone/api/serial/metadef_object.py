# SPDX-License-Identifier: Apache-2.0
"""Objects of namespaces: requests and documents."""

from __future__ import annotations

import dataclasses
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.schema import metadef_object as schema
from glance_clone.api.serial import metadef
from glance_clone.api.serial import metadef_list
from glance_clone.api.serial import metadef_property
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services
from glance_clone.domain.metadef import Object
from glance_clone.domain.metadef import require_name

_ATTRIBUTES = ('name', 'description', 'required', 'properties')


@dataclasses.dataclass(slots=True)
class View:
    """Objects with the name of their namespace, which is part of their paths."""

    namespace: str
    objects: list[Object]


def parse(api: Services, request: webob.Request) -> Object:
    """Read a body that describes one object.

    :raises Forbidden: it has a read-only attribute
    :raises Invalid: it does not describe an object
    """
    return _object(metadef.read(api, request, metadef.PATHS_AND_TIMES, schema.check))


def parse_list(api: Services, request: webob.Request) -> None:
    """Check the query string of a list of objects, which is always complete.

    :raises Invalid: a parameter with a value that it cannot have
    """
    given = metadef_list.parameters(request)
    metadef_list.limit(given, least=1)
    metadef_list.require_direction(given)
    metadef_list.require_visibility(given, metadef_list.ANY_VISIBILITY)


def nested(document: dict[str, Any]) -> Object:
    """Return the object that a part of a namespace describes; paths and times, as in what was read before, are ignored.

    :raises Invalid: it has no name, or attributes that do not exist
    """
    metadef.require_known('objects', document, (*_ATTRIBUTES, *metadef.PATHS_AND_TIMES))
    return _object(document)


def _object(document: dict[str, Any]) -> Object:
    require_name('object', document.get('name'))
    properties = document.get('properties')
    return Object(
        name=document['name'],
        description=document.get('description'),
        required=document.get('required'),
        properties=None if properties is None else metadef_property.nested(properties),
    )


def short_document(found: Object, prefix: str = '') -> dict[str, Any]:
    """Return the JSON document of an object without paths and times.

    :param prefix: what to put before the names of properties
    """
    properties, required = found.properties, found.required
    return metadef.said(
        {
            'name': found.name,
            'description': found.description,
            'required': None if required is None else [prefix + name for name in required],
            'properties': None if properties is None else metadef_property.documents(properties, prefix),
        }
    )


def document(namespace: str, found: Object, prefix: str = '') -> dict[str, Any]:
    """Return the JSON document of an object."""
    return {
        **short_document(found, prefix),
        **metadef.times(found.created_at, found.updated_at),
        'self': f'{metadef.namespace_path(namespace)}/objects/{found.name}',
        'schema': '/v2/schemas/metadefs/object',
    }


def render(api: Services, context: RequestContext, result: View, request: webob.Request) -> webob.Response:
    """Write one object."""
    return json_response(document(result.namespace, result.objects[0]))


def render_created(api: Services, context: RequestContext, result: View, request: webob.Request) -> webob.Response:
    """Write an object that was just added."""
    response = render(api, context, result, request)
    response.status_int = 201
    return response


def render_list(api: Services, context: RequestContext, result: View, request: webob.Request) -> webob.Response:
    """Write the objects of a namespace."""
    objects = [document(result.namespace, found) for found in result.objects]
    return json_response({'objects': objects, 'schema': 'v2/schemas/metadefs/objects'})
