# SPDX-License-Identifier: Apache-2.0
"""The contracts of the repositories of metadata definitions; see :mod:`glance_clone.domain.ports`."""

from __future__ import annotations

import dataclasses
from typing import Protocol

from glance_clone.domain import metadef
from glance_clone.domain.caller import Caller


class NamespaceRepository(Protocol):
    """Keeps namespaces of metadata definitions.

    Here and in the repositories of what namespaces contain, every write is one transaction, all or nothing, and whoever
    loses a race for a name gets DuplicateName. A name of which the database cannot tell another one apart counts as taken.
    """

    def get(self, name: str, caller: Caller) -> metadef.Namespace:
        """Return the namespace without what it contains.

        :raises NamespaceNotFound: unknown, or not visible to the caller
        """

    def whole(self, name: str, caller: Caller) -> metadef.Namespace:
        """Return the namespace with everything that it contains, in a fixed number of statements; raises as get does."""

    def list(self, query: metadef.NamespaceQuery, caller: Caller) -> list[metadef.Namespace]:
        """Return a page of the visible namespaces with their associations, in a fixed number of statements.

        :raises NamespaceNotFound: the marker is unknown, or not visible to the caller
        """

    def add(self, namespace: metadef.Namespace) -> None:
        """Store a new namespace and everything in it; sets all times, and the id of the namespace.

        :raises DuplicateName: the name is taken, or two things in it have the same
        """

    def replace(self, old: metadef.Namespace, new: metadef.Namespace) -> None:
        """Store other attributes, also another name; what the namespace contains stays. Sets the times and id of new.

        :raises NamespaceNotFound: it was removed meanwhile
        :raises DuplicateName: the name is taken
        """

    def remove(self, namespace: metadef.Namespace) -> None:
        """Remove the namespace and everything in it, but no resource type.

        :raises NamespaceNotFound: it was removed meanwhile
        :raises Forbidden: it is protected
        """


class MetadefObjectRepository(Protocol):
    """Keeps the objects of namespaces. All methods raise NamespaceNotFound if the namespace was removed meanwhile."""

    def list(self, namespace: metadef.Namespace) -> list[metadef.Object]:
        """Return the objects in the order in which they were added."""

    def get(self, namespace: metadef.Namespace, name: str) -> metadef.Object:
        """Return one object.

        :raises DefinitionNotFound: there is none of that name
        """

    def add(self, namespace: metadef.Namespace, new: metadef.Object) -> None:
        """Store a new object; sets its times and id.

        :raises DuplicateName: the name is taken
        """

    def replace(self, namespace: metadef.Namespace, old: metadef.Object, new: metadef.Object) -> None:
        """Store other attributes, also another name; sets the times and id of new.

        :raises DefinitionNotFound: it was removed meanwhile
        :raises DuplicateName: the name is taken
        """

    def remove(self, namespace: metadef.Namespace, old: metadef.Object) -> None:
        """Remove one object.

        :raises DefinitionNotFound: it was removed meanwhile
        :raises Forbidden: the namespace is protected
        """

    def clear(self, namespace: metadef.Namespace) -> None:
        """Remove all objects.

        :raises Forbidden: the namespace is protected
        """


class MetadefPropertyRepository(Protocol):
    """Keeps the properties of namespaces; see :class:`MetadefObjectRepository` for what each method promises."""

    def list(self, namespace: metadef.Namespace) -> list[metadef.Property]:
        """Return the properties in the order in which they were added."""

    def get(self, namespace: metadef.Namespace, name: str) -> metadef.Property:
        """Return one property."""

    def add(self, namespace: metadef.Namespace, new: metadef.Property) -> None:
        """Store a new property."""

    def replace(self, namespace: metadef.Namespace, old: metadef.Property, new: metadef.Property) -> None:
        """Store another definition, also another name."""

    def remove(self, namespace: metadef.Namespace, old: metadef.Property) -> None:
        """Remove one property."""

    def clear(self, namespace: metadef.Namespace) -> None:
        """Remove all properties."""


class MetadefTagRepository(Protocol):
    """Keeps the tags of namespaces; see :class:`MetadefObjectRepository` for what each method promises."""

    def get(self, namespace: metadef.Namespace, name: str) -> metadef.Tag:
        """Return one tag."""

    def add(self, namespace: metadef.Namespace, new: metadef.Tag) -> None:
        """Store a new tag."""

    def add_all(self, namespace: metadef.Namespace, new: list[metadef.Tag], append: bool) -> None:
        """Store tags, all or none.

        :param append: keep the tags that are there, else take the new ones in their place
        """

    def replace(self, namespace: metadef.Namespace, old: metadef.Tag, new: metadef.Tag) -> None:
        """Store another name."""

    def remove(self, namespace: metadef.Namespace, old: metadef.Tag) -> None:
        """Remove one tag."""

    def clear(self, namespace: metadef.Namespace) -> None:
        """Remove all tags."""

    def list(self, namespace: metadef.Namespace, query: metadef.ListQuery) -> list[metadef.Tag]:
        """Return a page of tags.

        :raises DefinitionNotFound: the marker is unknown
        """


class ResourceTypeRepository(Protocol):
    """Keeps resource types and which namespaces apply to them."""

    def associations(self, namespace: metadef.Namespace) -> list[metadef.Association]:
        """Return what a namespace applies to, in the order in which the resource types came into being."""

    def association(self, namespace: metadef.Namespace, name: str) -> metadef.Association:
        """Return one association.

        :raises DefinitionNotFound: the namespace does not apply to that resource type
        """

    def associate(self, namespace: metadef.Namespace, new: metadef.Association) -> None:
        """Make a namespace apply to a resource type, which need not exist before; sets the times and id.

        :raises DuplicateName: it does already
        :raises NamespaceNotFound: the namespace was removed meanwhile
        """

    def dissociate(self, namespace: metadef.Namespace, old: metadef.Association) -> None:
        """Make a namespace apply to a resource type no longer; the type stays.

        :raises DefinitionNotFound: it does not already
        :raises Forbidden: the namespace is protected
        """

    def list(self) -> list[metadef.ResourceType]:
        """Return all resource types in the order in which they came into being."""


@dataclasses.dataclass(frozen=True)
class Metadefs:
    """The repositories of metadata definitions."""

    namespaces: NamespaceRepository
    objects: MetadefObjectRepository
    properties: MetadefPropertyRepository
    tags: MetadefTagRepository
    resource_types: ResourceTypeRepository
