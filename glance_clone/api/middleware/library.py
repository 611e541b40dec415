# SPDX-License-Identifier: Apache-2.0
"""Filters of oslo.middleware and osprofiler, entered only by requests that concern them.

Each of them rebuilds the request and the response that passes through. A request that they would not change gets the
same answer without them, sooner, and downloads keep the server's way of sending files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oslo_middleware import cors
from oslo_middleware import http_proxy_to_wsgi

from glance_clone.api import services
from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi

Filter = Callable[[Wsgi], Wsgi]


def cors_factory(global_conf: dict[str, str], **local_conf: str) -> Filter:
    """Make the filter ``cors``: for requests from a browser (with an Origin) and for OPTIONS.

    Options in the paste section are those of ``[cors]``; where it names no ``allowed_origin``, the configuration counts.
    """
    conf = local_conf if 'allowed_origin' in local_conf else services.current().conf

    def make(app: Wsgi) -> Wsgi:
        checked = cors.CORS(app, conf)

        def handle(environ: dict[str, Any], start_response: StartResponse) -> Any:
            concerned = 'HTTP_ORIGIN' in environ or environ['REQUEST_METHOD'] == 'OPTIONS'
            return (checked if concerned else app)(environ, start_response)

        return handle

    return make


def http_proxy_to_wsgi_factory(global_conf: dict[str, str], **local_conf: str) -> Filter:
    """Make the filter ``http_proxy_to_wsgi``: there only if ``enable_proxy_headers_parsing`` is on."""
    conf = services.current().conf
    conf.register_opts(http_proxy_to_wsgi.OPTS, group='oslo_middleware')
    if not conf.oslo_middleware.enable_proxy_headers_parsing:
        return lambda app: app
    return lambda app: http_proxy_to_wsgi.HTTPProxyToWSGI(app, conf)


def osprofiler_factory(global_conf: dict[str, str], **local_conf: str) -> Filter:
    """Make the filter ``osprofiler``: there only if ``[profiler] enabled`` is on."""
    conf = services.current().conf
    if not conf.profiler.enabled:
        return lambda app: app
    from osprofiler import web  # noqa: PLC0415 - it brings much with it

    return lambda app: web.WsgiMiddleware(app, hmac_keys=conf.profiler.hmac_keys, enabled=True)
