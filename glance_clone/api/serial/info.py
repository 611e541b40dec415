# SPDX-License-Identifier: Apache-2.0
"""What the service can do, as documents."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.extensions import Extension
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services
from glance_clone.domain.store_ports import BlobStore


def render_import(api: Services, context: RequestContext, result: list[str], request: webob.Request) -> webob.Response:
    """Write the ways to import data."""
    methods = {'description': 'Import methods available.', 'type': 'array', 'value': result}
    return json_response({'import-methods': methods})


def render_usage(
    api: Services, context: RequestContext, result: dict[str, tuple[int, int]], request: webob.Request
) -> webob.Response:
    """Write what a project has and may have."""
    return json_response({'usage': {name: {'usage': used, 'limit': most} for name, (used, most) in result.items()}})


def render_extensions(
    api: Services, context: RequestContext, result: Sequence[Extension], request: webob.Request
) -> webob.Response:
    """Write what the service offers beyond its versions."""
    return json_response({'extensions': [dataclasses.asdict(extension) for extension in result]})


def render_stores(api: Services, context: RequestContext, result: list[BlobStore], request: webob.Request) -> webob.Response:
    """Write the stores from which users choose."""
    return json_response({'stores': [_choice(api, store) for store in result]})


def render_detail(api: Services, context: RequestContext, result: list[BlobStore], request: webob.Request) -> webob.Response:
    """Write the stores with their settings."""
    return json_response({'stores': [_detail(api, store) for store in result]})


def _choice(api: Services, store: BlobStore) -> dict[str, Any]:
    """Return what users are told: flags are the text ``true``, and there only if they are true."""
    document: dict[str, Any] = {'id': store.id}
    if store.description:
        document['description'] = store.description
    if store.id == api.stores.default.id:
        document['default'] = 'true'
    if not store.writable:
        document['read-only'] = 'true'
    return document


def _detail(api: Services, store: BlobStore) -> dict[str, Any]:
    return {**_choice(api, store), 'type': store.kind, 'weight': store.weight, 'properties': store.properties()}
