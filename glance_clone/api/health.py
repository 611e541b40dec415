# SPDX-License-Identifier: Apache-2.0
"""``/healthcheck/live`` tells that a process need not be started anew, ``/healthcheck/ready`` that it can serve (D-15).

They need no login. What exactly is wrong is told by the log, and in the answer only with ``[healthcheck] detailed``.
"""

from __future__ import annotations

import json
import os
from typing import Any

import webob
from oslo_middleware.healthcheck import opts

from glance_clone.api import services
from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi


def live_factory(global_conf: dict[str, str], **local_conf: str) -> Wsgi:
    """Make the application that answers as long as the process can answer at all."""

    def handle(environ: dict[str, Any], start_response: StartResponse) -> Any:
        return _answer(environ, True, 'OK', {'live': True})(environ, start_response)

    return handle


def ready_factory(global_conf: dict[str, str], **local_conf: str) -> Wsgi:
    """Make the application that answers 503 while something is missing that requests need.

    Option ``disable_by_file_path`` of the paste section: while this file is there, the answer is 503.
    """
    api = services.current()
    api.conf.register_opts(opts.HEALTHCHECK_OPTS, group='healthcheck')
    path = local_conf.get('disable_by_file_path')

    def handle(environ: dict[str, Any], start_response: StartResponse) -> Any:
        if path and os.path.exists(path):
            return _answer(environ, False, 'DISABLED BY FILE', {'ready': False})(environ, start_response)
        results = api.readiness.results()
        is_ready = all(results.values())
        document: dict[str, Any] = {'ready': is_ready}
        if api.conf.healthcheck.detailed:
            document['checks'] = {name: 'ok' if passed else 'failed' for name, passed in results.items()}
        return _answer(environ, is_ready, 'OK' if is_ready else 'NOT READY', document)(environ, start_response)

    return handle


def _answer(environ: dict[str, Any], is_well: bool, text: str, document: dict[str, Any]) -> webob.Response:
    """Return an answer in JSON where the client prefers it, else as text."""
    request = webob.Request(environ)
    if request.method not in ('GET', 'HEAD'):
        return webob.Response(status=405, headers={'Allow': 'GET, HEAD'}, content_type='text/plain')
    is_json = request.accept.best_match(['text/plain', 'application/json'], 'text/plain') == 'application/json'
    body = json.dumps(document) if is_json else text
    response = webob.Response(
        body.encode(),
        status=200 if is_well else 503,
        content_type='application/json' if is_json else 'text/plain',
        charset=None,
    )
    response.headers['Cache-Control'] = 'no-store'
    if not is_well:
        response.headers['Retry-After'] = '5'
    return response
