# SPDX-License-Identifier: Apache-2.0
"""Requests whose framing is doubtful, and some that only look so, as data.

Each is followed by a second request on the same connection. Where the first is refused, the second must never run.
"""

from __future__ import annotations

import dataclasses

_HOST = b'Host: image\r\n'


@dataclasses.dataclass(frozen=True)
class Case:
    """One request.

    :ivar raw: the bytes; ``SECOND`` is appended to them
    :ivar status: of the answer
    :ivar second: whether the second request is answered, too
    """

    name: str
    raw: bytes
    status: int = 400
    second: bool = False


#: Goes after every case; ``%s`` is its name.
SECOND = b'GET /second/%b HTTP/1.1\r\nHost: image\r\nConnection: close\r\n\r\n'


def _get(fields: bytes = b'', target: bytes = b'/first') -> bytes:
    return b'GET ' + target + b' HTTP/1.1\r\n' + _HOST + fields + b'\r\n'


def _put(fields: bytes, body: bytes) -> bytes:
    return b'PUT /read HTTP/1.1\r\n' + _HOST + fields + b'\r\n' + body


def _chunked(body: bytes) -> bytes:
    return _put(b'Transfer-Encoding: chunked\r\n', body)


#: Two framings of the body: whichever a server believes, another believes the other.
_TWO_FRAMINGS = [
    Case('length-and-chunks', _put(b'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', b'0\r\n\r\n')),
    Case('chunks-and-length', _put(b'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', b'0\r\n\r\n')),
    Case('length-twice', _put(b'Content-Length: 5\r\nContent-Length: 0\r\n', b'hello')),
    Case('same-length-twice', _put(b'Content-Length: 5\r\nContent-Length: 5\r\n', b'hello')),
    Case('length-list', _put(b'Content-Length: 5, 5\r\n', b'hello')),
    Case('length-negative', _put(b'Content-Length: -5\r\n', b'hello')),
    Case('length-plus', _put(b'Content-Length: +5\r\n', b'hello')),
    Case('length-hex', _put(b'Content-Length: 0x5\r\n', b'hello')),
    Case('length-underscore', _put(b'Content-Length: 0_5\r\n', b'hello')),
    Case('length-empty', _put(b'Content-Length:\r\n', b'')),
    Case('length-huge', _put(b'Content-Length: 99999999999999999999\r\n', b'')),
    Case('length-not-ascii', _put(b'Content-Length: \xd9\xa5\r\n', b'hello')),
    Case('coding-identity', _put(b'Transfer-Encoding: identity\r\n', b'')),
    Case('coding-gzip-chunked', _put(b'Transfer-Encoding: gzip, chunked\r\n', b'0\r\n\r\n')),
    Case('coding-chunked-twice', _put(b'Transfer-Encoding: chunked, chunked\r\n', b'0\r\n\r\n')),
    Case('coding-repeated', _put(b'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', b'0\r\n\r\n')),
    Case('coding-misspelt', _put(b'Transfer-Encoding: xchunked\r\n', b'0\r\n\r\n')),
    Case('coding-quoted', _put(b'Transfer-Encoding: "chunked"\r\n', b'0\r\n\r\n')),
    Case('coding-vertical-tab', _put(b'Transfer-Encoding: \x0bchunked\r\n', b'0\r\n\r\n')),
    Case('coding-in-1.0', b'PUT /read HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n'),
]

_LINES = [
    Case('bare-lf-everywhere', b'GET /first HTTP/1.1\nHost: image\n\n'),
    Case('bare-lf-request-line', b'GET /first HTTP/1.1\nHost: image\r\n\r\n'),
    Case('bare-lf-field', b'GET /first HTTP/1.1\r\nHost: image\nX: y\r\n\r\n'),
    Case('bare-lf-at-end', b'GET /first HTTP/1.1\r\nHost: image\r\n\n'),
    Case('bare-cr-field', _get(b'X: y\rZ: z\r\n')),
    Case('cr-cr-lf', b'GET /first HTTP/1.1\r\nHost: image\r\r\n\r\n'),
    Case('folded-field', _get(b'X: y\r\n z\r\n')),
    Case('folded-with-tab', _get(b'X: y\r\n\tz\r\n')),
    Case('first-field-indented', b'GET /first HTTP/1.1\r\n Host: image\r\n\r\n'),
    Case('space-before-colon', _put(b'Content-Length : 5\r\n', b'hello')),
    Case('tab-before-colon', _put(b'Transfer-Encoding\t: chunked\r\n', b'0\r\n\r\n')),
    Case('no-colon', _get(b'nonsense\r\n')),
    Case('no-name', _get(b': value\r\n')),
    Case('nul-in-value', _get(b'X: a\x00b\r\n')),
    Case('escape-in-value', _get(b'X: a\x1b[2Jb\r\n')),
    Case('nul-in-name', _get(b'X\x00Y: a\r\n')),
    Case('high-byte-in-name', _get(b'X\xe9: a\r\n')),
    Case('two-empty-lines-first', b'\r\n\r\n' + _get()),
]

_REQUEST_LINES = [
    Case('http-0.9', b'GET /first\r\n'),
    Case('http-2-preface', b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    Case('http-1.2', b'GET /first HTTP/1.2\r\n' + _HOST + b'\r\n', 505),
    Case('http-lower-case', b'GET /first http/1.1\r\n' + _HOST + b'\r\n'),
    Case('two-spaces', b'GET  /first HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('tab-for-space', b'GET\t/first HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('space-in-target', b'GET /fir st HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('space-at-end', b'GET /first HTTP/1.1 \r\n' + _HOST + b'\r\n'),
    Case('nul-in-target', b'GET /fir\x00st HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('absolute-target', _get(target=b'http://other/first')),
    Case('asterisk', b'OPTIONS * HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('authority', b'CONNECT image:443 HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('relative-target', _get(target=b'first')),
    Case('fragment', _get(target=b'/first#part')),
    Case('method-not-token', b'G(T /first HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('method-long', b'G' * 40 + b' /first HTTP/1.1\r\n' + _HOST + b'\r\n'),
    Case('no-host', b'GET /first HTTP/1.1\r\n\r\n'),
    Case('two-hosts', b'GET /first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n'),
    Case('empty-host', b'GET /first HTTP/1.1\r\nHost:\r\n\r\n'),
    Case('host-with-path', b'GET /first HTTP/1.1\r\nHost: a/b\r\n\r\n'),
    Case('expects-other', _put(b'Content-Length: 5\r\nExpect: 200-ok\r\n', b'hello'), 417),
]

_CHUNKS = [
    Case('chunk-size-empty', _chunked(b'\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-text', _chunked(b'five\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-0x', _chunked(b'0x5\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-plus', _chunked(b'+5\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-negative', _chunked(b'-5\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-underscore', _chunked(b'0_5\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-space', _chunked(b'5 \r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-huge', _chunked(b'ffffffffffffffff5\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-bare-lf', _chunked(b'5\nhello\r\n0\r\n\r\n')),
    Case('chunk-size-bare-cr', _chunked(b'5\rhello\r\n0\r\n\r\n')),
    Case('chunk-longer-than-said', _chunked(b'3\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-end-bare-lf', _chunked(b'5\r\nhello\n0\r\n\r\n')),
    Case('chunk-extension-with-lf', _chunked(b'5;x=\ny\r\nhello\r\n0\r\n\r\n')),
    Case('chunk-extension-long', _chunked(b'5;' + b'x' * 300 + b'\r\nhello\r\n0\r\n\r\n')),
    Case('trailer-bare-lf', _chunked(b'5\r\nhello\r\n0\r\nX: y\n\r\n')),
    Case('trailers-too-large', _chunked(b'5\r\nhello\r\n0\r\n' + (b'X: ' + b'y' * 8000 + b'\r\n') * 5 + b'\r\n')),
]

_LIMITS = [
    Case('request-line-long', _get(target=b'/' + b'x' * 16384), 414),
    Case('field-long', _get(b'X: ' + b'y' * 16384 + b'\r\n'), 431),
    Case('fields-long', _get((b'X: ' + b'y' * 11000 + b'\r\n') * 3), 431),
    Case('fields-many', _get(b'X: y\r\n' * 100), 431),
]

#: What must be refused.
BAD = [*_TWO_FRAMINGS, *_LINES, *_REQUEST_LINES, *_CHUNKS, *_LIMITS]

#: What is unusual, but sound.
GOOD = [
    Case('plain', _get(), 200, True),
    Case('empty-line-first', b'\r\n' + _get(), 200, True),
    Case('no-space-after-colon', b'GET /first HTTP/1.1\r\nHost:image\r\n\r\n', 200, True),
    Case('high-bytes-in-value', _get(b'X: \xe9\xff\r\n'), 200, True),
    Case('high-bytes-in-target', _get(target='/é'.encode()), 200, True),
    Case('body-read', _put(b'Content-Length: 5\r\n', b'hello'), 200, True),
    Case('chunks-read', _chunked(b'5\r\nhello\r\n0\r\n\r\n'), 200, True),
    Case('chunks-upper-case', _put(b'transfer-encoding: Chunked\r\n', b'5\r\nhello\r\n0\r\n\r\n'), 200, True),
    Case('chunk-extension', _chunked(b'5;name="value"\r\nhello\r\n0;last\r\n\r\n'), 200, True),
    Case('trailers', _chunked(b'5\r\nhello\r\n0\r\nContent-Length: 7\r\nX-Roles: admin\r\n\r\n'), 200, True),
    Case('small-body-not-read', b'PUT /refuse HTTP/1.1\r\n' + _HOST + b'Content-Length: 5\r\n\r\nhello', 409, True),
    Case(
        'chunks-not-read',
        b'PUT /refuse HTTP/1.1\r\n' + _HOST + b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        409,
    ),
    Case('large-body-not-read', b'PUT /refuse HTTP/1.1\r\n' + _HOST + b'Content-Length: 99999\r\n\r\n' + b'x' * 99999, 409),
    Case('close-asked', _get(b'Connection: close\r\n'), 200),
    Case('close-in-list', _get(b'Connection: x, Close\r\n'), 200),
    Case('version-1.0', b'GET /first HTTP/1.0\r\n\r\n', 200),
    Case('version-1.0-kept', b'GET /first HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 200, True),
    Case('fields-just-fit', _get(b'X: y\r\n' * 99), 200, True),
    Case('field-just-fits', _get(b'X: ' + b'y' * (16384 - 5) + b'\r\n'), 200, True),
    Case('fails-in-application', _get(target=b'/broken'), 500),
]
