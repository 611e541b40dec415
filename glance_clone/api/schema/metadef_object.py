# SPDX-License-Identifier: Apache-2.0
"""The schema of the objects of a namespace."""

from __future__ import annotations

from glance_clone.api.schema import metadef

DOCUMENT = metadef.single(
    'object',
    {
        'name': metadef.name(),
        'description': {'type': 'string'},
        'required': metadef.STRINGS,
        'properties': metadef.PROPERTIES_BY_NAME,
        **metadef.PATHS,
        **metadef.TIMES,
    },
    ['name'],
    definitions=metadef.DEFINITIONS,
)

COLLECTION = metadef.listing('objects', metadef.array_of(DOCUMENT), definitions=metadef.DEFINITIONS)

check = metadef.Check('object', DOCUMENT)
