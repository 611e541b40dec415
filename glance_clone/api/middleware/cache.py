# SPDX-License-Identifier: Apache-2.0
"""The filter ``cache``: downloads of this pipeline are served from the image cache, and fill it.

No request passes through anything here. The cache itself is a layer behind the door (``glance_clone.layers.caching``), so
that a cached download is authorised by the very same code as any other; this filter only switches it on.
"""

from __future__ import annotations

from oslo_log import log as logging

from glance_clone.api import services
from glance_clone.api.middleware.context import Wsgi
from glance_clone.api.middleware.library import Filter

LOG = logging.getLogger(__name__)


class CacheFilter:
    """A filter of paste files."""

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> Filter:
        """Switch the cache on, and return the application as it is."""
        cache = services.current().cache
        if cache is None:
            LOG.warning('[paste_deploy] flavor asks for the image cache, but image_cache_dir is not set: nothing is cached.')
        else:
            cache.serves = True

        def make(app: Wsgi) -> Wsgi:
            return app

        return make
