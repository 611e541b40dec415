# SPDX-License-Identifier: Apache-2.0
"""A small application under the whole of the standalone server, and under other servers, for tests of the server alone.

Run as a program it takes the command line of ``glance-api``; the variable ``FAIL`` makes it fail to start. Under other
servers, ``application`` is the entry point.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from oslo_config import cfg

from glance_clone.api.body import body_source
from glance_clone.domain import errors
from glance_clone.stores import registry

_BLOCK = 65536


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer by path; every request leaves a line in the file of the variable ``SEEN``."""
    _note(environ['REQUEST_METHOD'] + ' ' + environ['PATH_INFO'])
    name = environ['PATH_INFO'].strip('/').split('/')[0]
    act = _ACTIONS.get(name)
    if act is None:
        start_response('200 OK', [('Content-Type', 'text/plain')])
        return [b'hello\n']
    return act(environ, start_response)


def _note(line: str) -> None:
    if 'SEEN' in os.environ:
        with open(os.environ['SEEN'], 'a', encoding='utf-8') as seen:
            seen.write(line + '\n')


def _read(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Tell how long the body is, and its hash."""
    source, digest, size = body_source(environ), hashlib.md5(usedforsecurity=False), 0
    try:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += len(block)
    except errors.ImageServiceError as error:
        _note(f'{type(error).__name__} after {size}')
        start_response('400 Bad Request', [('Content-Type', 'text/plain')])
        return [f'{type(error).__name__}\n'.encode()]
    _note(f'read {size}')
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [f'{size} {digest.hexdigest()}\n'.encode()]


def _refuse(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer without a look at the body."""
    start_response('409 Conflict', [('Content-Type', 'text/plain')])
    return [b'no\n']


def _headers(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Show the environ."""
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [f'{key}={value}\n'.encode() for key, value in sorted(environ.items()) if isinstance(value, str)]


def _file(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Send a part of the file of the variable ``FILE``: /file/offset/length."""
    offset, length = (int(part) for part in environ['PATH_INFO'].split('/')[2:4])
    fileobj = open(os.environ['FILE'], 'rb')  # noqa: SIM115
    fileobj.seek(offset)
    start_response('200 OK', [('Content-Type', 'application/octet-stream'), ('Content-Length', str(length))])
    wrapped: Iterable[bytes] = environ['wsgi.file_wrapper'](fileobj, _BLOCK)
    return wrapped


def _drip(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """Send a number of lines, ten a second: /drip/lines."""
    start_response('200 OK', [('Content-Type', 'text/plain')])
    for number in range(int(environ['PATH_INFO'].split('/')[2])):
        yield f'{number}\n'.encode()
        time.sleep(0.1)


def _short(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Send less than announced."""
    start_response('200 OK', [('Content-Length', '100')])
    return [b'not a hundred bytes']


def _broken(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Fail before the answer."""
    raise KeyError('broken')


def _breaking(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    """Fail within the answer."""
    start_response('200 OK', [])
    yield b'a beginning'
    raise KeyError('broken')


def _pid(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Tell the process, the number of its worker options, and whether eventlet is there."""
    start_response('200 OK', [('Content-Type', 'text/plain')])
    word = cfg.CONF.client_body_timeout if 'client_body_timeout' in cfg.CONF else ''
    return [f'{os.getpid()} {word} {"eventlet" in sys.modules}\n'.encode()]


_ACTIONS = {
    'read': _read,
    'refuse': _refuse,
    'headers': _headers,
    'file': _file,
    'drip': _drip,
    'short': _short,
    'broken': _broken,
    'breaking': _breaking,
    'pid': _pid,
}


class _Nothing:
    """No background work; a log of its beginning and end."""

    def start(self) -> None:
        _note(f'start {os.getpid()}')

    def stop(self) -> None:
        _note(f'stop {os.getpid()}')


def _load(conf: Any) -> Any:
    failure = os.environ.get('FAIL') or conf.pydev_worker_debug_host  # an option that nothing else uses
    if failure:
        raise _FAILURES[failure]
    return application, _Nothing()


_FAILURES = {
    'option': cfg.ConfigFileValueError('option'),
    'store': registry.BadStoreConfiguration('store'),
    'value': ValueError('value'),
    'runtime': RuntimeError('runtime'),
    'other': KeyError('other'),
}


def main() -> int:
    """Run the standalone server."""
    os.environ['EVENTLET_NO_GREENDNS'] = 'yes'
    import eventlet  # noqa: PLC0415

    eventlet.monkey_patch()

    from glance_clone.server import program  # noqa: PLC0415

    return program.main(sys.argv[1:], _load)


if __name__ == '__main__':
    sys.exit(main())
