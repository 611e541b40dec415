# SPDX-License-Identifier: Apache-2.0
"""Tags of namespaces."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.serial.metadef_tag import NewTags
from glance_clone.api.services import Services
from glance_clone.domain.metadef import ListQuery
from glance_clone.domain.metadef import Tag
from glance_clone.domain.metadef import require_name


def index(api: Services, context: RequestContext, params: Params, wanted: ListQuery) -> list[Tag]:
    """List the tags of a namespace."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'get_metadef_tags')
    may_see = api.metadef_door.allows(context, namespace, 'get_metadef_tag')
    return api.metadefs.tags.list(namespace, wanted) if may_see else []


def create(api: Services, context: RequestContext, params: Params, wanted: None) -> Tag:
    """Add one tag to a namespace."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'add_metadef_tag')
    require_name('tag', params['tag'])
    tag = Tag(params['tag'])
    api.metadefs.tags.add(namespace, tag)
    return tag


def create_several(api: Services, context: RequestContext, params: Params, wanted: NewTags) -> list[Tag]:
    """Give a namespace several tags, instead of those that it has or beside them; an empty list changes nothing."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'add_metadef_tags')
    api.metadefs.tags.add_all(namespace, wanted.tags, wanted.append)
    return wanted.tags


def show(api: Services, context: RequestContext, params: Params, wanted: None) -> Tag:
    """Show one tag."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'get_metadef_tag')
    return api.metadefs.tags.get(namespace, params['tag'])


def update(api: Services, context: RequestContext, params: Params, wanted: Tag) -> Tag:
    """Give a tag another name."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'modify_metadef_tag')
    api.metadefs.tags.replace(namespace, api.metadefs.tags.get(namespace, params['tag']), wanted)
    return wanted


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete one tag."""
    namespace = api.metadef_door.namespace(context, params['namespace'], 'delete_metadef_tag')
    api.metadefs.tags.remove(namespace, api.metadefs.tags.get(namespace, params['tag']))


def delete_all(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Delete all tags of a namespace."""
    rules = ('delete_metadef_namespace', 'delete_metadef_tags')
    api.metadefs.tags.clear(api.metadef_door.namespace(context, params['namespace'], *rules))
