# SPDX-License-Identifier: Apache-2.0
"""The list of API versions, by which clients find out what the service can do."""

from __future__ import annotations

import json
from typing import Any

import webob
from oslo_config import cfg

#: What an operator has to configure for a version to be offered: the image cache, several stores, or nothing.
_CACHE, _STORES, _NO_CACHE, _ALWAYS = 'cache', 'stores', 'no cache', 'always'

#: Minor versions in the order in which they are listed.
_LISTED = (
    ((18,), _CACHE),
    ((17, 16), _CACHE),
    ((15,), _ALWAYS),
    ((14,), _CACHE),
    ((13, 12, 11, 10), _STORES),
    ((9,), _ALWAYS),
    ((8,), _STORES),
    ((17,), _NO_CACHE),
    ((7, 6, 5, 4, 3, 2, 1, 0), _ALWAYS),
)


def _offered(conf: cfg.ConfigOpts) -> list[int]:
    met = {
        _CACHE: bool(conf.image_cache_dir),
        _NO_CACHE: not conf.image_cache_dir,
        _STORES: bool(conf.enabled_backends),
        _ALWAYS: True,
    }
    return [minor for minors, condition in _LISTED if met[condition] for minor in minors]


def url_prefixes(conf: cfg.ConfigOpts) -> frozenset[str]:
    """Return the first path segments that lead to the API; all are the same API."""
    return frozenset(('v2', *(f'v2.{minor}' for minor in _offered(conf))))


class Versions:
    """Answers with the list of versions."""

    def __init__(self, conf: cfg.ConfigOpts):
        self._endpoint = conf.public_endpoint
        self._minors = _offered(conf)

    def document(self, base: str) -> dict[str, Any]:
        """Return the list with links under a base URL; the highest version is the current one."""
        links = [{'rel': 'self', 'href': f'{base.rstrip("/")}/v2/'}]
        current = max(self._minors)
        return {
            'versions': [
                {'id': f'v2.{minor}', 'status': 'CURRENT' if minor == current else 'SUPPORTED', 'links': links}
                for minor in self._minors
            ]
        }

    def respond(self, environ: dict[str, Any], start_response: Any, status: str) -> Any:
        """Answer a request with the list."""
        base = self._endpoint or webob.Request(environ).application_url
        response = webob.Response(
            json.dumps(self.document(base)).encode(), status=status, content_type='application/json', charset=None
        )
        return response(environ, start_response)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve as a WSGI application at the root."""
        return self.respond(environ, start_response, '300 Multiple Choices')
