# SPDX-License-Identifier: Apache-2.0
"""Custom properties that the operator describes in ``schema-image.json``: more of the schema of images.

The file is an object of JSON schemas by property name, or has them under ``properties`` beside a list ``required``. Values
of other types than text are kept as the JSON text that they have.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_FILE = 'schema-image.json'


class BadSchema(ValueError):
    """``schema-image.json`` cannot be used."""


@dataclasses.dataclass(frozen=True)
class CustomProperties:
    """What the operator says of custom properties.

    :ivar schemas: by name, as in the file
    :ivar required: those that every new image must have
    """

    schemas: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    required: tuple[str, ...] = ()

    @property
    def names_of_values(self) -> frozenset[str]:
        """Names of properties that are not, or not only, text."""
        return frozenset(name for name, schema in self.schemas.items() if _types(schema) != {'string'})

    def value(self, name: str, text: str | None) -> Any:
        """Return the value that a stored text means; the text itself where it means none of the right type."""
        types = _types(self.schemas[name])
        if text is None:
            return None if 'null' in types else ''
        if 'string' in types or not types:
            return text
        try:
            return json.loads(_SPELLINGS.get(text, text))
        except ValueError:
            return text


#: How other software keeps booleans.
_SPELLINGS = {'True': 'true', 'False': 'false'}


def text_of(value: Any) -> str | None:
    """Return what is stored for a value."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def load(conf: cfg.ConfigOpts) -> CustomProperties:
    """Read the file from the directories of the configuration; no file describes no properties.

    :raises BadSchema: naming what is wrong with it
    """
    path = conf.find_file(_FILE)
    if path is None:
        LOG.info('There is no %s in the directories of the configuration: custom properties are any text.', _FILE)
        return CustomProperties()
    try:
        with open(path, encoding='utf-8') as file:
            return parse(json.load(file))
    except (OSError, ValueError) as error:
        raise BadSchema(f'{path} cannot be used: {error}') from error


def parse(document: Any) -> CustomProperties:
    """Return what a document describes.

    :raises BadSchema: it is not an object of schemas
    """
    if not isinstance(document, dict):
        raise BadSchema('it must be an object.')
    inner = document.get('properties')
    if isinstance(inner, dict) and not isinstance(inner.get('type'), (str, list)):
        schemas, required = inner, document.get('required', [])
    else:
        schemas, required = document, []
    for name, schema in schemas.items():
        if not isinstance(schema, dict):
            raise BadSchema(f'the schema of {name} must be an object.')
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise BadSchema('required must be a list of names.')
    return CustomProperties(schemas, tuple(required))


def _types(schema: Any) -> set[str]:
    kinds = schema.get('type', [])
    return set(kinds) if isinstance(kinds, list) else {kinds}
