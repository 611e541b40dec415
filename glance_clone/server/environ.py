# SPDX-License-Identifier: Apache-2.0
"""A request as PEP 3333 hands it to an application."""

from __future__ import annotations

import socket
import sys
import urllib.parse
from typing import Any

from glance_clone.server.answer import FileWrapper
from glance_clone.server.request_body import Body
from glance_clone.server.request_head import Head

_NOT_PREFIXED = frozenset(('CONTENT_TYPE', 'CONTENT_LENGTH'))


def environ_of(
    head: Head, body: Body, sock: socket.socket, peer: tuple[str, str], scheme: str, multiprocess: bool
) -> dict[str, Any]:
    """Return the environ of a request.

    :param peer: address and port of the client
    :param scheme: ``http`` or ``https``
    :param multiprocess: other processes serve the same application
    """
    path, _, query = head.target.partition('?')
    local = sock.getsockname()
    host, port = (str(local[0]), str(local[1])) if isinstance(local, tuple) else ('localhost', '0')
    environ: dict[str, Any] = {
        'REQUEST_METHOD': head.method,
        'SCRIPT_NAME': '',
        'PATH_INFO': urllib.parse.unquote_to_bytes(path.encode('latin-1')).decode('latin-1'),
        'QUERY_STRING': query,
        'REQUEST_URI': head.target,
        'SERVER_NAME': host,
        'SERVER_PORT': port,
        'SERVER_PROTOCOL': f'HTTP/{head.version}',
        'REMOTE_ADDR': peer[0],
        'REMOTE_PORT': peer[1],
        'wsgi.version': (1, 0),
        'wsgi.url_scheme': scheme,
        'wsgi.input': body,
        'wsgi.input_terminated': True,
        'wsgi.errors': sys.stderr,
        'wsgi.multithread': True,
        'wsgi.multiprocess': multiprocess,
        'wsgi.run_once': False,
        'wsgi.file_wrapper': FileWrapper,
    }
    if scheme == 'https':
        environ['HTTPS'] = 'on'
    else:
        environ['glance_clone.sends_parts'] = True
    _add_fields(environ, head.fields)
    return environ


def _add_fields(environ: dict[str, Any], fields: list[tuple[str, str]]) -> None:
    """Add the header fields; repeated ones are joined.

    A name with an underscore is left out: in an environ it could not be told from the one with a hyphen, and so
    ``X_Roles`` would get past what removes ``X-Roles``.
    """
    for name, value in fields:
        if '_' in name:
            continue
        key = name.upper().replace('-', '_')
        key = key if key in _NOT_PREFIXED else f'HTTP_{key}'
        environ[key] = f'{environ[key]},{value}' if key in environ else value
