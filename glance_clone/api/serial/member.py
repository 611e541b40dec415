# SPDX-License-Identifier: Apache-2.0
"""Members of images: requests and documents."""

from __future__ import annotations

from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.serial import body
from glance_clone.api.serial.image import json_response
from glance_clone.api.serial.image import timestamp
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.member import STATUSES
from glance_clone.domain.member import Member

_MAX_ID = 255


def parse_create(api: Services, request: webob.Request) -> str:
    """Read the body of ``POST /v2/images/{id}/members``: the project to share the image with.

    :raises Invalid: no member, or one that no project could be
    """
    member_id = body.read_object(request, api.conf.max_json_body_size).get('member')
    if isinstance(member_id, int) and not isinstance(member_id, bool):
        member_id = str(member_id)
    if not isinstance(member_id, str) or not 0 < len(member_id) <= _MAX_ID:
        raise errors.Invalid(f'member must be the ID of a project, 1 to {_MAX_ID} characters.')
    body.require_bmp(member_id)
    return member_id


def parse_update(api: Services, request: webob.Request) -> str:
    """Read the body of ``PUT /v2/images/{id}/members/{member}``: what the project says to the offer.

    :raises Invalid: another status than the three that there are
    """
    status = body.read_object(request, api.conf.max_json_body_size).get('status')
    if status not in STATUSES:
        raise errors.Invalid(f'status is one of {", ".join(STATUSES)}.')
    return str(status)


def document(member: Member) -> dict[str, Any]:
    """Return the JSON document of a member."""
    return {
        'member_id': member.member_id,
        'image_id': member.image_id,
        'status': member.status,
        'created_at': timestamp(member.created_at),
        'updated_at': timestamp(member.updated_at),
        'schema': '/v2/schemas/member',
    }


def render(api: Services, context: RequestContext, result: Member, request: webob.Request) -> webob.Response:
    """Write a member."""
    return json_response(document(result))


def render_list(api: Services, context: RequestContext, result: list[Member], request: webob.Request) -> webob.Response:
    """Write the members of an image."""
    return json_response({'members': [document(member) for member in result], 'schema': '/v2/schemas/members'})
