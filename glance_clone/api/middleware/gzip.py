# SPDX-License-Identifier: Apache-2.0
"""The filter ``gzip``: compresses answers for clients that ask for it. No shipped pipeline has it.

Documents are compressed as a whole, data while it is sent, so that its compressed length is not announced. ``Content-MD5``
stays that of the plain data, and a part of the data is sent as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import webob

from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi

_DATA = 'application/octet-stream'
_LEVEL = 6
#: Makes zlib write gzip.
_WINDOW = 31


class GzipMiddleware:
    """Compresses what passes, if the client takes it."""

    def __init__(self, app: Wsgi):
        self._app = app

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> type[GzipMiddleware]:
        """Return the filter, as the paste file asks."""
        return cls

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle a request."""
        request = webob.Request(environ)
        if not _takes_gzip(request):
            return self._app(environ, start_response)
        # Files that the server would send by itself would pass by this filter.
        environ.pop('wsgi.file_wrapper', None)
        response: webob.Response = request.get_response(self._app)
        response.headers.add('Vary', 'Accept-Encoding')
        if response.status_int != 200 or request.method == 'HEAD' or response.content_encoding:
            return response(environ, start_response)
        if response.content_type == _DATA:
            response.app_iter = _Compressed(response.app_iter)
            response.content_length = None
        else:
            md5 = response.headers.get('Content-MD5')
            response.body = b''.join(_Compressed([response.body]))
            if md5:
                response.headers['Content-MD5'] = md5
        response.content_encoding = 'gzip'
        return response(environ, start_response)


class _Compressed:
    """Blocks compressed one after the other."""

    def __init__(self, blocks: Iterable[bytes]):
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _WINDOW)
        for block in self._blocks:
            if compressed := compressor.compress(block):
                yield compressed
        yield compressor.flush()

    def close(self) -> None:
        """Close what the blocks come from."""
        close = getattr(self._blocks, 'close', None)
        if close is not None:
            close()


def _takes_gzip(request: webob.Request) -> bool:
    """Tell whether the client asks for gzip by name."""
    for part in request.headers.get('Accept-Encoding', '').lower().split(','):
        coding, _, weight = part.partition(';')
        if coding.strip() in ('gzip', 'x-gzip'):
            return weight.replace(' ', '').rstrip('0') not in ('q=', 'q=0.')
    return False
