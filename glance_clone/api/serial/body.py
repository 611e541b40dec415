# SPDX-License-Identifier: Apache-2.0
"""Request bodies: none, or one JSON document of bounded size (D-12, D-11)."""

from __future__ import annotations

import json
import math
from typing import Any
from typing import NoReturn

import webob

from glance_clone.api import errors as api_errors
from glance_clone.api.body import body_source
from glance_clone.api.services import Services
from glance_clone.domain import errors

MAX_DEPTH = 32
MAX_NODES = 10_000
MAX_DIGITS = 20

_BODY_VERBS = frozenset(('POST', 'PUT', 'PATCH'))
_BODY_CODINGS = frozenset(('chunked', 'compress', 'deflate', 'gzip', 'identity'))
_BLOCK = 64 * 1024


def is_present(request: webob.Request) -> bool:
    """Tell whether a request has a body."""
    if (request.content_length or 0) > 0:
        return True
    coding = request.headers.get('Transfer-Encoding', '').lower()
    return request.method in _BODY_VERBS and coding in _BODY_CODINGS


def ignore(api: Services, request: webob.Request) -> None:
    """Accept any body and look at none."""


def refuse_any(api: Services, request: webob.Request) -> None:
    """Refuse a body where none belongs.

    :raises Invalid: the request has one
    """
    if is_present(request):
        raise errors.Invalid('This request takes no body.')


def read_json(request: webob.Request, limit: int, max_nodes: int = MAX_NODES) -> Any:
    """Return the JSON document of a request.

    :param limit: bytes; what is larger is refused before it is read
    :param max_nodes: values that the document may have, nested ones included
    :raises Invalid: no body, not UTF-8, not JSON, nested too deep, a duplicate member, NaN, a lone surrogate, NUL
    :raises HTTPError: 413, larger than the limit
    """
    if not is_present(request):
        raise errors.Invalid('This request needs a JSON body.')
    raw = _read(request, limit)
    try:
        text = raw.decode('utf-8')
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
    except UnicodeDecodeError:
        raise errors.Invalid('The JSON body is not UTF-8.') from None
    except RecursionError:
        raise errors.Invalid(f'The JSON body is nested deeper than {MAX_DEPTH} levels.') from None
    except ValueError as error:
        raise errors.Invalid(f'The body is not valid JSON: {str(error)[:200]}') from None
    _check_shape(document, max_nodes)
    if b'\\u' in raw or not raw.isascii():
        # Nothing else can stand for characters that are not taken.
        _check_texts(document)
    return document


def read_object(request: webob.Request, limit: int, max_nodes: int = MAX_NODES) -> dict[str, Any]:
    """Return the JSON object of a request; raises as :func:`read_json` does, and Invalid for anything but an object."""
    document = read_json(request, limit, max_nodes)
    if not isinstance(document, dict):
        raise errors.Invalid('The JSON body must be an object.')
    return document


def require_bmp(value: Any) -> None:
    """Refuse characters that the database's three-byte UTF-8 columns cannot hold (D-11).

    :param value: a string, or a document whose keys and values are looked at
    :raises Invalid: a character beyond the basic multilingual plane
    """
    for text in _strings(value):
        if not text.isascii() and max(text) > '\uffff':
            raise errors.Invalid('Characters beyond U+FFFF, such as emoji, cannot be stored; leave them out.')


def _read(request: webob.Request, limit: int) -> bytes:
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    source = body_source(request.environ)
    blocks, size = [], 0
    while block := source.read(_BLOCK):
        size += len(block)
        if size > limit:
            raise _too_large(limit)
        blocks.append(block)
    return b''.join(blocks)


def _too_large(limit: int) -> api_errors.HTTPError:
    return api_errors.HTTPError(413, f'The JSON body is larger than the {limit} bytes that this service accepts.')


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError('an object has the same member twice')
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not a JSON number')


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f'a number has more than {MAX_DIGITS} digits')
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f'{digits[:40]} is too large a number')
    return number


def _check_shape(document: Any, max_nodes: int) -> None:
    """Refuse what is too deep or has too many parts."""
    nodes = 0
    level, depth = [document], 0
    while level:
        depth += 1
        nodes += len(level)
        if depth > MAX_DEPTH or nodes > max_nodes:
            raise errors.Invalid(f'The JSON body has more than {MAX_DEPTH} levels or {max_nodes} values.')
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        level = below


def _check_texts(document: Any) -> None:
    """Refuse text that cannot be stored."""
    for text in _strings(document):
        if '\0' in text:
            raise errors.Invalid('The JSON body contains a NUL character.')
        if not text.isascii() and any('\ud800' <= c <= '\udfff' for c in text):
            raise errors.Invalid('The JSON body contains half of a surrogate pair, which is no character.')


def _strings(document: Any) -> list[str]:
    found: list[str] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
    return found
