# SPDX-License-Identifier: Apache-2.0
"""The door: every decision who may do what is made here, once per request, on the database row (P9)."""

from __future__ import annotations

from typing import Any

from glance_clone.api.context import RequestContext
from glance_clone.api.property_protections import Protections
from glance_clone.api.property_protections import Rule
from glance_clone.api.rules import Rules
from glance_clone.domain import errors
from glance_clone.domain.image import COMMUNITY
from glance_clone.domain.image import PUBLIC
from glance_clone.domain.image import Image
from glance_clone.domain.member import Member
from glance_clone.domain.ports import ImageRepository

#: What only the owner of an image and administrators may do where rules say nothing of projects, see :class:`Door`.
_OF_OWNERS = frozenset(
    (
        'modify_image',
        'delete_image',
        'upload_image',
        'deactivate',
        'reactivate',
        'set_image_location',
        'delete_image_location',
        'add_member',
        'delete_member',
    )
)


class Door:
    """Decides whether a caller may do something.

    :param protections: who may do what with which custom properties; None if that is not restricted
    :param owners_only: whether rules may let everybody pass who has a token, as the old defaults do with ``[oslo_policy]
        enforce_new_defaults = false``: what belongs to the owner, or to the member, of an image is then left to them
    """

    def __init__(
        self, rules: Rules, images: ImageRepository, protections: Protections | None = None, owners_only: bool = False
    ):
        self._rules = rules
        self._images = images
        self._protections = protections
        self._owners_only = owners_only

    def image(self, context: RequestContext, image_id: str, rule: str) -> Image:
        """Return the image if the caller may do to it what the rule guards.

        :raises ImageNotFound: no such image, or the caller may not see it
        :raises Forbidden: the caller may see it, but not do this
        """
        image = self._images.get(image_id, context.caller)
        self.require_on_image(context, image, rule)
        return image

    def require_on_image(self, context: RequestContext, image: Image, rule: str) -> None:
        """Check a rule on an image that was read already; raises as :meth:`image` does."""
        target = image_target(image)
        if self.allows(context, rule, target):
            if rule in _OF_OWNERS:
                self._require_own(context, image.owner)
            return
        if rule == 'get_image' or not self.allows(context, 'get_image', target):
            raise errors.ImageNotFound(image.id)
        raise errors.Forbidden(f'You may see image {image.id}, but not do this to it (policy {rule}).')

    def require_on_member(self, context: RequestContext, image: Image, member: Member, rule: str) -> None:
        """Check a rule on one member of an image; raises as :meth:`image` does."""
        if not self.allows(context, rule, {**image_target(image), 'member_id': member.member_id}):
            self.require_on_image(context, image, 'get_image')
            raise errors.Forbidden(f'You may not do this to member {member.member_id} of image {image.id} (policy {rule}).')
        if rule == 'modify_member':
            self._require_own(context, member.member_id)

    def _require_own(self, context: RequestContext, project: str | None) -> None:
        """Refuse what is up to a project to everybody else but administrators, whatever lenient rules say."""
        own = project is not None and context.project_id == project
        if self._owners_only and not (context.is_admin or own):
            raise errors.Forbidden('Only the project to which this belongs, or an administrator, may do this.')

    def may_see(self, context: RequestContext, image: Image) -> bool:
        """Tell whether policy lets the caller see an image whose row is visible."""
        return self.allows(context, 'get_image', image_target(image))

    def require_list(self, context: RequestContext) -> None:
        """Check that the caller may list images.

        :raises Forbidden: not so
        """
        if not self.allows(context, 'get_images', {'project_id': context.project_id}):
            raise errors.Forbidden('You may not list images here (policy get_images).')

    def require_create(self, context: RequestContext, image: Image) -> None:
        """Check that the caller may create this image, for this owner, with this visibility.

        :raises Forbidden: not so
        """
        target = {'project_id': image.owner, 'owner': image.owner, 'visibility': image.visibility}
        if not self.allows(context, 'add_image', target):
            raise errors.Forbidden('You may not create this image (policy add_image).')
        self._require_visibility(context, image.visibility, target)
        if not context.is_admin and image.owner != context.project_id:
            raise errors.Forbidden('Only an administrator may create images for another project.')

    def require_visibility(self, context: RequestContext, image: Image, visibility: str) -> None:
        """Check that the caller may give an image this visibility, also where it has it.

        :raises Forbidden: not so
        """
        self._require_visibility(context, visibility, image_target(image))

    def _require_visibility(self, context: RequestContext, visibility: str, target: dict[str, Any]) -> None:
        rule = {PUBLIC: 'publicize_image', COMMUNITY: 'communitize_image'}.get(visibility)
        if rule and not self.allows(context, rule, target):
            raise errors.Forbidden(f'You may not make an image {visibility} (policy {rule}).')

    @property
    def protects_properties(self) -> bool:
        """Whether there are custom properties that not everybody may see and change."""
        return self._protections is not None

    def allows_property(self, context: RequestContext, operation: str, name: str) -> bool:
        """Tell whether property protections let the caller do something to a custom property of that name."""
        if self._protections is None:
            return True
        key = ('property', operation, name)
        decision = context.decisions.get(key)
        if decision is None:
            decision = self._complies(context, self._protections.rule(operation, name))
            context.decisions[key] = decision
        return decision

    def require_property(self, context: RequestContext, operation: str, name: str) -> None:
        """Check that property protections let the caller do something to a custom property.

        :raises Forbidden: not so
        """
        if not self.allows_property(context, operation, name):
            raise errors.Forbidden(f'You may not {operation} the property {name[:80]} (property protection).')

    def _complies(self, context: RequestContext, rule: Rule) -> bool:
        if rule.everybody:
            return True
        # The roles of a service that acts for the user count here, and nowhere else (W-24).
        roles = [*context.roles, *(context.service_roles or ())]
        if rule.policy is None:
            return not rule.roles.isdisjoint(roles)
        if not self._rules.knows(rule.policy):
            # The policy file was changed since; nobody is let through by a rule that is gone.
            return False
        return self._rules.allows(rule.policy, {}, {**context.policy_values, 'roles': roles})

    def is_admin(self, context: RequestContext) -> bool:
        """Tell whether the caller sees and may do everything."""
        return self.allows(context, 'context_is_admin', {})

    def allows(self, context: RequestContext, rule: str, target: dict[str, Any]) -> bool:
        """Tell whether a rule lets the caller do something to a target."""
        return self._rules.allows(rule, target, context.policy_values)


def image_target(image: Image) -> dict[str, Any]:
    """Return what access rules may look at in an image."""
    return {
        'project_id': image.owner,
        'owner': image.owner,
        'member_id': image.member_id,
        'visibility': image.visibility,
        'id': image.id,
        'image_id': image.id,
        'name': image.name,
        'status': image.status,
        'protected': image.protected,
        'os_hidden': image.os_hidden,
        'disk_format': image.disk_format,
        'container_format': image.container_format,
    }
