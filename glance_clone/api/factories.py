# SPDX-License-Identifier: Apache-2.0
"""What the paste file names: the applications, and how they are joined.

The order of filters is the paste file's alone. Objects reach the factories through
:func:`glance_clone.api.services.current`.
"""

from __future__ import annotations

from typing import Any

import webob

from glance_clone.api import resource
from glance_clone.api import routes
from glance_clone.api import services
from glance_clone.api import versions
from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi


class PrefixMap:
    """Chooses an application by the beginning of the path, the longest prefix first."""

    def __init__(self, apps: dict[str, Wsgi]):
        self._apps = sorted(((p.rstrip('/'), app) for p, app in apps.items()), key=lambda pair: -len(pair[0]))

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        """Handle a request."""
        path = environ.get('PATH_INFO', '')
        for prefix, app in self._apps:
            if path == prefix or path.startswith(f'{prefix}/') or not prefix:
                if prefix:
                    environ['SCRIPT_NAME'] = environ.get('SCRIPT_NAME', '') + prefix
                    environ['PATH_INFO'] = path[len(prefix) :]
                return app(environ, start_response)
        raise LookupError('The paste file mounts nothing at /')


def root_app_factory(loader: Any, global_conf: dict[str, str], **local_conf: str) -> Wsgi:
    """Mount applications by path: every option of the section is ``path = application``."""
    return PrefixMap({path: loader.get_app(name, global_conf=global_conf) for path, name in local_conf.items()})


def pipeline_factory(loader: Any, global_conf: dict[str, str], **local_conf: str) -> Wsgi:
    """Build the pipeline of the configured flavor: every option is ``flavor = filter filter ... application``."""
    flavor = services.current().conf.paste_deploy.flavor or 'default'
    if flavor not in local_conf:
        raise LookupError(
            f'The paste file has no pipeline for [paste_deploy] flavor = {flavor}; it knows {", ".join(sorted(local_conf))}.'
        )
    *filters, app_name = local_conf[flavor].split()
    app = loader.get_app(app_name, global_conf=global_conf)
    for name in reversed(filters):
        app = loader.get_filter(name, global_conf=global_conf)(app)
    return app


def versions_app_factory(global_conf: dict[str, str], **local_conf: str) -> Wsgi:
    """Make the application that lists the API versions."""
    return versions.Versions(services.current().conf)


def v2_app_factory(global_conf: dict[str, str], **local_conf: str) -> Wsgi:
    """Make the application of API version 2."""
    app = resource.Application(services.current(), routes.TABLE)

    def handle(environ: dict[str, Any], start_response: StartResponse) -> Any:
        if not environ.get('PATH_INFO'):
            return _redirect_to_slash(environ, start_response)
        return app(environ, start_response)

    return handle


def _redirect_to_slash(environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    location = webob.Request(environ).application_url + '/'
    start_response('302 Found', [('Location', location), ('Content-Length', '0')])
    return []
