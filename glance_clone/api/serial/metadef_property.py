# SPDX-License-Identifier: Apache-2.0
"""Properties of namespaces: requests and documents."""

from __future__ import annotations

from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.schema import metadef_property as schema
from glance_clone.api.serial import metadef
from glance_clone.api.serial.image import json_response
from glance_clone.api.serial.image_list import query_pairs
from glance_clone.api.services import Services
from glance_clone.domain.metadef import Property
from glance_clone.domain.metadef import require_name
from glance_clone.domain.metadef_property import kept
from glance_clone.domain.metadef_property import shown

Schemas = dict[str, dict[str, Any]]


def parse(api: Services, request: webob.Request) -> Property:
    """Read a body that describes one property.

    :raises Forbidden: it has a read-only attribute
    :raises Invalid: it does not describe a property
    """
    document = metadef.read(api, request, metadef.TIMES, schema.check)
    return Property(document['name'], kept(document))


def parse_resource_type(api: Services, request: webob.Request) -> str | None:
    """Read for which resource type a property is asked for; None: for itself.

    :raises Invalid: the query string is not UTF-8
    """
    return dict(query_pairs(request)).get('resource_type') or None


def nested(definitions: Schemas) -> Schemas:
    """Return the definitions of properties by name in the form in which they are stored.

    :raises Invalid: an attribute that properties do not have, or an impossible name
    """
    for name in definitions:
        require_name('property', name)
    return {name: kept(definition) for name, definition in definitions.items()}


def documents(definitions: Schemas, prefix: str = '') -> Schemas:
    """Return the JSON documents of properties by name.

    :param prefix: what to put before the names
    """
    return {prefix + name: shown(definition) for name, definition in definitions.items()}


def by_name(properties: list[Property]) -> Schemas:
    """Return the definitions of properties by name."""
    return {found.name: found.schema for found in properties}


def render(api: Services, context: RequestContext, result: Property, request: webob.Request) -> webob.Response:
    """Write a property."""
    return json_response({**shown(result.schema), 'name': result.name})


def render_created(api: Services, context: RequestContext, result: Property, request: webob.Request) -> webob.Response:
    """Write a property that was just added."""
    response = render(api, context, result, request)
    response.status_int = 201
    return response


def render_list(api: Services, context: RequestContext, result: list[Property], request: webob.Request) -> webob.Response:
    """Write the properties of a namespace."""
    return json_response({'properties': documents(by_name(result))})
