# SPDX-License-Identifier: Apache-2.0
"""The schema of the tags of a namespace."""

from __future__ import annotations

from glance_clone.api.schema import metadef

DOCUMENT = metadef.single('tag', {'name': metadef.name(), **metadef.TIMES}, ['name'])

COLLECTION = metadef.listing('tags', metadef.array_of(DOCUMENT))

check = metadef.Check('tag', DOCUMENT)
check_list = metadef.Check(
    'list of tags', {'properties': {'tags': metadef.array_of(DOCUMENT)}, 'additionalProperties': False, 'required': ['tags']}
)
