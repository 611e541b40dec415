# SPDX-License-Identifier: Apache-2.0
"""Which major version a request is for, told by its path or its Accept header."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glance_clone.api import services
from glance_clone.api import versions
from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi

_MEDIA_TYPE = 'application/vnd.openstack.images-'


class VersionNegotiationFilter:
    """Rewrites every spelling of a served version to ``/v2``; answers the rest with the list of versions."""

    def __init__(self, app: Wsgi, api: services.Services):
        self._app = app
        self._versions = versions.Versions(api.conf)
        self._prefixes = versions.url_prefixes(api.conf)

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> Callable[[Wsgi], Wsgi]:
        """Make the filter for paste."""
        api = services.current()
        return lambda app: cls(app, api)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        """Handle a request."""
        path = '/' + environ.get('PATH_INFO', '').lstrip('/')
        accept = environ.get('HTTP_ACCEPT', '')
        if accept.startswith(_MEDIA_TYPE):
            version, rest = accept.removeprefix(_MEDIA_TYPE), path
        else:
            version, slash, rest = path[1:].partition('/')
            rest = slash + rest.lstrip('/')
        if version == 'versions':
            return self._versions.respond(environ, start_response, '200 OK')
        if version not in self._prefixes:
            return self._versions.respond(environ, start_response, '300 Multiple Choices')
        environ['PATH_INFO'] = f'/v2{rest}'
        return self._app(environ, start_response)
