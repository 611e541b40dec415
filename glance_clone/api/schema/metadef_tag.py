# SPDX-License-Identifier: Apache-2.0
"""The schema of the tags of a namespace."""

from __future__ import annotations

from glance_clone.api.schema import metadef

DOCUMENT = metadef.single('tag', {'name': metadef.name(), **metadef.TIMES}, ['name'])

COLLECTION = metadef.listing('tags', metadef.array_of(DOCUMENT))

check = metadef.Check('tag', DOCUMENT)
#: What several tags are sent as; unlike the collection, it says that each of them is an object.
_SEVERAL = {
    'properties': {'tags': {'type': 'array', 'items': {'type': 'object', **DOCUMENT}}},
    'additionalProperties': False,
    'required': ['tags'],
}

check_list = metadef.Check('list of tags', _SEVERAL)
