# SPDX-License-Identifier: Apache-2.0
"""One namespace as a JSON document, and as rows.

Keys of a document: ``namespace`` (the only one it must have), ``display_name``, ``description``, ``visibility``, ``protected``,
``owner``, ``resource_type_associations``, ``properties``, ``objects``, ``tags``. Others are left alone, so that files of other
releases can be loaded.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

#: Owner of namespaces whose file names none.
DEFAULT_OWNER = 'admin'
_NAME_LENGTH = 80
_OWNER_LENGTH = 255
_VISIBILITIES = ('public', 'private')
_UNSTORABLE = re.compile('[\0\ud800-\udfff\U00010000-\U0010ffff]')

Row = dict[str, Any]


class DocumentError(ValueError):
    """A document cannot be loaded; the text names the key and what is wrong with it."""

    def __init__(self, key: str, problem: str):
        super().__init__(f'{key}: {problem}' if key else problem)


@dataclasses.dataclass(frozen=True)
class Document:
    """A namespace with everything in it.

    :ivar namespace: its columns; ``owner`` is None if the file names none
    :ivar associations: ``name`` of the resource type, ``prefix`` and ``properties_target``
    :ivar properties: ``name`` and ``json_schema``, the definition as JSON text
    :ivar objects: ``name``, ``description``, ``required`` and ``json_schema``, its properties as JSON text
    :ivar tags: ``name``
    """

    namespace: Row
    associations: list[Row]
    properties: list[Row]
    objects: list[Row]
    tags: list[Row]

    @property
    def name(self) -> str:
        """The name of the namespace."""
        return str(self.namespace['namespace'])


def parse(value: Any) -> Document:
    """Return the rows of a document.

    :param value: what JSON gave
    :raises DocumentError: a value is missing, of a wrong type, too long, or there twice
    """
    if not isinstance(value, dict):
        raise DocumentError('', 'must be a JSON object, a namespace with its definitions')
    _require_storable(value, '')
    return Document(
        namespace=_namespace(value),
        associations=[_association(item, key) for item, key in _named(value, 'resource_type_associations')],
        properties=list(_properties(value)),
        objects=[_object(item, key) for item, key in _named(value, 'objects')],
        tags=[{'name': item['name']} for item, _ in _named(value, 'tags')],
    )


def compose(document: Document, with_owner: bool = False) -> dict[str, Any]:
    """Return what a file says about a namespace: the inverse of :func:`parse`. What is not set is left out."""
    columns = ['namespace', 'display_name', 'description', 'visibility', 'protected'] + ['owner'] * with_owner
    value: dict[str, Any] = _without_none({name: document.namespace[name] for name in columns})
    value['resource_type_associations'] = [_without_none(row) for row in document.associations]
    value['properties'] = {row['name']: json.loads(row['json_schema']) or {} for row in document.properties}
    value['objects'] = [_composed_object(row) for row in document.objects]
    value['tags'] = document.tags
    return value


def _composed_object(row: Row) -> dict[str, Any]:
    value = {'name': row['name'], 'description': row['description'], 'properties': json.loads(row['json_schema']) or {}}
    if row['required']:
        value['required'] = row['required'].split(',')
    return _without_none(value)


def _without_none(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def _namespace(value: dict[str, Any]) -> Row:
    visibility = _text(value, 'visibility', '')
    if visibility is not None and visibility not in _VISIBILITIES:
        raise DocumentError('visibility', f'must be one of {", ".join(_VISIBILITIES)}')
    protected = value.get('protected')
    if protected is not None and not isinstance(protected, bool):
        raise DocumentError('protected', 'must be true or false')
    name = _name(value, 'namespace', '')
    if '/' in name:
        # No URL would lead to it.
        raise DocumentError('namespace', f'the name {name!r} must not have a slash')
    return {
        'namespace': name,
        'display_name': _text(value, 'display_name', '', _NAME_LENGTH),
        'description': _text(value, 'description', ''),
        'visibility': visibility,
        'protected': protected,
        'owner': _text(value, 'owner', '', _OWNER_LENGTH),
    }


def _association(item: dict[str, Any], key: str) -> Row:
    return {
        'name': item['name'],
        'prefix': _text(item, 'prefix', key, _NAME_LENGTH),
        'properties_target': _text(item, 'properties_target', key, _NAME_LENGTH),
    }


def _properties(value: dict[str, Any]) -> Iterator[Row]:
    for name, definition in _mapping(value, 'properties', '').items():
        _require_name(name, 'properties')
        if not isinstance(definition, dict):
            raise DocumentError(f'properties.{name}', 'must be a JSON object')
        yield {'name': name, 'json_schema': _json(definition, f'properties.{name}')}


def _object(item: dict[str, Any], key: str) -> Row:
    required = item.get('required') or []
    if not isinstance(required, list) or not all(isinstance(name, str) and ',' not in name for name in required):
        raise DocumentError(f'{key}.required', 'must be a list of names without commas')
    return {
        'name': item['name'],
        'description': _text(item, 'description', key),
        'required': ','.join(required) or None,
        'json_schema': _json(_mapping(item, 'properties', key), f'{key}.properties'),
    }


def _json(definition: dict[str, Any], key: str) -> str:
    """Return a definition as JSON text.

    :raises DocumentError: it has a number that JSON does not know
    """
    try:
        return json.dumps(definition, allow_nan=False)
    except ValueError:
        raise DocumentError(key, 'has a number that is too large, or is none (NaN, Infinity)') from None


def _named(value: dict[str, Any], key: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Return the members of a list of things that have names, each with its place."""
    items = value.get(key)
    if items is not None and not isinstance(items, list):
        raise DocumentError(key, 'must be a list')
    seen: set[str] = set()
    for number, item in enumerate(items or ()):
        place = f'{key}[{number}]'
        if not isinstance(item, dict):
            raise DocumentError(place, 'must be a JSON object')
        name = _name(item, 'name', place)
        if name in seen:
            raise DocumentError(f'{place}.name', f'{name} is there twice')
        seen.add(name)
        yield item, place


def _mapping(value: dict[str, Any], key: str, place: str) -> dict[str, Any]:
    found = value.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise DocumentError(_joined(place, key), 'must be a JSON object')
    return found


def _name(value: dict[str, Any], key: str, place: str) -> str:
    name = _text(value, key, place)
    if not name:
        raise DocumentError(_joined(place, key), 'is missing')
    _require_name(name, _joined(place, key))
    return name


def _require_name(name: str, key: str) -> None:
    if not 0 < len(name) <= _NAME_LENGTH:
        raise DocumentError(key, f'the name {name[:_NAME_LENGTH]!r} must have 1 to {_NAME_LENGTH} characters')


def _text(value: dict[str, Any], key: str, place: str, longest: int | None = None) -> str | None:
    text = value.get(key)
    if text is None:
        return None
    if not isinstance(text, str):
        raise DocumentError(_joined(place, key), 'must be a string')
    if longest is not None and len(text) > longest:
        raise DocumentError(_joined(place, key), f'must have at most {longest} characters')
    return text


def _joined(place: str, key: str) -> str:
    return f'{place}.{key}' if place else key


def _require_storable(value: Any, key: str) -> None:
    """Refuse characters that not every database keeps.

    :raises DocumentError: NUL, half a character, or one beyond U+FFFF
    """
    if isinstance(value, dict):
        for name, member in value.items():
            _require_storable(name, key)
            _require_storable(member, _joined(key, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            _require_storable(member, f'{key}[{number}]')
    elif isinstance(value, str) and _UNSTORABLE.search(value):
        raise DocumentError(key, 'has a character that cannot be stored: NUL, or one beyond U+FFFF such as an emoji')
