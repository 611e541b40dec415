# SPDX-License-Identifier: Apache-2.0
"""Tags of namespaces: requests and documents."""

from __future__ import annotations

import dataclasses
from typing import Any

import webob
from oslo_utils import strutils

from glance_clone.api.context import RequestContext
from glance_clone.api.schema import metadef_tag as schema
from glance_clone.api.serial import metadef
from glance_clone.api.serial import metadef_list
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services
from glance_clone.domain.metadef import TAG_SORT_KEYS
from glance_clone.domain.metadef import ListQuery
from glance_clone.domain.metadef import Tag
from glance_clone.domain.metadef import require_name


@dataclasses.dataclass(slots=True)
class NewTags:
    """Tags to be set, or added where ``append`` is true."""

    tags: list[Tag]
    append: bool


def parse(api: Services, request: webob.Request) -> Tag:
    """Read a body that describes one tag.

    :raises Forbidden: it has a read-only attribute
    :raises Invalid: it does not describe a tag
    """
    return Tag(metadef.read(api, request, metadef.TIMES, schema.check)['name'])


def parse_several(api: Services, request: webob.Request) -> NewTags:
    """Read a body that describes several tags, and whether they replace those that are there.

    :raises Invalid: it does not describe tags
    """
    document = metadef.read(api, request, (), schema.check_list)
    tags = [Tag(tag['name']) for tag in document['tags']]
    return NewTags(tags, strutils.bool_from_string(request.headers.get('X-OpenStack-Append', '')))


def parse_list(api: Services, request: webob.Request) -> ListQuery:
    """Read the query string of a list of tags.

    :raises Invalid: a parameter with a value that it cannot have
    """
    given = metadef_list.parameters(request)
    metadef_list.require_visibility(given, metadef_list.ANY_VISIBILITY)
    query = ListQuery(limit=metadef_list.limit(given, least=0) if given.get('limit') else None)
    metadef_list.set_place(query, given, TAG_SORT_KEYS)
    return query


def nested(document: dict[str, Any]) -> Tag:
    """Return the tag that a part of a namespace describes; times, as in what was read before, are ignored.

    :raises Invalid: it has no name, or attributes that do not exist
    """
    metadef.require_known('tags', document, ('name', *metadef.TIMES))
    require_name('tag', document.get('name'))
    return Tag(document['name'])


def short_document(tag: Tag) -> dict[str, Any]:
    """Return the JSON document of a tag in a list."""
    return {'name': tag.name}


def render(api: Services, context: RequestContext, result: Tag, request: webob.Request) -> webob.Response:
    """Write a tag."""
    return json_response({**short_document(result), **metadef.times(result.created_at, result.updated_at)})


def render_created(api: Services, context: RequestContext, result: Tag, request: webob.Request) -> webob.Response:
    """Write a tag that was just added."""
    response = render(api, context, result, request)
    response.status_int = 201
    return response


def render_list(api: Services, context: RequestContext, result: list[Tag], request: webob.Request) -> webob.Response:
    """Write tags."""
    return json_response({'tags': [short_document(tag) for tag in result]})


def render_list_created(api: Services, context: RequestContext, result: list[Tag], request: webob.Request) -> webob.Response:
    """Write tags that were just set."""
    response = render_list(api, context, result, request)
    response.status_int = 201
    return response
