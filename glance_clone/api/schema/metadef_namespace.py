# SPDX-License-Identifier: Apache-2.0
"""The schema of namespaces."""

from __future__ import annotations

from typing import Any

from glance_clone.api.schema import metadef
from glance_clone.domain import metadef as domain

_TEXT = {'type': 'string'}


def _array(properties: dict[str, Any]) -> dict[str, Any]:
    return {'type': 'array', 'items': {'type': 'object', 'properties': properties}}


DOCUMENT = metadef.single(
    'namespace',
    {
        'namespace': metadef.name('Name of the namespace, the only one of its kind'),
        'display_name': metadef.name('Name to show to people'),
        'description': {'description': 'What it is about', 'type': 'string', 'maxLength': domain.MAX_DESCRIPTION},
        'visibility': {'description': 'Who can see it', 'type': 'string', 'enum': list(domain.VISIBILITIES)},
        'protected': {'description': 'Refuse to delete anything in it while true', 'type': 'boolean'},
        'owner': {'description': 'Project that owns it', 'type': 'string', 'maxLength': domain.MAX_OWNER},
        **metadef.TIMES,
        **metadef.PATHS,
        'resource_type_associations': _array({'name': _TEXT, 'prefix': _TEXT, 'properties_target': _TEXT}),
        'properties': metadef.PROPERTIES_BY_NAME,
        'objects': _array(
            {
                'name': _TEXT,
                'description': _TEXT,
                'required': metadef.STRINGS,
                'properties': metadef.PROPERTIES_BY_NAME,
            }
        ),
        'tags': _array({'name': _TEXT}),
    },
    ['namespace'],
    definitions=metadef.DEFINITIONS,
)

COLLECTION = metadef.listing('namespaces', metadef.array_of(DOCUMENT), definitions=metadef.DEFINITIONS)

check = metadef.Check('namespace', DOCUMENT)
