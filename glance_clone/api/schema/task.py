# SPDX-License-Identifier: Apache-2.0
"""The schema of tasks."""

from __future__ import annotations

from typing import Any

from glance_clone.api.schema.image import UUID
from glance_clone.domain.task import STATUSES
from glance_clone.domain.task import TYPES

_TIME = {'type': 'string'}
_STUB: dict[str, Any] = {
    'id': {'description': 'Identifier of the task', 'pattern': UUID, 'type': 'string'},
    'type': {'description': 'What is done', 'enum': list(TYPES), 'type': 'string'},
    'status': {'description': 'Where the task is on its way', 'enum': list(STATUSES), 'type': 'string'},
    'owner': {'description': 'Project that asked for the task', 'type': 'string'},
    'image_id': {'description': 'Image that the task works on', 'type': 'string'},
    'request_id': {'description': 'Request with which it was asked for', 'type': 'string'},
    'user_id': {'description': 'User who asked for it', 'type': 'string'},
    'expires_at': {'description': 'When the task is forgotten', 'type': ['null', 'string']},
    'created_at': {'description': 'When it was asked for', **_TIME},
    'updated_at': {'description': 'When something was last heard of it', **_TIME},
    'self': {'readOnly': True, 'type': 'string'},
    'schema': {'readOnly': True, 'type': 'string'},
}

DOCUMENT: dict[str, Any] = {
    'name': 'task',
    'properties': {
        **_STUB,
        'input': {'description': 'What was asked for', 'type': ['null', 'object']},
        'result': {'description': 'What came of it', 'type': ['null', 'object']},
        'message': {'description': 'Progress, or why it failed', 'type': 'string'},
    },
}

COLLECTION: dict[str, Any] = {
    'name': 'tasks',
    'properties': {
        'tasks': {'type': 'array', 'items': {'name': 'task', 'properties': _STUB}},
        'schema': {'type': 'string'},
    },
    'links': [{'rel': 'describedby', 'href': '{schema}'}],
}
