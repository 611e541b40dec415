# SPDX-License-Identifier: Apache-2.0
"""The image cache of the node that is asked."""

from __future__ import annotations

from glance_clone.api import errors as api_errors
from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.serial.cache import CacheState
from glance_clone.api.serial.cache import Clearing
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.cache import ImageCache
from glance_clone.domain.cache import Pruned
from glance_clone.domain.image import ACTIVE


def show(api: Services, context: RequestContext, params: Params, wanted: None) -> CacheState:
    """Show the cache of this node."""
    cache = open_cache(api, context, 'cache_list')
    return CacheState(cache.entries(), cache.queued())


def clear(api: Services, context: RequestContext, params: Params, wanted: Clearing) -> None:
    """Empty the cache, or its queue, or both."""
    cache = open_cache(api, context, 'cache_delete')
    if wanted.queue:
        clear_queue(cache)
    if wanted.entries:
        clear_entries(cache)


def queue(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Have an image cached soon."""
    image_id = params['image_id']
    image = api.images.get(image_id, context.caller)
    cache = open_cache(api, context, 'cache_image')
    if image.status != ACTIVE:
        raise errors.Invalid(f'Image {image_id} is {image.status}; only active images can be cached.')
    cache.enqueue(image_id)
    cache.work_off_queue()


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Remove an image from the cache and its queue, even if it is deleted otherwise."""
    image_id = params['image_id']
    try:
        api.images.get(image_id, context.caller)
    except errors.ImageNotFound:
        if api.cache is None or not is_allowed(api, context, 'cache_delete') or not api.cache.holds(image_id):
            raise
    cache = open_cache(api, context, 'cache_delete')
    cache.dequeue(image_id)
    cache.evict(image_id)


def nodes(api: Services, context: RequestContext, params: Params, wanted: None) -> list[str]:
    """List the nodes that have an image in their cache."""
    cache = open_cache(api, context, 'list_cached_nodes')
    found = cache.nodes(params['image_id'])
    api.images.get(params['image_id'], context.caller)
    return found


def clean(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Remove what failed fills left."""
    open_cache(api, context, 'cache_clean').clean()


def prune(api: Services, context: RequestContext, params: Params, wanted: None) -> Pruned:
    """Shrink the cache to its configured size."""
    return open_cache(api, context, 'cache_prune').prune()


def open_cache(api: Services, context: RequestContext, rule: str) -> ImageCache:
    """Return the cache for something that a rule guards.

    :raises Forbidden: the caller may not do it
    :raises HTTPError: 404, this service has no cache
    """
    if not is_allowed(api, context, rule):
        raise errors.Forbidden(f'Only administrators look after the image cache (policy {rule}).')
    if api.cache is None:
        raise api_errors.HTTPError(404, 'This service has no image cache (image_cache_dir is not set).')
    return api.cache


def is_allowed(api: Services, context: RequestContext, rule: str) -> bool:
    """Tell whether the caller may do what a rule guards."""
    return api.door.allows(context, rule, {'project_id': context.project_id})


def clear_entries(cache: ImageCache) -> int:
    """Remove all entries; return how many there were."""
    return sum(cache.evict(entry.image_id) for entry in cache.entries())


def clear_queue(cache: ImageCache) -> int:
    """Empty the queue; return how many images were in it."""
    return sum(cache.dequeue(image_id) for image_id in cache.queued())
