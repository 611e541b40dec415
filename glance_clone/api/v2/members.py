# SPDX-License-Identifier: Apache-2.0
"""Sharing an image with other projects, one by one."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import SHARED
from glance_clone.domain.image import Image
from glance_clone.domain.member import Member


def index(api: Services, context: RequestContext, params: Params, wanted: None) -> list[Member]:
    """List the members of an image; to a member only itself."""
    image = _shared_image(api, context, params['image_id'])
    api.door.require_on_image(context, image, 'get_members')
    members = api.members.list(image.id)
    return [member for member in members if _may_know(context, image, member.member_id)]


def create(api: Services, context: RequestContext, params: Params, wanted: str) -> Member:
    """Share an image with a project, which is then to accept or reject it."""
    image = _shared_image(api, context, params['image_id'])
    api.door.require_on_image(context, image, 'add_member')
    member = Member(image.id, wanted)
    api.members.add(member, api.conf.image_member_quota)
    return member


def show(api: Services, context: RequestContext, params: Params, wanted: None) -> Member:
    """Show one member."""
    image = api.images.get(params['image_id'], context.caller)
    if image.visibility != SHARED or not _may_know(context, image, params['member_id']):
        raise _unknown(api, context, image, params['member_id'])
    member = _get(api, context, image, params['member_id'])
    api.door.require_on_member(context, image, member, 'get_member')
    return member


def update(api: Services, context: RequestContext, params: Params, wanted: str) -> Member:
    """Accept or reject an image on behalf of the member."""
    image, member = _found(api, context, params)
    api.door.require_on_member(context, image, member, 'modify_member')
    member.status = wanted
    api.members.save(member)
    return member


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Share an image with a project no longer."""
    image, member = _found(api, context, params)
    api.door.require_on_image(context, image, 'delete_member')
    api.members.remove(member)


def _found(api: Services, context: RequestContext, params: Params) -> tuple[Image, Member]:
    image = _shared_image(api, context, params['image_id'])
    if not _may_know(context, image, params['member_id']):
        raise _unknown(api, context, image, params['member_id'])
    return image, _get(api, context, image, params['member_id'])


def _get(api: Services, context: RequestContext, image: Image, member_id: str) -> Member:
    try:
        return api.members.get(image.id, member_id)
    except errors.MemberNotFound:
        raise _unknown(api, context, image, member_id) from None


def _unknown(api: Services, context: RequestContext, image: Image, member_id: str) -> errors.MemberNotFound:
    """Return that there is no such member.

    :raises ImageNotFound: the caller may not even know that there is such an image
    """
    api.door.require_on_image(context, image, 'get_image')
    return errors.MemberNotFound(image.id, member_id)


def _shared_image(api: Services, context: RequestContext, image_id: str) -> Image:
    """Return an image that can have members.

    :raises Forbidden: its visibility is not ``shared``
    """
    image = api.images.get(image_id, context.caller)
    if image.visibility != SHARED:
        raise errors.Forbidden(f'Image {image_id} is {image.visibility}; only shared images have members.')
    return image


def _may_know(context: RequestContext, image: Image, member_id: str) -> bool:
    """Tell whether a caller may know of a member: owners and administrators of all, a member only of itself."""
    return bool(context.is_admin) or context.project_id in (image.owner, member_id)
