# SPDX-License-Identifier: Apache-2.0
"""Schemas of metadata definitions: parts that several of them share, and the check of a request against one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastjsonschema

from glance_clone.domain import errors
from glance_clone.domain.metadef import MAX_NAME
from glance_clone.domain.metadef_property import TYPES

_TYPE = {'type': 'string', 'enum': [*TYPES, None]}
_COUNT = {'$ref': '#/definitions/positiveInteger'}
_COUNT_FROM_0 = {'$ref': '#/definitions/positiveIntegerDefault0'}
_NUMBER_DEFINITIONS = {
    'positiveInteger': {'type': 'integer', 'minimum': 0},
    'positiveIntegerDefault0': {'allOf': [{'$ref': '#/definitions/positiveInteger'}, {'default': 0}]},
}
_NAMES = {'type': 'array', 'items': {'type': 'string'}, 'uniqueItems': True}

_STRING = {'type': 'string'}

#: What a property may say of the values that it takes, in the words of JSON Schema.
PROPERTY: dict[str, Any] = {
    'name': {'type': 'string', 'maxLength': MAX_NAME},
    'title': _STRING,
    'description': _STRING,
    'operators': {'type': 'array', 'items': _STRING},
    'type': _TYPE,
    'required': {'$ref': '#/definitions/stringArray'},
    'minimum': {'type': 'number'},
    'maximum': {'type': 'number'},
    'maxLength': _COUNT,
    'minLength': _COUNT_FROM_0,
    'pattern': {'type': 'string', 'format': 'regex'},
    'enum': {'type': 'array'},
    'readonly': {'type': 'boolean'},
    'default': {},
    'items': {'type': 'object', 'properties': {'type': _TYPE, 'enum': {'type': 'array'}}},
    'maxItems': _COUNT,
    'minItems': _COUNT_FROM_0,
    'uniqueItems': {'type': 'boolean', 'default': False},
    'additionalItems': {'type': 'boolean'},
}

#: For documents that contain properties by name.
DEFINITIONS = {
    **_NUMBER_DEFINITIONS,
    'stringArray': _NAMES,
    'property': {
        'type': 'object',
        'additionalProperties': {'type': 'object', 'required': ['title', 'type'], 'properties': PROPERTY},
    },
}
#: For documents that describe properties themselves.
PROPERTY_DEFINITIONS = {**_NUMBER_DEFINITIONS, 'stringArray': {**_NAMES, 'minItems': 1}}

PROPERTIES_BY_NAME = {'$ref': '#/definitions/property'}
STRINGS = {'$ref': '#/definitions/stringArray'}
TIMES = {
    'created_at': {'description': 'When it was made', 'type': 'string', 'readOnly': True, 'format': 'date-time'},
    'updated_at': {'description': 'When it was last changed', 'type': 'string', 'readOnly': True, 'format': 'date-time'},
}
PATHS = {
    'schema': {'readOnly': True, 'type': 'string'},
    'self': {'readOnly': True, 'type': 'string'},
}
_PAGE = {'first': {'type': 'string'}, 'next': {'type': 'string'}, 'schema': {'type': 'string'}}
_PAGE_LINKS = [
    {'rel': 'first', 'href': '{first}'},
    {'rel': 'next', 'href': '{next}'},
    {'rel': 'describedby', 'href': '{schema}'},
]


def name(description: str | None = None) -> dict[str, Any]:
    """Return the schema of a name."""
    described = {} if description is None else {'description': description}
    return {**described, 'type': 'string', 'maxLength': MAX_NAME}


def single(title: str, properties: dict[str, Any], required: list[str], **more: Any) -> dict[str, Any]:
    """Return the document of one thing that has these attributes and no others."""
    return {'name': title, 'properties': properties, 'additionalProperties': False, 'required': required, **more}


def listing(title: str, things: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the document of a list.

    :param things: schema of the member that holds them
    """
    return {'name': title, 'properties': {title: things, **_PAGE}, 'links': _PAGE_LINKS, **more}


def array_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an array of what a document describes; its definitions belong elsewhere."""
    return {'type': 'array', 'items': {part: value for part, value in document.items() if part != 'definitions'}}


class Check:
    """A document, compiled: whether a request is what it describes.

    :param what: what it describes, for messages
    """

    def __init__(self, what: str, document: dict[str, Any]):
        self._what = what
        rules = {'type': 'object', **{part: value for part, value in document.items() if part not in ('name', 'links')}}
        self._validate: Callable[[Any], Any] = fastjsonschema.compile(rules, use_default=False, use_formats=False)

    def __call__(self, values: dict[str, Any]) -> None:
        """Check a request.

        :raises Invalid: naming the attribute and what is wrong with it
        """
        try:
            self._validate(values)
        except fastjsonschema.JsonSchemaValueException as error:
            reason = error.message.removeprefix('data.').removeprefix('data')
            raise errors.Invalid(f'The {self._what} is not valid: {reason.strip()[:300]}.') from None
