# SPDX-License-Identifier: Apache-2.0
"""The image cache: requests and documents."""

from __future__ import annotations

import dataclasses
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.cache import CacheEntry
from glance_clone.domain.cache import Pruned


@dataclasses.dataclass(frozen=True, slots=True)
class CacheState:
    """What is cached and what waits to be."""

    entries: list[CacheEntry]
    queued: list[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Clearing:
    """What a request wants to be removed."""

    entries: bool
    queue: bool


_TARGETS = {'': Clearing(True, True), 'cache': Clearing(True, False), 'queue': Clearing(False, True)}


def parse_clear(api: Services, request: webob.Request) -> Clearing:
    """Read the headers of ``DELETE /v2/cache``.

    :raises Invalid: a target that there is not
    """
    target = request.headers.get('x-image-cache-clear-target', '').lower()
    if target not in _TARGETS:
        raise errors.Invalid('x-image-cache-clear-target is cache or queue; leave it out to empty both.')
    return _TARGETS[target]


def document(entry: CacheEntry) -> dict[str, Any]:
    """Return the JSON document of an entry; times are seconds since 1970."""
    values: dict[str, Any] = {
        'image_id': entry.image_id,
        'hits': entry.hits,
        'last_accessed': entry.last_accessed,
        'last_modified': entry.last_modified,
        'size': entry.size,
    }
    if entry.number is not None:
        values.update(id=entry.number, checksum=None)
    return values


def render(api: Services, context: RequestContext, result: CacheState, request: webob.Request) -> webob.Response:
    """Write what is cached and queued."""
    return json_response({'cached_images': _documents(result.entries), 'queued_images': result.queued})


def _documents(entries: list[CacheEntry]) -> list[dict[str, Any]]:
    return [document(entry) for entry in entries]


def render_accepted(api: Services, context: RequestContext, result: None, request: webob.Request) -> webob.Response:
    """Say that the work will be done."""
    return _empty(202)


def render_done(api: Services, context: RequestContext, result: None, request: webob.Request) -> webob.Response:
    """Say that the work is done."""
    return _empty(200)


def _empty(status: int) -> webob.Response:
    response = webob.Response(status=status, content_type='text/plain', charset=None)
    del response.content_type
    response.content_length = 0
    return response


def render_nodes(api: Services, context: RequestContext, result: list[str], request: webob.Request) -> webob.Response:
    """Write URLs of nodes."""
    return json_response(result)


def render_pruned(api: Services, context: RequestContext, result: Pruned, request: webob.Request) -> webob.Response:
    """Write what a prune removed."""
    return json_response({'total_files_pruned': result.files, 'total_bytes_pruned': result.size})


def render_cached(api: Services, context: RequestContext, result: list[CacheEntry], request: webob.Request) -> webob.Response:
    """Write what is cached, for the older routes."""
    return json_response({'cached_images': _documents(result)})


def render_queued(api: Services, context: RequestContext, result: list[str], request: webob.Request) -> webob.Response:
    """Write what is queued, for the older routes."""
    return json_response({'queued_images': result})


def render_count(api: Services, context: RequestContext, result: int, request: webob.Request) -> webob.Response:
    """Write how many were removed, for the older routes."""
    return json_response({'num_deleted': result})


def render_null(api: Services, context: RequestContext, result: None, request: webob.Request) -> webob.Response:
    """Write that there is nothing to say, for the older routes."""
    return json_response(None)
