# SPDX-License-Identifier: Apache-2.0
"""Namespaces of metadata definitions."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.serial.metadef_namespace import Page
from glance_clone.api.serial.metadef_namespace import View
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import NamespaceQuery

#: What it takes to see all that is in a namespace.
_SEE_ALL = (
    'get_metadef_namespace',
    'list_metadef_resource_types',
    'get_metadef_objects',
    'get_metadef_properties',
    'get_metadef_tags',
)


def index(api: Services, context: RequestContext, params: Params, wanted: NamespaceQuery) -> Page:
    """List a page of the namespaces that the caller may see."""
    api.metadef_door.require_here(context, 'get_metadef_namespaces', 'list_metadef_resource_types')
    found = api.metadefs.namespaces.list(wanted, context.caller) if wanted.limit else []
    is_full = bool(found) and len(found) == wanted.limit
    shown = [namespace for namespace in found if api.metadef_door.allows(context, namespace, 'get_metadef_namespace')]
    return Page(shown, next_marker=found[-1].name if is_full else None)


def create(api: Services, context: RequestContext, params: Params, wanted: Namespace) -> Namespace:
    """Create a namespace with all that was sent with it, or nothing."""
    api.metadef_door.require_here(context, 'add_metadef_namespace', *_rules_of_contents(wanted))
    wanted.owner = wanted.owner or context.project_id or ''
    if not wanted.owner:
        raise errors.Invalid('You act for no project; say in owner to which one the namespace belongs.')
    api.metadefs.namespaces.add(wanted)
    return wanted


def _rules_of_contents(wanted: Namespace) -> list[str]:
    rules = (
        (wanted.associations, 'add_metadef_resource_type_association'),
        (wanted.objects, 'add_metadef_object'),
        (wanted.properties, 'add_metadef_property'),
        (wanted.tags, 'add_metadef_tag'),
    )
    return [rule for contents, rule in rules if contents]


def show(api: Services, context: RequestContext, params: Params, wanted: str | None) -> View:
    """Show a namespace and everything in it."""
    namespace = api.metadefs.namespaces.whole(params['namespace'], context.caller)
    api.metadef_door.require(context, namespace, *_SEE_ALL)
    return View(namespace, wanted)


def update(api: Services, context: RequestContext, params: Params, wanted: Namespace) -> Namespace:
    """Give a namespace other attributes; what is in it stays."""
    found = api.metadef_door.namespace(context, params['namespace'], 'modify_metadef_namespace')
    wanted.owner = wanted.owner or context.project_id or found.owner
    api.metadefs.namespaces.replace(found, wanted)
    return wanted


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete a namespace and everything in it."""
    api.metadefs.namespaces.remove(api.metadef_door.namespace(context, params['namespace'], 'delete_metadef_namespace'))
