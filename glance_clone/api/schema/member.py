# SPDX-License-Identifier: Apache-2.0
"""The schema of the members of an image."""

from __future__ import annotations

from typing import Any

from glance_clone.api.schema.image import UUID
from glance_clone.domain.member import STATUSES

DOCUMENT: dict[str, Any] = {
    'name': 'member',
    'properties': {
        'member_id': {'description': 'Project with which the image is shared', 'type': 'string'},
        'image_id': {'description': 'Identifier of the image', 'type': 'string', 'pattern': UUID},
        'created_at': {'description': 'When the image was shared with the project', 'type': 'string'},
        'updated_at': {'description': 'When the project last answered', 'type': 'string'},
        'status': {'description': 'What the project says to it', 'type': 'string', 'enum': list(STATUSES)},
        'schema': {'readOnly': True, 'type': 'string'},
    },
}

COLLECTION: dict[str, Any] = {
    'name': 'members',
    'properties': {'members': {'type': 'array', 'items': DOCUMENT}, 'schema': {'type': 'string'}},
    'links': [{'rel': 'describedby', 'href': '{schema}'}],
}
