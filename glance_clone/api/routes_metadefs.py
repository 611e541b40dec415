# SPDX-License-Identifier: Apache-2.0
"""The part of the route table that is about metadata definitions."""

from __future__ import annotations

from glance_clone.api.resource import Action
from glance_clone.api.resource import Path
from glance_clone.api.serial import body
from glance_clone.api.serial import metadef_namespace as namespace
from glance_clone.api.serial import metadef_object as object_
from glance_clone.api.serial import metadef_property as property_
from glance_clone.api.serial import metadef_resource_type as resource_type
from glance_clone.api.serial import metadef_tag as tag
from glance_clone.api.serial.image import render_empty
from glance_clone.api.v2 import schemas
from glance_clone.api.v2.metadefs import namespaces
from glance_clone.api.v2.metadefs import objects
from glance_clone.api.v2.metadefs import properties
from glance_clone.api.v2.metadefs import resource_types
from glance_clone.api.v2.metadefs import schemas as metadef_schemas
from glance_clone.api.v2.metadefs import tags

_NAMESPACE = '/metadefs/namespaces/{namespace}'

_SCHEMAS = tuple(
    Path(f'/schemas/metadefs/{name}', GET=Action(metadef_schemas.shower(name), schemas.render))
    for name in metadef_schemas.DOCUMENTS
)

TABLE = (
    Path(
        '/metadefs/namespaces',
        GET=Action(namespaces.index, namespace.render_list, namespace.parse_list),
        POST=Action(namespaces.create, namespace.render_created, namespace.parse_create),
    ),
    Path(
        _NAMESPACE,
        GET=Action(namespaces.show, namespace.render_whole, namespace.parse_show),
        PUT=Action(namespaces.update, namespace.render, namespace.parse_update),
        DELETE=Action(namespaces.delete, render_empty),
    ),
    Path(
        f'{_NAMESPACE}/properties',
        GET=Action(properties.index, property_.render_list),
        POST=Action(properties.create, property_.render_created, property_.parse),
        DELETE=Action(properties.delete_all, render_empty),
    ),
    Path(
        f'{_NAMESPACE}/properties/{{property}}',
        GET=Action(properties.show, property_.render, property_.parse_resource_type),
        PUT=Action(properties.update, property_.render, property_.parse),
        DELETE=Action(properties.delete, render_empty),
    ),
    Path(
        f'{_NAMESPACE}/objects',
        GET=Action(objects.index, object_.render_list, object_.parse_list),
        POST=Action(objects.create, object_.render_created, object_.parse),
        DELETE=Action(objects.delete_all, render_empty),
    ),
    Path(
        f'{_NAMESPACE}/objects/{{object}}',
        GET=Action(objects.show, object_.render),
        PUT=Action(objects.update, object_.render, object_.parse),
        DELETE=Action(objects.delete, render_empty),
    ),
    Path(
        f'{_NAMESPACE}/tags',
        GET=Action(tags.index, tag.render_list, tag.parse_list),
        POST=Action(tags.create_several, tag.render_list_created, tag.parse_several),
        DELETE=Action(tags.delete_all, render_empty),
    ),
    Path(
        f'{_NAMESPACE}/tags/{{tag}}',
        GET=Action(tags.show, tag.render),
        POST=Action(tags.create, tag.render_created, body.refuse_any),
        PUT=Action(tags.update, tag.render, tag.parse),
        DELETE=Action(tags.delete, render_empty),
    ),
    Path('/metadefs/resource_types', GET=Action(resource_types.index, resource_type.render_list)),
    Path(
        f'{_NAMESPACE}/resource_types',
        GET=Action(resource_types.associations, resource_type.render_associations),
        POST=Action(resource_types.associate, resource_type.render_created, resource_type.parse),
    ),
    Path(f'{_NAMESPACE}/resource_types/{{resource_type}}', DELETE=Action(resource_types.dissociate, render_empty)),
    *_SCHEMAS,
)
