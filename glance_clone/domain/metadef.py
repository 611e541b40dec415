# SPDX-License-Identifier: Apache-2.0
"""Metadata definitions: which keys and values exist, what they mean, and on which resources they may be used.

A namespace owns objects, properties, tags and associations with resource types. Names are compared code point by code
point (D-11). Resource types belong to nobody: they come into being with their first association, and stay.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from typing import Any

from glance_clone.domain import errors
from glance_clone.domain.caller import Caller

PUBLIC = 'public'
PRIVATE = 'private'
VISIBILITIES = (PUBLIC, PRIVATE)

#: Characters of names, display names, prefixes and targets.
MAX_NAME = 80
MAX_OWNER = 255
MAX_DESCRIPTION = 500
#: Bytes of a definition as JSON, of a list of required names, and of the description of an object.
MAX_TEXT = 65_535


@dataclasses.dataclass(slots=True)
class Association:
    """A namespace applies to a type of resource.

    :ivar name: the resource type, e.g. ``OS::Nova::Flavor``
    :ivar prefix: what stands before the names of the namespace's properties on such a resource
    :ivar properties_target: which properties of the resource are meant, where it has several kinds, e.g. ``image``
    :ivar id: row number of the resource type, None until stored
    """

    name: str
    prefix: str | None = None
    properties_target: str | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(slots=True)
class Property:
    """One key.

    :ivar schema: what values it takes, see :mod:`glance_clone.domain.metadef_property`; ``name`` is in it only where
        whoever defined the property put it there
    """

    name: str
    schema: dict[str, Any]
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(slots=True)
class Object:
    """Properties that belong together.

    :ivar required: names of properties without which the others make no sense; None: nothing said
    :ivar properties: schemas by name; None: nothing said
    """

    name: str
    description: str | None = None
    required: list[str] | None = None
    properties: dict[str, dict[str, Any]] | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(slots=True)
class Tag:
    """A word by which namespaces are found."""

    name: str
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(slots=True)
class ResourceType:
    """A kind of thing that has metadata, in any namespace."""

    name: str
    protected: bool = False
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(slots=True)
class Namespace:
    """Definitions under one name.

    :ivar owner: project that sees the namespace also while it is private
    :ivar visibility: ``public`` or ``private``; None, in rows loaded from files that do not say: as private
    :ivar protected: refuse to delete it and what it contains; None as false
    :ivar associations: with :meth:`NamespaceRepository.list` and :meth:`NamespaceRepository.whole` only, else empty
    :ivar properties: with :meth:`NamespaceRepository.whole` only, as the following
    :ivar id: row number, None until stored
    """

    name: str
    owner: str
    display_name: str | None = None
    description: str | None = None
    visibility: str | None = PRIVATE
    protected: bool | None = False
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    id: int | None = dataclasses.field(default=None, compare=False)
    associations: list[Association] = dataclasses.field(default_factory=list)
    properties: list[Property] = dataclasses.field(default_factory=list)
    objects: list[Object] = dataclasses.field(default_factory=list)
    tags: list[Tag] = dataclasses.field(default_factory=list)

    def is_visible_to(self, caller: Caller) -> bool:
        """Tell whether a caller may know of the namespace; access rules are asked afterwards."""
        return (
            caller.is_admin or self.visibility == PUBLIC or (caller.project_id is not None and self.owner == caller.project_id)
        )

    def prefix_for(self, resource_type: str) -> str:
        """Return what stands before the names of properties on such a resource; needs the associations."""
        return next((found.prefix or '' for found in self.associations if found.name == resource_type), '')

    def require_unprotected(self) -> None:
        """Check that the namespace and what it contains may be deleted.

        :raises Forbidden: it is protected
        """
        if self.protected:
            raise errors.Forbidden(f'Namespace {self.name} is protected; set protected to false before you delete anything.')

    def require_distinct_names(self) -> None:
        """Check that no two things of a kind in the namespace have the same name.

        :raises Conflict: two do
        """
        _require_distinct('resource_type_associations', (association.name for association in self.associations))
        _require_distinct('properties', (definition.name for definition in self.properties))
        _require_distinct('objects', (definition.name for definition in self.objects))
        require_distinct_tags(self.tags)


#: Attributes by which lists of namespaces and of tags can be sorted.
NAMESPACE_SORT_KEYS = (
    'namespace',
    'display_name',
    'description',
    'visibility',
    'protected',
    'owner',
    'created_at',
    'updated_at',
    'id',
)
TAG_SORT_KEYS = ('name', 'created_at', 'updated_at', 'id')


@dataclasses.dataclass(slots=True)
class ListQuery:
    """One page of a list of namespaces or tags.

    :ivar sort_key: an attribute of the thing; ties go by ``created_at`` and ``id``
    :ivar sort_dir: ``asc`` or ``desc``, also for ties
    :ivar marker: name of the last thing of the page before, None for the first page
    :ivar limit: largest number of things to return, None for all
    """

    sort_key: str = 'created_at'
    sort_dir: str = 'desc'
    marker: str | None = None
    limit: int | None = None


@dataclasses.dataclass(slots=True)
class NamespaceQuery(ListQuery):
    """One page of a list of namespaces.

    :ivar visibility: only namespaces of this visibility; None for any, another word matches nothing
    :ivar resource_types: only namespaces that apply to one of these; None for any, an empty list matches nothing
    """

    visibility: str | None = None
    resource_types: list[str] | None = None


def could_be_name(text: str) -> bool:
    """Tell whether something can have this name at all; what cannot is not looked for."""
    return len(text) <= MAX_NAME and '\0' not in text and (text.isascii() or max(text) <= '\uffff')


def require_name(kind: str, name: object) -> None:
    """Check that something can have this name.

    :param kind: what is to have it, for the message
    :raises Invalid: no text, too long, or with characters that cannot be stored (D-11)
    """
    if not isinstance(name, str):
        raise errors.Invalid(f'Each {kind} needs a name, which is text.')
    if not could_be_name(name):
        raise errors.Invalid(f'The name of a {kind} has at most {MAX_NAME} characters, none of them NUL or beyond U+FFFF.')


def require_storable(text: str, what: str) -> str:
    """Return text that fits into its place in every database.

    :raises Invalid: it is too long
    """
    if len(text.encode()) > MAX_TEXT:
        raise errors.Invalid(f'The {what} is longer than the {MAX_TEXT} bytes that can be kept.')
    return text


def _require_distinct(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise errors.Conflict(f'The request has two of {kind} with the name {name!r}; leave one out.')
        seen.add(name)


def require_distinct_tags(tags: Iterable[Tag]) -> None:
    """Check that no tag stands twice in a request.

    :raises Conflict: one does
    """
    _require_distinct('tags', (tag.name for tag in tags))
