# SPDX-License-Identifier: Apache-2.0
"""What a property definition may say, and in which form it is kept and shown.

A definition is a dictionary in the words of JSON Schema, with ``readonly`` and ``operators`` beside them. Defaults are kept
as text, bounds as whole numbers, and enumerations are of text, because that is what clients and other services on the
same database expect.
"""

from __future__ import annotations

import math
from typing import Any

from glance_clone.domain import errors

#: Everything that a definition may have, in the order in which it is shown.
ATTRIBUTES = (
    'name',
    'type',
    'title',
    'description',
    'operators',
    'default',
    'readonly',
    'minimum',
    'maximum',
    'enum',
    'pattern',
    'minLength',
    'maxLength',
    'items',
    'uniqueItems',
    'minItems',
    'maxItems',
    'additionalItems',
)
TYPES = ('array', 'boolean', 'integer', 'number', 'object', 'string')

_WHOLE = ('minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems')
_ITEMS = ('type', 'enum')


def kept(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition that meets the JSON schema of properties in the form in which it is stored.

    :raises Invalid: an attribute that does not exist, a bound without end, an enumeration of anything but text
    """
    unknown = sorted(definition.keys() - set(ATTRIBUTES))
    if unknown:
        raise errors.Invalid(f'A property has no {_few(unknown)}; it may have {", ".join(ATTRIBUTES)}.')
    _require_text(definition.get('enum', ()), 'enum')
    for name in ('minimum', 'maximum'):
        if not math.isfinite(definition.get(name, 0)):
            raise errors.Invalid(f'{name} is too large a number.')
    if 'items' in definition:
        _require_items(definition['items'])
    return shown(definition)


def shown(definition: dict[str, Any]) -> dict[str, Any]:
    """Return a definition in the form in which it is shown, whatever wrote it.

    What no property has is left out, and so is what is null; only a default that is no plain value is shown as null.
    """
    result: dict[str, Any] = {}
    for name in ATTRIBUTES:
        if definition.get(name) is not None or (name == 'default' and name in definition):
            result[name] = _value(name, definition[name])
    return result


def _value(name: str, value: Any) -> Any:
    if name == 'default':
        return None if isinstance(value, dict | list) else _text(value)
    if name == 'enum' and isinstance(value, list):
        return [_text(choice) for choice in value]
    if name == 'items' and isinstance(value, dict):
        return {part: _value(part, value[part]) for part in _ITEMS if part in value}
    if name in _WHOLE and isinstance(value, float) and math.isfinite(value):
        return int(value)
    return value


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _require_items(items: dict[str, Any]) -> None:
    unknown = sorted(items.keys() - set(_ITEMS))
    if unknown:
        raise errors.Invalid(f'The items of a property have no {_few(unknown)}; they have type and enum.')
    if 'type' not in items:
        raise errors.Invalid('The items of a property need a type.')
    _require_text(items.get('enum', ()), 'enum of items')


def _require_text(values: Any, name: str) -> None:
    if not all(isinstance(value, str) for value in values):
        raise errors.Invalid(f'The {name} of a property lists text, whatever its type; put numbers in quotes.')


def _few(names: list[str]) -> str:
    return ', '.join(repr(name[:40]) for name in names[:3])
