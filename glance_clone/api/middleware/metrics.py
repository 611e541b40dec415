# SPDX-License-Identifier: Apache-2.0
"""Measures requests, and answers ``/metrics``. It stands around the whole pipeline, and only where ``[metrics]`` is on."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from typing import Any

from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi
from glance_clone.domain.metering import Meter

PATH = '/metrics'
#: Where the router leaves the template of the path; requests that never came there have none.
ROUTE = 'glance_clone.route'
_NO_ROUTE = 'none'
_METHODS = frozenset(('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'))
_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'


class Metrics:
    """Around an application.

    :param page: returns what Prometheus reads
    :param token: that a reader has to send, None for none
    """

    def __init__(self, app: Wsgi, meter: Meter, page: Callable[[], bytes], token: str | None):
        self._app = app
        self._meter = meter
        self._page = page
        self._token = f'Bearer {token}'.encode() if token else None

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        """Handle a request."""
        if environ.get('PATH_INFO') == PATH:
            return self._show(environ, start_response)
        begin = time.perf_counter()

        def measure(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            method = environ['REQUEST_METHOD']
            route = environ.get(ROUTE, _NO_ROUTE)
            self._meter.request(method if method in _METHODS else 'OTHER', route, status[:3], time.perf_counter() - begin)
            return start_response(status, headers, exc_info)

        return self._app(environ, measure)

    def _show(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        if environ['REQUEST_METHOD'] not in ('GET', 'HEAD'):
            return _refuse(start_response, '405 Method Not Allowed', ('Allow', 'GET, HEAD'))
        sent = environ.get('HTTP_AUTHORIZATION', '').encode()
        if self._token is not None and not hmac.compare_digest(sent, self._token):
            return _refuse(start_response, '401 Unauthorized', ('WWW-Authenticate', 'Bearer realm="metrics"'))
        body = self._page()
        headers = [('Content-Type', _CONTENT_TYPE), ('Content-Length', str(len(body))), ('Cache-Control', 'no-store')]
        start_response('200 OK', headers)
        return [body] if environ['REQUEST_METHOD'] == 'GET' else []


def _refuse(start_response: StartResponse, status: str, *headers: tuple[str, str]) -> list[bytes]:
    start_response(status, [('Content-Length', '0'), *headers])
    return []
