# SPDX-License-Identifier: Apache-2.0
"""Resource types, and which namespaces apply to them."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.domain.metadef import Association
from glance_clone.domain.metadef import ResourceType


def index(api: Services, context: RequestContext, params: Params, wanted: None) -> list[ResourceType]:
    """List all resource types."""
    api.metadef_door.require_here(context, 'list_metadef_resource_types')
    may_see = api.metadef_door.allows_here(context, 'get_metadef_resource_type')
    return api.metadefs.resource_types.list() if may_see else []


def associations(api: Services, context: RequestContext, params: Params, wanted: None) -> list[Association]:
    """List what a namespace applies to."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'list_metadef_resource_types')
    may_see = api.metadef_door.allows(context, namespace, 'get_metadef_resource_type')
    return api.metadefs.resource_types.associations(namespace) if may_see else []


def associate(api: Services, context: RequestContext, params: Params, wanted: Association) -> Association:
    """Make a namespace apply to a resource type."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'add_metadef_resource_type_association')
    api.metadefs.resource_types.associate(namespace, wanted)
    return wanted


def dissociate(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Make a namespace apply to a resource type no longer."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'remove_metadef_resource_type_association')
    found = api.metadefs.resource_types.association(namespace, params['resource_type'])
    api.metadefs.resource_types.dissociate(namespace, found)
