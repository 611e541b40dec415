# SPDX-License-Identifier: Apache-2.0
"""Tasks: what requests ask for, and how tasks are shown.

Whoever may not use the tasks API is told so before anything else of a request is looked at.
"""

from __future__ import annotations

import dataclasses
import datetime
import urllib.parse
import uuid
from collections.abc import Sequence
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.serial import body
from glance_clone.api.serial.image import json_response
from glance_clone.api.serial.image import timestamp
from glance_clone.api.serial.image_list import limit_of
from glance_clone.api.serial.image_list import query_pairs
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain import task as tasks
from glance_clone.domain.task import Task
from glance_clone.domain.task import TaskQuery

_ACCESS = 'tasks_api_access'
_MEMBERS = frozenset(('type', 'input'))
_PATH = '/v2/tasks'
_PARAMETERS = frozenset(('limit', 'marker', 'sort_key', 'sort_dir'))


@dataclasses.dataclass(slots=True)
class Page:
    """One page of tasks.

    :ivar is_full: there may be another page after it
    """

    tasks: Sequence[Task]
    is_full: bool


def _require_access(api: Services, request: webob.Request) -> None:
    context: RequestContext = request.environ['glance_clone.context']
    if not api.door.allows(context, _ACCESS, {}):
        raise errors.Forbidden(f'You may not use the tasks API (policy {_ACCESS}).')


def parse_show(api: Services, request: webob.Request) -> None:
    """Read a request about one task."""
    _require_access(api, request)
    body.refuse_any(api, request)


def parse_list(api: Services, request: webob.Request) -> TaskQuery:
    """Read the query string of ``GET /v2/tasks``.

    :raises Invalid: a parameter with a value that it cannot have
    """
    _require_access(api, request)
    body.refuse_any(api, request)
    pairs = query_pairs(request)
    given = dict(pairs)
    if any('\0' in name or '\0' in value for name, value in pairs):
        raise errors.Invalid('A filter contains a NUL character.')
    direction = given.get('sort_dir', 'desc')
    if direction not in ('asc', 'desc'):
        raise errors.Invalid('sort_dir is asc or desc.')
    if 'marker' in given and not _is_uuid(given['marker']):
        raise errors.Invalid('marker is not the ID of a task.')
    if given.get('status', tasks.PENDING) not in tasks.STATUSES:
        raise errors.Invalid(f'status is one of {", ".join(tasks.STATUSES)}.')
    if given.get('type', tasks.LEGACY_IMPORT) != tasks.LEGACY_IMPORT:
        raise errors.Invalid('The only type of tasks that can be asked for is import.')
    return TaskQuery(
        filters={name: value for name, value in given.items() if name not in _PARAMETERS},
        sort=(given.get('sort_key', 'created_at'), direction),
        marker=given.get('marker'),
        limit=limit_of(pairs, api.conf),
    )


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def parse_create(api: Services, request: webob.Request) -> dict[str, Any]:
    """Read the body of ``POST /v2/tasks``: an object with ``type`` and ``input``.

    :raises Invalid: it is none, or asks for what only the service itself does (W-11)
    """
    _require_access(api, request)
    document = body.read_object(request, api.conf.max_json_body_size)
    unknown = sorted(set(document) - _MEMBERS)
    if unknown:
        raise errors.Invalid(f'A task is asked for with type and input only, not with {", ".join(unknown)[:200]}.')
    if document.get('type') != tasks.LEGACY_IMPORT:
        raise errors.Invalid('The only type of tasks that can be asked for is import; see also POST /v2/images/{id}/import.')
    if not isinstance(document.get('input'), dict):
        raise errors.Invalid('input must be an object.')
    body.require_bmp(document)
    return dict(document['input'])


def render(api: Services, context: RequestContext, result: Task, request: webob.Request) -> webob.Response:
    """Write a task."""
    return json_response(_document(result))


def render_created(api: Services, context: RequestContext, result: Task, request: webob.Request) -> webob.Response:
    """Write a task that was just accepted."""
    response = json_response(_document(result))
    response.status_int = 201
    response.location = f'{request.application_url.rstrip("/")}/tasks/{result.id}'
    return response


def render_list(api: Services, context: RequestContext, result: Page, request: webob.Request) -> webob.Response:
    """Write a page with links to the first one and the next."""
    pairs = [pair for pair in query_pairs(request) if pair[0] != 'marker']
    document: dict[str, Any] = {'tasks': [_stub(task) for task in result.tasks], 'schema': '/v2/schemas/tasks'}
    document['first'] = _link(pairs)
    if result.is_full:
        document['next'] = _link([*pairs, ('marker', result.tasks[-1].id)])
    return json_response(document)


def render_of_image(api: Services, context: RequestContext, result: Sequence[Task], request: webob.Request) -> webob.Response:
    """Write the tasks on an image, which look different from those of the tasks API."""
    return json_response({'tasks': [_raw(task) for task in result]})


def _link(pairs: list[tuple[str, str]]) -> str:
    return f'{_PATH}?{urllib.parse.urlencode(pairs)}' if pairs else _PATH


def _stub(task: Task) -> dict[str, Any]:
    document: dict[str, Any] = {
        'id': task.id,
        'type': task.type,
        'status': task.status,
        'owner': task.owner,
        'created_at': timestamp(task.created_at),
        'updated_at': timestamp(task.updated_at),
        'self': f'{_PATH}/{task.id}',
        'schema': '/v2/schemas/task',
    }
    if task.expires_at:
        document['expires_at'] = timestamp(task.expires_at)
    return document


def _document(task: Task) -> dict[str, Any]:
    document = _stub(task)
    document.update(input=task.input, result=task.result, message=task.message)
    more = {'image_id': task.image_id, 'request_id': task.request_id, 'user_id': task.user_id}
    document.update({name: value for name, value in more.items() if value})
    return document


def _raw(task: Task) -> dict[str, Any]:
    return {
        'id': task.id,
        'type': task.type,
        'status': task.status,
        'owner': task.owner,
        'expires_at': _precise(task.expires_at),
        'created_at': _precise(task.created_at),
        'updated_at': _precise(task.updated_at),
        'deleted_at': None,
        'deleted': False,
        'image_id': task.image_id,
        'request_id': task.request_id,
        'user_id': task.user_id,
        'input': task.input,
        'result': task.result,
        'message': task.message,
    }


def _precise(moment: datetime.datetime | None) -> str | None:
    return moment.isoformat(timespec='microseconds') if moment else None
