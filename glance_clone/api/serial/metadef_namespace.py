# SPDX-License-Identifier: Apache-2.0
"""Namespaces of metadata definitions: requests and documents."""

from __future__ import annotations

import dataclasses
import urllib.parse
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.schema import metadef_namespace as schema
from glance_clone.api.serial import body
from glance_clone.api.serial import metadef
from glance_clone.api.serial import metadef_list
from glance_clone.api.serial import metadef_object
from glance_clone.api.serial import metadef_property
from glance_clone.api.serial import metadef_resource_type
from glance_clone.api.serial import metadef_tag
from glance_clone.api.serial.image import json_response
from glance_clone.api.serial.image_list import query_pairs
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.metadef import NAMESPACE_SORT_KEYS
from glance_clone.domain.metadef import VISIBILITIES
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import NamespaceQuery
from glance_clone.domain.metadef import Property

_ATTRIBUTES = ('display_name', 'description', 'visibility', 'protected', 'owner')
_PATH = '/v2/metadefs/namespaces'
#: What stands in the header ``Location`` as it is: printable ASCII but for what would lead elsewhere.
_PLAIN = ''.join(chr(number) for number in range(0x20, 0x7F) if chr(number) not in '%?#/')


@dataclasses.dataclass(slots=True)
class View:
    """A namespace as somebody asked for it.

    :ivar resource_type: on which the properties would be used; their names get its prefix
    """

    namespace: Namespace
    resource_type: str | None = None


@dataclasses.dataclass(slots=True)
class Page:
    """One page of namespaces.

    :ivar next_marker: name of the last one of the page, also if it is not shown; None if no page follows
    """

    namespaces: list[Namespace]
    next_marker: str | None


def parse_create(api: Services, request: webob.Request) -> Namespace:
    """Read a body that describes a namespace and perhaps what is in it; the owner is ``''`` where it names none.

    :raises Forbidden: it has a read-only attribute
    :raises Invalid: it does not describe a namespace
    """
    document = _read(api, request)
    namespace = _namespace(document)
    properties = metadef_property.nested(document.get('properties', {}))
    namespace.associations = [metadef_resource_type.nested(part) for part in document.get('resource_type_associations', ())]
    namespace.properties = [Property(key, definition) for key, definition in properties.items()]
    namespace.objects = [metadef_object.nested(part) for part in document.get('objects', ())]
    namespace.tags = [metadef_tag.nested(part) for part in document.get('tags', ())]
    return namespace


def parse_update(api: Services, request: webob.Request) -> Namespace:
    """Read a body that gives a namespace other attributes, as :func:`parse_create` does; what it says is in it is ignored."""
    return _namespace(_read(api, request))


def _read(api: Services, request: webob.Request) -> dict[str, Any]:
    return metadef.read(api, request, metadef.PATHS_AND_TIMES, schema.check)


def _namespace(document: dict[str, Any]) -> Namespace:
    name = document['namespace']
    if not name or '/' in name:
        raise errors.Invalid('The name of a namespace is not empty and has no slash; nothing else fits into a URL.')
    attributes = {attribute: document[attribute] for attribute in _ATTRIBUTES if attribute in document}
    return Namespace(name, **{'owner': '', **attributes})


def parse_show(api: Services, request: webob.Request) -> str | None:
    """Read for which resource type a namespace is asked for; None: for itself.

    :raises Invalid: the request has a body, or asks for a visibility that does not exist
    """
    body.refuse_any(api, request)
    given = metadef_list.parameters(request)
    metadef_list.require_visibility(given, VISIBILITIES)
    return given.get('resource_type') or None


def parse_list(api: Services, request: webob.Request) -> NamespaceQuery:
    """Read the query string of a list of namespaces.

    :raises Invalid: a parameter with a value that it cannot have
    """
    given = metadef_list.parameters(request)
    metadef_list.require_visibility(given, VISIBILITIES)
    query = NamespaceQuery(visibility=given.get('visibility'))
    if 'resource_types' in given:
        query.resource_types = [name for name in given['resource_types'].split(',') if name]
    metadef_list.set_place(query, given, NAMESPACE_SORT_KEYS)
    wanted = metadef_list.limit(given, least=0)
    query.limit = min(api.conf.limit_param_default if wanted is None else wanted, api.conf.api_limit_max)
    return query


def _base(namespace: Namespace) -> dict[str, Any]:
    """Return the JSON document of a namespace without what it contains."""
    return {
        'namespace': namespace.name,
        **metadef.said({name: getattr(namespace, name) for name in _ATTRIBUTES}),
        **metadef.times(namespace.created_at, namespace.updated_at),
        'self': metadef.namespace_path(namespace.name),
        'schema': '/v2/schemas/metadefs/namespace',
    }


def _filled(parts: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part}


def _listed(namespace: Namespace) -> dict[str, Any]:
    """Return the JSON document of a namespace in a list."""
    associations = [metadef_resource_type.document(association) for association in namespace.associations]
    return {**_base(namespace), **_filled({'resource_type_associations': associations})}


def _whole(namespace: Namespace, prefix: str) -> dict[str, Any]:
    """Return the JSON document of a namespace with everything that it contains."""
    contents = {
        'properties': metadef_property.documents(metadef_property.by_name(namespace.properties), prefix),
        'objects': [metadef_object.document(namespace.name, found, prefix) for found in namespace.objects],
        'tags': [metadef_tag.short_document(tag) for tag in namespace.tags],
    }
    return {**_listed(namespace), **_filled(contents)}


def _created(namespace: Namespace) -> dict[str, Any]:
    """Return the JSON document of a namespace with what was sent with it, in the form in which it is kept."""
    associations = [metadef_resource_type.short_document(association) for association in namespace.associations]
    contents = {
        'resource_type_associations': associations,
        'properties': metadef_property.documents(metadef_property.by_name(namespace.properties)),
        'objects': [metadef_object.short_document(found) for found in namespace.objects],
        'tags': [metadef_tag.short_document(tag) for tag in namespace.tags],
    }
    return {**_base(namespace), **_filled(contents)}


def render(api: Services, context: RequestContext, result: Namespace, request: webob.Request) -> webob.Response:
    """Write the attributes of a namespace."""
    return json_response(_base(result))


def render_whole(api: Services, context: RequestContext, result: View, request: webob.Request) -> webob.Response:
    """Write a namespace with everything that it contains."""
    prefix = result.namespace.prefix_for(result.resource_type) if result.resource_type else ''
    return json_response(_whole(result.namespace, prefix))


def render_created(api: Services, context: RequestContext, result: Namespace, request: webob.Request) -> webob.Response:
    """Write a namespace that was just created."""
    response = json_response(_created(result))
    response.status_int = 201
    name = urllib.parse.quote(result.name, safe=_PLAIN)
    response.location = f'{request.application_url.rstrip("/")}/metadefs/namespaces/{name}'
    return response


def render_list(api: Services, context: RequestContext, result: Page, request: webob.Request) -> webob.Response:
    """Write a page with links to the first one and the next."""
    pairs = [pair for pair in query_pairs(request) if pair[0] != 'marker']
    document: dict[str, Any] = {'namespaces': [_listed(namespace) for namespace in result.namespaces]}
    document['first'] = _link(pairs)
    document['schema'] = '/v2/schemas/metadefs/namespaces'
    if result.next_marker is not None:
        document['next'] = _link([*pairs, ('marker', result.next_marker)])
    return json_response(document)


def _link(pairs: list[tuple[str, str]]) -> str:
    return f'{_PATH}?{urllib.parse.urlencode(pairs)}' if pairs else _PATH
