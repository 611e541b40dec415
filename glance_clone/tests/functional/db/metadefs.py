# SPDX-License-Identifier: Apache-2.0
"""Definitions for tests of their repositories."""

from __future__ import annotations

from typing import Any

from glance_clone.db.repos.metadef_namespaces import NamespaceRepository
from glance_clone.db.repos.metadef_objects import MetadefObjectRepository
from glance_clone.db.repos.metadef_properties import MetadefPropertyRepository
from glance_clone.db.repos.metadef_resource_types import ResourceTypeRepository
from glance_clone.db.repos.metadef_tags import MetadefTagRepository
from glance_clone.domain import metadef

TEXT = {'type': 'string', 'title': 'A word'}


def names(things: list[Any]) -> list[str]:
    """Return the names of things in their order."""
    return [thing.name for thing in things]


class Repositories:
    """Adds the repositories and a namespace ``ns`` of ``self.me`` to a :class:`base.RepositoryTestCase`."""

    def setUp(self) -> None:
        super().setUp()
        self.namespaces = NamespaceRepository(self.database)
        self.objects = MetadefObjectRepository(self.database)
        self.properties = MetadefPropertyRepository(self.database)
        self.tags = MetadefTagRepository(self.database)
        self.resource_types = ResourceTypeRepository(self.database)
        self.ns = self.new('ns')

    def new(self, name: str, **values: Any) -> metadef.Namespace:
        """Store a namespace of ``self.me``, and return it."""
        values = {'owner': self.me.project_id, **values}
        namespace = metadef.Namespace(name, **values)
        self.namespaces.add(namespace)
        return namespace

    def full(self, name: str = 'full', count: int = 3, **values: Any) -> metadef.Namespace:
        """Store a namespace with as many of everything, and return it."""
        numbers = range(count)
        return self.new(
            name,
            associations=[metadef.Association(f'T{n}', prefix=f'p{n}_', properties_target='image') for n in numbers],
            properties=[metadef.Property(f'property{n}', TEXT) for n in numbers],
            objects=[metadef.Object(f'object{n}', 'Words', ['a', 'b'], {'a': TEXT, 'b': TEXT}) for n in numbers],
            tags=[metadef.Tag(f'tag{n}') for n in numbers],
            **values,
        )
