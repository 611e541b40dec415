# SPDX-License-Identifier: Apache-2.0
"""Filters of the list of images, from query parameters to conditions."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from oslo_utils import timeutils

from glance_clone.domain import errors
from glance_clone.domain import query as q
from glance_clone.domain.image import VISIBILITIES
from glance_clone.domain.query import Condition
from glance_clone.domain.query import ImageQuery

#: Attributes that may be compared with ``in:`` as well.
_LISTED = ('id', 'name', 'status', 'container_format', 'disk_format')
_TEXTS = ('owner', 'checksum', 'os_hash_value', 'os_hash_algo')
_NUMBERS = ('min_disk', 'min_ram', 'size', 'virtual_size')
_TIMES = ('created_at', 'updated_at')
_TIME_OPS = (q.EQ, q.NEQ, q.GT, q.GTE, q.LT, q.LTE)
_MEMBER_STATUSES = ('accepted', 'pending', 'rejected', 'all')
_MAX_INT = 2**63 - 1
#: The longest value of a filter that is looked at, in characters.
_MAX_TEXT = 65_535

Apply = Callable[[ImageQuery, str, str], None]


def apply(query: ImageQuery, pairs: list[tuple[str, str]], most: int) -> None:
    """Put what the parameters ask for into a query. Of a repeated parameter the last one counts, but every ``tag``.

    :param most: number of property and tag filters that are allowed in one request
    :raises Invalid: a value that the filter cannot have, or too many filters
    """
    for name, value in pairs:
        if '\0' in name or '\0' in value or len(name) + len(value) > _MAX_TEXT:
            raise errors.Invalid('A filter is too long or contains a NUL character.')
        if name == 'tag':
            query.tags.append(value.strip())
    for name, value in dict(pairs).items():
        if name != 'tag':
            _APPLY.get(name, _other)(query, name, value)
    if len(query.tags) + len(query.properties) > most:
        raise errors.Invalid(f'A list can be filtered by at most {most} tags and properties at once.')


def _listed(query: ImageQuery, name: str, value: str) -> None:
    op, text = _split(value, (q.EQ, q.IN))
    query.conditions.append(Condition(name, op, tuple(_elements(text)) if op == q.IN else text))


def _text(query: ImageQuery, name: str, value: str) -> None:
    query.conditions.append(Condition(name, q.EQ, value))


def _number(query: ImageQuery, name: str, value: str) -> None:
    number = _integer(value)
    # A value that is no number equals none.
    query.conditions.append(Condition(name, q.IN, ()) if number is None else Condition(name, q.EQ, number))


def _time(query: ImageQuery, name: str, value: str) -> None:
    moment = _moment(value)
    op = q.EQ
    if moment is None:
        op, text = _split(value, _TIME_OPS)
        moment = _moment(text)
    if moment is None:
        raise errors.Invalid(f'{name} is compared with a time such as gt:2026-01-31T12:00:00Z.')
    query.conditions.append(Condition(name, op, moment))


def _visibility(query: ImageQuery, name: str, value: str) -> None:
    if value and value not in (*VISIBILITIES, 'all'):
        raise errors.Invalid(f'visibility is one of {", ".join(VISIBILITIES)} or all.')
    query.visibility = value


def _member_status(query: ImageQuery, name: str, value: str) -> None:
    if value not in _MEMBER_STATUSES:
        raise errors.Invalid(f'member_status is one of {", ".join(_MEMBER_STATUSES)}.')
    query.member_status = value


def _os_hidden(query: ImageQuery, name: str, value: str) -> None:
    if value.lower() not in ('true', 'false'):
        raise errors.Invalid('os_hidden is true or false.')
    query.os_hidden = value.lower() == 'true'


def _protected(query: ImageQuery, name: str, value: str) -> None:
    if value not in ('true', 'false'):
        raise errors.Invalid('protected is true or false.')
    query.conditions.append(Condition('protected', q.EQ, value == 'true'))


def _ignored(query: ImageQuery, name: str, value: str) -> None:
    """Deleted images are never listed, whatever is asked."""


def _refused(query: ImageQuery, name: str, value: str) -> None:
    raise errors.Invalid(f'Images cannot be filtered by {name}.')


def _other(query: ImageQuery, name: str, value: str) -> None:
    """Take a range of a number, or else a custom property."""
    for suffix, op in (('_min', q.GTE), ('_max', q.LTE)):
        if name.endswith(suffix) and name not in _NUMBERS:
            return _bound(query, name.removesuffix(suffix), op, value)
    query.properties[name] = value
    return None


def _bound(query: ImageQuery, name: str, op: str, value: str) -> None:
    if name not in _NUMBERS:
        raise errors.Invalid(f'Ranges exist for {", ".join(_NUMBERS)}, not for {name[:40]!r}.')
    number = _integer(value)
    if number is None:
        raise errors.Invalid('The bound of a range is a whole number.')
    query.conditions.append(Condition(name, op, number))


def _integer(text: str) -> int | None:
    try:
        number = int(text) if text.isascii() and len(text) < 25 and '_' not in text else None
    except ValueError:
        return None
    return None if number is None else max(-_MAX_INT, min(_MAX_INT, number))


def _split(value: str, ops: tuple[str, ...]) -> tuple[str, str]:
    """Take a value apart at its first colon."""
    op, colon, text = value.partition(':')
    if not colon:
        return q.EQ, value
    if op not in ops:
        raise errors.Invalid(
            f'What stands before the colon of a filter is one of {", ".join(ops)}; write eq:{value[:40]} for a plain colon.'
        )
    return op, text


def _elements(text: str) -> list[str]:
    """Take a comma-separated list apart; elements may be in double quotes, inside which a backslash protects a quote.

    :raises Invalid: unbalanced quotes, or a quote in the middle of an element
    """
    found: list[str] = []
    position = 0
    while position <= len(text):
        if text[position : position + 1] == '"':
            element, position = _quoted(text, position + 1)
        else:
            end = text.find(',', position)
            end = len(text) if end < 0 else end
            element, position = text[position:end], end
            if '"' in element:
                raise _unbalanced()
        if element:
            found.append(element)
        position += 1
    return found


def _quoted(text: str, start: int) -> tuple[str, int]:
    letters: list[str] = []
    position = start
    while position < len(text):
        if text[position] == '\\' and text[position + 1 : position + 2] == '"':
            letters.append('"')
            position += 2
            continue
        if text[position] == '"':
            if text[position + 1 : position + 2] not in ('', ','):
                raise _unbalanced()
            return ''.join(letters), position + 1
        letters.append(text[position])
        position += 1
    raise _unbalanced()


def _unbalanced() -> errors.Invalid:
    return errors.Invalid('The quotes in an in: list do not match; write in:"a,b",c.')


def _moment(text: str) -> datetime.datetime | None:
    try:
        return timeutils.normalize_time(timeutils.parse_isotime(text))
    except (ValueError, OverflowError):
        return None


_APPLY: dict[str, Apply] = {
    **dict.fromkeys(_LISTED, _listed),
    **dict.fromkeys(_TEXTS, _text),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_TIMES, _time),
    'visibility': _visibility,
    'member_status': _member_status,
    'os_hidden': _os_hidden,
    'protected': _protected,
    'deleted': _ignored,
    'changes-since': _refused,
    'locations': _refused,
    'members': _refused,
    'properties': _refused,
}
