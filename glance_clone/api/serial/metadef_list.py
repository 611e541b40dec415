# SPDX-License-Identifier: Apache-2.0
"""Query strings of lists of metadata definitions."""

from __future__ import annotations

from collections.abc import Sequence

import webob

from glance_clone.api.serial.image_list import query_pairs
from glance_clone.domain import errors
from glance_clone.domain.metadef import ListQuery

_DIRECTIONS = ('asc', 'desc')
#: What lists of objects and tags accept, and make no use of.
ANY_VISIBILITY = ('public', 'private', 'shared')
_MAX_DIGITS = 18


def parameters(request: webob.Request) -> dict[str, str]:
    """Return the parameters of the query string, of a repeated one the last value.

    :raises Invalid: not UTF-8, or with a NUL character
    """
    found = dict(query_pairs(request))
    if any('\0' in value for value in found.values()):
        raise errors.Invalid('The query string contains a NUL character.')
    return found


def set_place(query: ListQuery, given: dict[str, str], sort_keys: Sequence[str]) -> None:
    """Set marker and order of a query from the parameters.

    :raises Invalid: a parameter with a value that it cannot have
    """
    query.marker = given.get('marker')
    query.sort_key = given.get('sort_key', query.sort_key)
    query.sort_dir = given.get('sort_dir', query.sort_dir)
    if query.sort_key not in sort_keys:
        raise errors.Invalid(f'sort_key is one of {", ".join(sort_keys)}.')
    require_direction(given)


def require_direction(given: dict[str, str]) -> None:
    """Check the direction of the order, if one is given.

    :raises Invalid: it is none
    """
    if given.get('sort_dir', 'asc') not in _DIRECTIONS:
        raise errors.Invalid('sort_dir is asc or desc.')


def require_visibility(given: dict[str, str], known: Sequence[str]) -> None:
    """Check the visibility, if one is given.

    :raises Invalid: there is no such visibility
    """
    visibility = given.get('visibility')
    if visibility and visibility not in known:
        raise errors.Invalid(f'visibility is one of {", ".join(known)}.')


def limit(given: dict[str, str], least: int) -> int | None:
    """Return the limit of a list, None where none is given.

    :raises Invalid: it is no whole number, or too small
    """
    if 'limit' not in given:
        return None
    digits = given['limit'].strip()
    if not (digits.isascii() and digits.isdigit()) or int(digits[:_MAX_DIGITS]) < least:
        raise errors.Invalid(f'limit is a whole number, at least {least}.')
    return int(digits) if len(digits) <= _MAX_DIGITS else 10**_MAX_DIGITS
