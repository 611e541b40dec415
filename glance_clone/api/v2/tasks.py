# SPDX-License-Identifier: Apache-2.0
"""Tasks: those of a project, and those that work on an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glance_clone.api import errors as api_errors
from glance_clone.api.context import RequestContext
from glance_clone.api.property_protections import CREATE
from glance_clone.api.resource import Params
from glance_clone.api.serial.image import BASE
from glance_clone.api.serial.task import Page
from glance_clone.api.services import Services
from glance_clone.api.v2.image_import import submitter
from glance_clone.domain import errors
from glance_clone.domain.image import VISIBILITIES
from glance_clone.domain.image import Image
from glance_clone.domain.task import Task
from glance_clone.domain.task import TaskQuery


def of_image(api: Services, context: RequestContext, params: Params, wanted: None) -> Sequence[Task]:
    """List the tasks on an image."""
    image = api.door.image(context, params['image_id'], 'get_image')
    _forget_expired(api, context)
    return api.tasks.of_image(image.id, context.caller)


def index(api: Services, context: RequestContext, params: Params, wanted: TaskQuery) -> Page:
    """List a page of tasks."""
    _require(api, context, 'get_tasks')
    _forget_expired(api, context)
    found = api.tasks.list(wanted, context.caller)
    return Page(found if wanted.limit else [], is_full=bool(wanted.limit) and len(found) == wanted.limit)


def show(api: Services, context: RequestContext, params: Params, wanted: None) -> Task:
    """Show one task."""
    _require(api, context, 'get_task')
    return api.tasks.get(params['task_id'], context.caller)


def create(api: Services, context: RequestContext, params: Params, wanted: dict[str, Any]) -> Task:
    """Ask for an import that makes its own image."""
    _require(api, context, 'add_task')
    properties = wanted.get('image_properties')
    if isinstance(properties, dict):
        _require_image(api, context, properties)
    return api.legacy_imports.start(wanted, submitter(context))


def _require_image(api: Services, context: RequestContext, properties: dict[str, Any]) -> None:
    """Check that the caller may make this image; what else may be wrong with it, the task tells."""
    owner, visibility = properties.get('owner', context.project_id), properties.get('visibility')
    image = Image('', owner=owner if isinstance(owner, str) else None)
    image.visibility = visibility if visibility in VISIBILITIES else image.visibility
    api.door.require_create(context, image)
    for name in sorted(properties.keys() - BASE):
        api.door.require_property(context, CREATE, name)


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Tell that tasks are not deleted."""
    raise api_errors.HTTPError(405, 'Tasks are not deleted through the API; they expire.', {'Allow': 'GET'})


def _require(api: Services, context: RequestContext, rule: str) -> None:
    if not api.door.allows(context, rule, {}):
        raise errors.Forbidden(f'You may not do this (policy {rule}).')


def _forget_expired(api: Services, context: RequestContext) -> None:
    if context.project_id and not context.read_only:
        api.tasks.forget_expired(context.project_id)
