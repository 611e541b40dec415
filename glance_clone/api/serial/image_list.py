# SPDX-License-Identifier: Apache-2.0
"""Lists of images: the query string, the page, its links."""

from __future__ import annotations

import dataclasses
import urllib.parse
from collections.abc import Sequence
from typing import Any

import webob
from oslo_config import cfg

from glance_clone.api.context import RequestContext
from glance_clone.api.serial import image_filters
from glance_clone.api.serial.image import View
from glance_clone.api.serial.image import json_response
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.query import SORT_KEYS
from glance_clone.domain.query import ImageQuery

_DIRECTIONS = ('asc', 'desc')
_PATH = '/v2/images'
_MAX_DIGITS = 18
_SORTING = frozenset(('sort', 'sort_key', 'sort_dir'))
_PAGING = frozenset(('limit', 'marker'))

Pairs = list[tuple[str, str]]


@dataclasses.dataclass(slots=True)
class Page:
    """One page of images.

    :ivar is_full: there may be another page after it
    """

    images: list[Image]
    is_full: bool


def parse(api: Services, request: webob.Request) -> ImageQuery:
    """Read the query string of ``GET /v2/images``.

    :raises Invalid: a parameter with a value that it cannot have
    """
    pairs = query_pairs(request)
    query = ImageQuery(limit=limit_of(pairs, api.conf), marker=_last(pairs, 'marker'))
    _set_order(query, pairs)
    filters = [(name, value) for name, value in pairs if name not in _SORTING | _PAGING]
    image_filters.apply(query, filters, api.conf.max_list_filters)
    return query


def query_pairs(request: webob.Request) -> Pairs:
    """Return the parameters of the query string in their order, repeated ones included.

    :raises Invalid: not UTF-8
    """
    try:
        return urllib.parse.parse_qsl(request.query_string, keep_blank_values=True, errors='strict')
    except UnicodeDecodeError:
        raise errors.Invalid('The query string is not UTF-8.') from None
    except ValueError as error:
        raise errors.Invalid(f'The query string cannot be read: {error}') from None


def _last(pairs: Pairs, name: str) -> str | None:
    return next((value for key, value in reversed(pairs) if key == name), None)


def limit_of(pairs: Pairs, conf: cfg.ConfigOpts) -> int:
    """Return how many things a page may have.

    :raises Invalid: limit is no number
    """
    text = _last(pairs, 'limit')
    if text is None:
        return int(min(conf.limit_param_default, conf.api_limit_max))
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        raise errors.Invalid('limit must be a number, 0 or more.')
    most = conf.api_limit_max
    return int(min(int(digits), most) if len(digits) <= _MAX_DIGITS else most)


def _set_order(query: ImageQuery, pairs: Pairs) -> None:
    new = [value for name, value in pairs if name == 'sort']
    keys = [value for name, value in pairs if name == 'sort_key']
    directions = [value for name, value in pairs if name == 'sort_dir']
    if new and (keys or directions):
        raise errors.Invalid('sort cannot be used together with sort_key or sort_dir.')
    if new:
        query.sort = [_sort_item(item) for item in new[-1].split(',')]
    else:
        query.sort = _classic_order(keys, directions)
    given = {direction for _, direction in query.sort}
    query.tie_direction = given.pop() if len(given) == 1 else 'desc'


def _sort_item(item: str) -> tuple[str, str]:
    key, colon, direction = (part.strip() for part in item.partition(':'))
    return _checked(key, direction if colon else 'desc')


def _classic_order(keys: Sequence[str], directions: Sequence[str]) -> list[tuple[str, str]]:
    keys = keys or ['created_at']
    directions = directions or ['desc']
    if len(directions) == 1:
        directions = [directions[0]] * len(keys)
    if len(directions) != len(keys):
        raise errors.Invalid('Give one sort_dir, or as many as there are sort_keys.')
    return [_checked(key, direction) for key, direction in zip(keys, directions, strict=True)]


def _checked(key: str, direction: str) -> tuple[str, str]:
    if key not in SORT_KEYS:
        raise errors.Invalid(f'Images can be sorted by {", ".join(SORT_KEYS)}, not by {key[:40]!r}.')
    if direction not in _DIRECTIONS:
        raise errors.Invalid(f'A sort direction is asc or desc, not {direction[:40]!r}.')
    return key, direction


def render(api: Services, context: RequestContext, result: Page, request: webob.Request) -> webob.Response:
    """Write a page with links to the first one and the next."""
    view = View.of(api, context)
    document: dict[str, Any] = {'images': [view.document(image) for image in result.images]}
    document['schema'] = '/v2/schemas/images'
    pairs = [pair for pair in query_pairs(request) if pair[0] != 'marker']
    document['first'] = _link(pairs)
    if result.is_full:
        document['next'] = _link([*pairs, ('marker', result.images[-1].id)])
    return json_response(document)


def _link(pairs: Pairs) -> str:
    return f'{_PATH}?{urllib.parse.urlencode(pairs)}' if pairs else _PATH
