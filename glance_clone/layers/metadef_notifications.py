# SPDX-License-Identifier: Apache-2.0
"""Telling of what happened to metadata definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glance_clone.domain import metadef
from glance_clone.domain.metadef_ports import Metadefs
from glance_clone.domain.notification import Notifier
from glance_clone.layers import event_payloads as payloads
from glance_clone.layers.notifications import Around
from glance_clone.layers.notifications import now


def notifying(metadefs: Metadefs, notifier: Notifier) -> Metadefs:
    """Return repositories that tell of what they do."""
    return Metadefs(
        namespaces=_Namespaces(metadefs.namespaces, notifier),
        objects=_Definitions(metadefs.objects, notifier, 'object', payloads.of_object),
        properties=_Definitions(metadefs.properties, notifier, 'property', payloads.of_property),
        tags=_Tags(metadefs.tags, notifier, 'tag', payloads.of_tag),
        resource_types=_ResourceTypes(metadefs.resource_types, notifier),
    )


class _Namespaces(Around):
    """Tells of namespaces, and of what is in new ones."""

    def add(self, namespace: metadef.Namespace) -> None:
        """Tell of a new namespace and of everything in it."""
        self._inner.add(namespace)
        self._notifier.info('metadef_namespace.create', payloads.of_namespace(namespace))
        for association in namespace.associations:
            self._notifier.info('metadef_resource_type.create', payloads.of_association(namespace, association))
        for one in namespace.objects:
            self._notifier.info('metadef_object.create', payloads.of_object(namespace, one))
        for found in namespace.properties:
            self._notifier.info('metadef_property.create', payloads.of_property(namespace, found))
        for tag in namespace.tags:
            self._notifier.info('metadef_tag.create', payloads.of_tag(namespace, tag))

    def replace(self, old: metadef.Namespace, new: metadef.Namespace) -> None:
        """Tell of a change."""
        self._inner.replace(old, new)
        self._notifier.info('metadef_namespace.update', payloads.of_namespace(new, old.name))

    def remove(self, namespace: metadef.Namespace) -> None:
        """Tell that a namespace is gone."""
        self._inner.remove(namespace)
        self._notifier.info('metadef_namespace.delete', payloads.deleted(payloads.of_namespace(namespace), now()))


class _Definitions(Around):
    """Tells of one kind of what namespaces contain.

    :param kind: ``object``, ``property`` or ``tag``
    :param payload: makes the payload of a namespace, a definition and its name until now
    """

    def __init__(self, inner: Any, notifier: Notifier, kind: str, payload: Callable[..., dict[str, Any]]):
        super().__init__(inner, notifier)
        self._kind = kind
        self._payload = payload

    def add(self, namespace: metadef.Namespace, new: Any) -> None:
        """Tell of a new one."""
        self._inner.add(namespace, new)
        self._notifier.info(f'metadef_{self._kind}.create', self._payload(namespace, new))

    def replace(self, namespace: metadef.Namespace, old: Any, new: Any) -> None:
        """Tell of a change."""
        self._inner.replace(namespace, old, new)
        self._notifier.info(f'metadef_{self._kind}.update', self._payload(namespace, new, old.name))

    def remove(self, namespace: metadef.Namespace, old: Any) -> None:
        """Tell that one is gone."""
        self._inner.remove(namespace, old)
        self._notifier.info(f'metadef_{self._kind}.delete', payloads.deleted(self._payload(namespace, old), now()))

    def clear(self, namespace: metadef.Namespace) -> None:
        """Tell that all are gone."""
        self._inner.clear(namespace)
        kinds = {'object': 'objects', 'property': 'properties', 'tag': 'tags'}
        self._notifier.info(f'metadef_namespace.delete_{kinds[self._kind]}', payloads.of_namespace(namespace))


class _Tags(_Definitions):
    """Tells of tags, one by one."""

    def add_all(self, namespace: metadef.Namespace, new: list[metadef.Tag], append: bool) -> None:
        """Tell of each new tag."""
        self._inner.add_all(namespace, new, append)
        for tag in new:
            self._notifier.info('metadef_tag.create', payloads.of_tag(namespace, tag))


class _ResourceTypes(Around):
    """Tells of what namespaces apply to."""

    def associate(self, namespace: metadef.Namespace, new: metadef.Association) -> None:
        """Tell of a new association."""
        self._inner.associate(namespace, new)
        self._notifier.info('metadef_resource_type.create', payloads.of_association(namespace, new))

    def dissociate(self, namespace: metadef.Namespace, old: metadef.Association) -> None:
        """Tell of an association that is gone."""
        self._inner.dissociate(namespace, old)
        payload = payloads.deleted(payloads.of_association(namespace, old), now())
        self._notifier.info('metadef_resource_type.delete', payload)
