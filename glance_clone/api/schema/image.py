# SPDX-License-Identifier: Apache-2.0
"""The schema of images: served to clients, and what request bodies are validated against."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import fastjsonschema

from glance_clone.api.schema.custom_properties import BadSchema
from glance_clone.api.schema.custom_properties import CustomProperties
from glance_clone.domain import errors
from glance_clone.domain import image

UUID = '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$'
_STATUSES = [
    image.QUEUED,
    image.SAVING,
    image.ACTIVE,
    image.KILLED,
    image.DELETED,
    image.UPLOADING,
    image.IMPORTING,
    image.PENDING_DELETE,
    image.DEACTIVATED,
]

_VALIDATION_DATA = {
    'description': 'Hashes that the data at the location is expected to have; never shown.',
    'type': 'object',
    'writeOnly': True,
    'additionalProperties': False,
    'properties': {
        'checksum': {'type': 'string', 'minLength': 32, 'maxLength': 32},
        'os_hash_algo': {'type': 'string', 'maxLength': 64},
        'os_hash_value': {'type': 'string', 'maxLength': 128},
    },
    'required': ['os_hash_algo', 'os_hash_value'],
}

_LOCATIONS = {
    'description': 'Where the data of the image lies; shown only where the service is configured to.',
    'type': 'array',
    'items': {
        'type': 'object',
        'properties': {
            'url': {'type': 'string', 'maxLength': 255},
            'metadata': {'type': 'object'},
            'validation_data': _VALIDATION_DATA,
        },
        'required': ['url', 'metadata'],
    },
}

_NOTHING_CUSTOM = CustomProperties()

_LINKS = [
    {'rel': 'self', 'href': '{self}'},
    {'rel': 'enclosure', 'href': '{file}'},
    {'rel': 'describedby', 'href': '{schema}'},
]


def _text(description: str, **more: Any) -> dict[str, Any]:
    return {'description': description, 'type': 'string', **more}


def _nullable(kind: str, description: str, **more: Any) -> dict[str, Any]:
    return {'description': description, 'type': ['null', kind], **more}


def _base_properties(disk_formats: Sequence[str], container_formats: Sequence[str]) -> dict[str, Any]:
    return {
        'id': _text('Identifier of the image', pattern=UUID),
        'name': _nullable('string', 'Name to show to people', maxLength=255),
        'status': _text('State of the image and its data', readOnly=True, enum=_STATUSES),
        'visibility': _text('Who can see the image', enum=list(image.VISIBILITIES)),
        'protected': {'description': 'Refuse to delete the image while true', 'type': 'boolean'},
        'os_hidden': {'description': 'Leave the image out of default lists while true', 'type': 'boolean'},
        'checksum': _nullable('string', 'MD5 of the data, hexadecimal', readOnly=True, maxLength=32),
        'os_hash_algo': _nullable('string', 'Algorithm of os_hash_value', readOnly=True, maxLength=64),
        'os_hash_value': _nullable('string', 'Hash of the data, hexadecimal', readOnly=True, maxLength=128),
        'owner': _nullable('string', 'Project that owns the image', maxLength=255),
        'size': _nullable('integer', 'Bytes of the data', readOnly=True),
        'virtual_size': _nullable('integer', 'Bytes of the disk in the image', readOnly=True),
        'container_format': _nullable('string', 'Container around the disk', enum=[None, *container_formats]),
        'disk_format': _nullable('string', 'Format of the disk', enum=[None, *disk_formats]),
        'created_at': _text('When the image was registered', readOnly=True),
        'updated_at': _text('When the image was last changed', readOnly=True),
        'tags': {
            'description': 'Words to find the image by',
            'type': 'array',
            'items': {'type': 'string', 'maxLength': 255},
        },
        'direct_url': _text('Where the data lies in its store', readOnly=True),
        'min_ram': {'description': 'MiB of memory that a server needs to boot the image', 'type': 'integer'},
        'min_disk': {'description': 'GiB of disk that a server needs to boot the image', 'type': 'integer'},
        'self': _text('Path of the image', readOnly=True),
        'file': _text('Path of the data', readOnly=True),
        'stores': _text('Stores that hold the data, joined by commas', readOnly=True),
        'schema': _text('Path of this schema', readOnly=True),
        'locations': _LOCATIONS,
    }


class ImageSchema:
    """The schema under one configuration, compiled.

    :param custom: what the operator says of custom properties
    :ivar document: as served at ``/v2/schemas/image``
    :ivar values: names of custom properties whose values may be something else than text
    :raises BadSchema: a custom property is described that is none, or by something that is no schema
    """

    def __init__(
        self, disk_formats: Sequence[str], container_formats: Sequence[str], custom: CustomProperties = _NOTHING_CUSTOM
    ):
        self._custom = custom
        self.values = custom.names_of_values
        self.document: dict[str, Any] = {
            'name': 'image',
            'properties': _merged(_base_properties(disk_formats, container_formats), custom),
            'additionalProperties': {'type': 'string'},
            'links': _LINKS,
        }
        self._validate = _compiled(self.document)
        if custom.required:
            self.document['required'] = list(custom.required)

    @property
    def collection(self) -> dict[str, Any]:
        """The document served at ``/v2/schemas/images``."""
        return collection('images', self.document)

    def value(self, name: str, text: str | None) -> Any:
        """Return the value of a custom property of which :attr:`values` has the name."""
        return self._custom.value(name, text)

    def require_complete(self, values: dict[str, Any]) -> None:
        """Check that a new image has all that the operator requires.

        :raises Invalid: naming what is missing
        """
        missing = [name for name in self._custom.required if name not in values]
        if missing:
            raise errors.Invalid(f'The image is not valid: it lacks {", ".join(missing)}.')

    def validate(self, values: dict[str, Any]) -> None:
        """Check attributes and properties of an image.

        :raises Invalid: naming the attribute and what is wrong with it
        """
        try:
            self._validate(values)
        except fastjsonschema.JsonSchemaValueException as error:
            reason = error.message.removeprefix('data.').removeprefix('data')
            raise errors.Invalid(f'The image is not valid: {reason[:300]}.') from None


def _merged(base: dict[str, Any], custom: CustomProperties) -> dict[str, Any]:
    clashing = [name for name, schema in custom.schemas.items() if name in base and schema != base[name]]
    if clashing:
        raise BadSchema(f'schema-image.json describes what every image has, in another way: {", ".join(clashing)}.')
    further = {name: {**schema, 'is_base': False} for name, schema in custom.schemas.items() if name not in base}
    return {**base, **further}


def _compiled(document: dict[str, Any]) -> Callable[[Any], Any]:
    try:
        validate: Callable[[Any], Any] = fastjsonschema.compile(
            {'type': 'object', **document, 'links': []}, use_default=False, use_formats=False
        )
    except Exception as error:  # it tells in many ways that a schema is none
        raise BadSchema(f'schema-image.json has something in it that is no JSON schema: {error}') from error
    return validate


def collection(name: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a paged list of things of one schema."""
    return {
        'name': name,
        'properties': {
            name: {'type': 'array', 'items': item},
            'first': {'type': 'string'},
            'next': {'type': 'string'},
            'schema': {'type': 'string'},
        },
        'links': [
            {'rel': 'first', 'href': '{first}'},
            {'rel': 'next', 'href': '{next}'},
            {'rel': 'describedby', 'href': '{schema}'},
        ],
    }
