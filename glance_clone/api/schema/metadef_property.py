# SPDX-License-Identifier: Apache-2.0
"""The schema of the properties of a namespace."""

from __future__ import annotations

from glance_clone.api.schema import metadef

_DEFINITIONS = metadef.PROPERTY_DEFINITIONS

DOCUMENT = metadef.single('property', metadef.PROPERTY, ['type', 'title', 'name'], definitions=_DEFINITIONS)

COLLECTION = metadef.listing(
    'properties',
    {
        'type': 'object',
        'additionalProperties': metadef.single('property', metadef.PROPERTY, ['type', 'title']),
    },
    definitions=_DEFINITIONS,
)

check = metadef.Check('property', DOCUMENT)
