# SPDX-License-Identifier: Apache-2.0
"""What other services are told of things, as JSON documents. Never locations, and never what a task was asked for."""

from __future__ import annotations

import datetime
from typing import Any

from glance_clone.domain import metadef
from glance_clone.domain.image import PUBLIC
from glance_clone.domain.image import Image
from glance_clone.domain.importing import FAILED
from glance_clone.domain.importing import IMPORTING_TO
from glance_clone.domain.member import Member
from glance_clone.domain.task import Task

_IMAGE = (
    'id',
    'name',
    'status',
    'min_disk',
    'min_ram',
    'protected',
    'checksum',
    'owner',
    'disk_format',
    'container_format',
    'size',
    'virtual_size',
    'visibility',
)
_TASK = ('id', 'type', 'status', 'owner')
_ALIVE = {'deleted': False, 'deleted_at': None}
#: What is said of a property of a metadata definition; null where its definition says nothing.
_SCHEMA = (
    'type',
    'title',
    'description',
    'default',
    'minimum',
    'maximum',
    'enum',
    'pattern',
    'minLength',
    'maxLength',
    'confidential',
    'items',
    'uniqueItems',
    'minItems',
    'maxItems',
    'additionalItems',
)


def deleted(payload: dict[str, Any], when: datetime.datetime) -> dict[str, Any]:
    """Return a payload that says that the thing is deleted."""
    return {**payload, 'deleted': True, 'deleted_at': _time(when)}


def of_image(image: Image) -> dict[str, Any]:
    """Return the payload of most events of images."""
    return {
        **{name: getattr(image, name) for name in _IMAGE},
        **_times(image),
        'is_public': image.visibility == PUBLIC,
        'properties': dict(image.properties),
        'tags': sorted(image.tags),
        **_ALIVE,
    }


def of_transfer(image: Image, store_id: str | None = None) -> dict[str, Any]:
    """Return the payload of events of data on its way into a store."""
    lists = {name: (image.properties.get(name) or '').split(',') for name in (IMPORTING_TO, FAILED)}
    found = {name: [store for store in stores if store] for name, stores in lists.items()}
    return {**of_image(image), **found, **({} if store_id is None else {'backend': store_id})}


def of_member(member: Member) -> dict[str, Any]:
    """Return the payload of events of members."""
    return {
        'image_id': member.image_id,
        'member_id': member.member_id,
        'status': member.status,
        **_times(member),
        **_ALIVE,
    }


def of_task(task: Task) -> dict[str, Any]:
    """Return the payload of events of tasks."""
    return {
        **{name: getattr(task, name) for name in _TASK},
        'result': None,
        'message': None,
        'expires_at': _time(task.expires_at),
        **_times(task),
        **_ALIVE,
    }


def of_namespace(namespace: metadef.Namespace, old: str | None = None) -> dict[str, Any]:
    """Return the payload of events of namespaces.

    :param old: its name until now, where it was changed
    """
    attributes = ('display_name', 'protected', 'visibility', 'owner', 'description')
    names = {'namespace': namespace.name, 'namespace_old': old or namespace.name}
    return {**names, **{name: getattr(namespace, name) for name in attributes}, **_times(namespace), **_ALIVE}


def of_object(namespace: metadef.Namespace, found: metadef.Object, old: str | None = None) -> dict[str, Any]:
    """Return the payload of events of objects."""
    properties = [{'name': name, **_schema(schema)} for name, schema in (found.properties or {}).items()]
    return {
        **_names(namespace, found.name, old),
        'properties': properties,
        'required': found.required,
        'description': found.description,
        **_times(found),
        **_ALIVE,
    }


def of_property(namespace: metadef.Namespace, found: metadef.Property, old: str | None = None) -> dict[str, Any]:
    """Return the payload of events of properties."""
    return {**_names(namespace, found.name, old), **_schema(found.schema), **_ALIVE}


def of_tag(namespace: metadef.Namespace, found: metadef.Tag, old: str | None = None) -> dict[str, Any]:
    """Return the payload of events of tags."""
    return {**_names(namespace, found.name, old), **_times(found), **_ALIVE}


def of_association(namespace: metadef.Namespace, found: metadef.Association) -> dict[str, Any]:
    """Return the payload of events of resource types that a namespace applies to."""
    more = {'prefix': found.prefix, 'properties_target': found.properties_target}
    return {**_names(namespace, found.name, None), **more, **_times(found), **_ALIVE}


def _names(namespace: metadef.Namespace, name: str, old: str | None) -> dict[str, Any]:
    return {'namespace': namespace.name, 'name': name, 'name_old': old or name}


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: schema.get(name) for name in _SCHEMA}


def _times(thing: Any) -> dict[str, str | None]:
    return {name: _time(getattr(thing, name)) for name in ('created_at', 'updated_at')}


def _time(when: datetime.datetime | None) -> str | None:
    return None if when is None else when.strftime('%Y-%m-%dT%H:%M:%SZ')
