# SPDX-License-Identifier: Apache-2.0
"""The older routes to the image cache, which the filter ``cachemanage`` adds; they know images by their ids alone."""

from __future__ import annotations

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.api.v2 import cache as actions
from glance_clone.domain.cache import CacheEntry
from glance_clone.domain.cache import ImageCache


def index(api: Services, context: RequestContext, params: Params, wanted: None) -> list[CacheEntry]:
    """List what is cached."""
    return _open(api, context).entries()


def delete(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Remove an entry, if there is one."""
    _open(api, context).evict(params['image_id'])


def clear(api: Services, context: RequestContext, params: Params, wanted: None) -> int:
    """Remove all entries; return how many there were."""
    return actions.clear_entries(_open(api, context))


def index_queue(api: Services, context: RequestContext, params: Params, wanted: None) -> list[str]:
    """List what is queued."""
    return _open(api, context).queued()


def queue(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Queue an image. It is cached in the next round of the background work, or by ``glance-cache-prefetcher``."""
    _open(api, context).enqueue(params['image_id'])


def dequeue(api: Services, context: RequestContext, params: Params, wanted: None) -> None:
    """Take an image out of the queue, if it is in it."""
    _open(api, context).dequeue(params['image_id'])


def clear_queue(api: Services, context: RequestContext, params: Params, wanted: None) -> int:
    """Empty the queue; return how many images were in it."""
    return actions.clear_queue(_open(api, context))


def _open(api: Services, context: RequestContext) -> ImageCache:
    return actions.open_cache(api, context, 'manage_image_cache')
