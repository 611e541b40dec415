# SPDX-License-Identifier: Apache-2.0
"""Objects of namespaces."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.serial.metadef_object import View
from glance_clone.api.services import Services
from glance_clone.domain.metadef import Object


def index(api: Services, context: RequestContext, params: Params, wanted: None) -> View:
    """List the objects of a namespace, all of them."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'get_metadef_objects')
    may_see = api.metadef_door.allows(context, namespace, 'get_metadef_object')
    return View(namespace.name, api.metadefs.objects.list(namespace) if may_see else [])


def create(api: Services, context: RequestContext, params: Params, wanted: Object) -> View:
    """Add an object to a namespace."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'add_metadef_object')
    api.metadefs.objects.add(namespace, wanted)
    return View(namespace.name, [wanted])


def show(api: Services, context: RequestContext, params: Params, wanted: None) -> View:
    """Show one object."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'get_metadef_object')
    return View(namespace.name, [api.metadefs.objects.get(namespace, params['object'])])


def update(api: Services, context: RequestContext, params: Params, wanted: Object) -> View:
    """Put another object in the place of one."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'modify_metadef_object')
    api.metadefs.objects.replace(namespace, api.metadefs.objects.get(namespace, params['object']), wanted)
    return View(namespace.name, [wanted])


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete one object."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'delete_metadef_object')
    api.metadefs.objects.remove(namespace, api.metadefs.objects.get(namespace, params['object']))


def delete_all(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete all objects of a namespace."""
    api.metadefs.objects.clear(api.metadef_door.namespace(context, params['namespace'], 'delete_metadef_namespace'))
