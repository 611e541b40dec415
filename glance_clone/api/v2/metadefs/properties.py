# SPDX-License-Identifier: Apache-2.0
"""Properties of namespaces."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace
from glance_clone.domain.metadef import Property


def index(api: Services, context: RequestContext, params: Params, wanted: None) -> list[Property]:
    """List the properties of a namespace, all of them."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'get_metadef_properties')
    may_see = api.metadef_door.allows(context, namespace, 'get_metadef_property')
    return api.metadefs.properties.list(namespace) if may_see else []


def create(api: Services, context: RequestContext, params: Params, wanted: Property) -> Property:
    """Add a property to a namespace."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'add_metadef_property')
    api.metadefs.properties.add(namespace, wanted)
    return wanted


def show(api: Services, context: RequestContext, params: Params, wanted: str | None) -> Property:
    """Show one property, by its own name or by the one that it has on a type of resource."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'get_metadef_property')
    name = params['property']
    if wanted is not None:
        api.metadef_door.require(context, namespace, 'get_metadef_resource_type')
        name = _own_name(api, namespace, name, wanted)
    return api.metadefs.properties.get(namespace, name)


def _own_name(api: Services, namespace: Namespace, name: str, resource_type: str) -> str:
    """Return what a property is called without the prefix that it has on a type of resource.

    :raises DefinitionNotFound: it does not begin with the prefix, or there is none
    """
    prefix = api.metadefs.resource_types.association(namespace, resource_type).prefix
    if not prefix or not name.startswith(prefix):
        raise errors.DefinitionNotFound('property', name)
    return name.removeprefix(prefix)


def update(api: Services, context: RequestContext, params: Params, wanted: Property) -> Property:
    """Put another property in the place of one."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'modify_metadef_property')
    api.metadefs.properties.replace(namespace, api.metadefs.properties.get(namespace, params['property']), wanted)
    return wanted


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete one property."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'remove_metadef_property')
    api.metadefs.properties.remove(namespace, api.metadefs.properties.get(namespace, params['property']))


def delete_all(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete all properties of a namespace."""
    api.metadefs.properties.clear(api.metadef_door.namespace(context, params['namespace'], 'delete_metadef_namespace'))
