# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema documents that clients build their models from."""

from __future__ import annotations

from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.schema import member as member_schema
from glance_clone.api.schema import task as task_schema
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services


def image(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
    """Return the schema of an image."""
    return api.image_schema.document


def images(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
    """Return the schema of a list of images."""
    return api.image_schema.collection


def member(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
    """Return the schema of a member of an image."""
    return member_schema.DOCUMENT


def members(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
    """Return the schema of a list of members."""
    return member_schema.COLLECTION


def task(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
    """Return the schema of a task."""
    return task_schema.DOCUMENT


def tasks(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, Any]:
    """Return the schema of a list of tasks."""
    return task_schema.COLLECTION


def render(api: Services, context: RequestContext, result: dict[str, Any], request: webob.Request) -> webob.Response:
    """Write a schema."""
    return json_response(result)
