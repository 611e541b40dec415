# SPDX-License-Identifier: Apache-2.0
"""The filter ``cachemanage``: the older routes to the image cache, which ``glance-cache-manage`` uses."""

from __future__ import annotations

from typing import Any

from glance_clone.api import resource
from glance_clone.api import services
from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi
from glance_clone.api.middleware.library import Filter
from glance_clone.api.resource import Action
from glance_clone.api.resource import Path
from glance_clone.api.serial import body
from glance_clone.api.serial import cache
from glance_clone.api.v2 import cached_images

#: Whole paths: version negotiation has spelt them so.
TABLE = (
    Path(
        '/v2/cached_images',
        GET=Action(cached_images.index, cache.render_cached),
        DELETE=Action(cached_images.clear, cache.render_count, body.ignore),
    ),
    Path('/v2/cached_images/{image_id}', DELETE=Action(cached_images.delete, cache.render_null, body.ignore)),
    Path(
        '/v2/queued_images',
        GET=Action(cached_images.index_queue, cache.render_queued),
        DELETE=Action(cached_images.clear_queue, cache.render_count, body.ignore),
    ),
    Path(
        '/v2/queued_images/{image_id}',
        PUT=Action(cached_images.queue, cache.render_null, body.ignore),
        DELETE=Action(cached_images.dequeue, cache.render_null, body.ignore),
    ),
)

_PREFIXES = ('/v2/cached_images', '/v2/queued_images')


class CacheManageFilter:
    """Answers the requests of its table; all others pass."""

    def __init__(self, app: Wsgi, api: services.Services):
        self._app = app
        self._own = resource.Application(api, TABLE)

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> Filter:
        """Make the filter for paste."""
        api = services.current()
        return lambda app: cls(app, api)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        """Handle a request."""
        path = environ.get('PATH_INFO', '')
        if path.startswith(_PREFIXES) and self._own.knows(environ['REQUEST_METHOD'], path):
            return self._own(environ, start_response)
        return self._app(environ, start_response)
