# SPDX-License-Identifier: Apache-2.0
"""The schema of what a namespace applies to."""

from __future__ import annotations

from glance_clone.api.schema import metadef

DOCUMENT = metadef.single(
    'resource_type_association',
    {
        'name': metadef.name('The resource type, by the name that Heat has for it'),
        'prefix': metadef.name('What stands before the names of properties on such a resource'),
        'properties_target': metadef.name('Which properties of the resource are meant, where it has several kinds'),
        **metadef.TIMES,
    },
    ['name'],
)

COLLECTION = metadef.listing('resource_type_associations', metadef.array_of(DOCUMENT))

check = metadef.Check('association', DOCUMENT)
