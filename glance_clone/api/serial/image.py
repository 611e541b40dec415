# SPDX-License-Identifier: Apache-2.0
"""Images: what a request may say of them, and how they are shown."""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Collection
from collections.abc import Mapping
from typing import Any

import webob
from oslo_config import cfg

from glance_clone.api import limits
from glance_clone.api.context import RequestContext
from glance_clone.api.property_protections import READ
from glance_clone.api.schema.custom_properties import text_of
from glance_clone.api.schema.image import ImageSchema
from glance_clone.api.serial import body
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.image import is_reserved
from glance_clone.domain.importing import Submitter
from glance_clone.domain.location import Location

#: Properties of the service's own that no client sees.
HIDDEN_PROPERTIES = frozenset(('os_glance_stage_host', 'os_glance_hash_op_host'))

NEVER_IN_BODY = ('direct_url', 'self', 'file', 'schema', 'stores')
READ_ONLY = ('created_at', 'updated_at', 'status', *images.DATA_ATTRIBUTES)
RESERVED = ('location', 'deleted', 'deleted_at')
WRITABLE = (
    'id',
    'name',
    'visibility',
    'protected',
    'os_hidden',
    'disk_format',
    'container_format',
    'min_disk',
    'min_ram',
    'owner',
)
BASE = frozenset((*NEVER_IN_BODY, *READ_ONLY, *RESERVED, *WRITABLE, 'tags', 'locations'))

_MAX_INT = 2**31 - 1
_MAX_NAME = 255


@dataclasses.dataclass(slots=True)
class NewImage:
    """A valid request to create an image.

    :ivar attributes: writable base attributes that the request gave
    :ivar tags: as they were given, some perhaps twice
    :ivar refused: names in the request that only the service decides
    """

    attributes: dict[str, Any]
    properties: dict[str, str | None]
    tags: list[str]
    refused: list[str]


def parse_create(api: Services, request: webob.Request) -> NewImage:
    """Read the body of ``POST /v2/images``.

    :raises Invalid: not an object, or a value that the schema does not allow
    :raises Forbidden: it names what the service keeps for itself
    """
    return _checked(api.image_schema, body.read_object(request, api.conf.max_json_body_size))


def _checked(schema: ImageSchema, document: dict[str, Any]) -> NewImage:
    _forbid(document.keys() & set(NEVER_IN_BODY))
    schema.require_complete(document)
    schema.validate(document)
    body.require_bmp(document)
    require_storable(document)
    _forbid(name for name in document if name in RESERVED or is_reserved(name))
    properties = {name: text_of(value) for name, value in document.items() if name not in BASE}
    return NewImage(
        attributes={name: document[name] for name in WRITABLE if name in document},
        properties=properties,
        tags=document.get('tags', []),
        refused=[name for name in (*READ_ONLY, 'locations') if name in document],
    )


def new_image(wanted: NewImage, owner: str | None) -> Image:
    """Return the image that a request describes, owned by the given project unless the request names another."""
    attributes = {'owner': owner, 'id': str(uuid.uuid4()), **wanted.attributes}
    for name in ('min_disk', 'min_ram'):
        attributes[name] = int(attributes.get(name, 0))
    return Image(**attributes, properties=wanted.properties, tags=set(wanted.tags))


def image_of(schema: ImageSchema, conf: cfg.ConfigOpts, document: Mapping[str, Any], submitter: Submitter) -> Image:
    """Return the image that a task describes; raises as :func:`parse_create` does.

    :raises LimitExceeded: it has too many tags or properties
    """
    wanted = _checked(schema, dict(document))
    _forbid(wanted.refused)
    limits.require_few_tags(conf, wanted.tags)
    limits.require_few_properties(conf, wanted.properties)
    return new_image(wanted, submitter.project_id)


def _forbid(names: Any) -> None:
    names = sorted(names)
    if names:
        raise errors.Forbidden(f'Only the service itself sets {", ".join(names)}.')


def require_storable(document: dict[str, Any]) -> None:
    """Check the bounds that columns have and the schema does not name.

    :raises Invalid: a number or a name that is out of bounds
    """
    for name in ('min_disk', 'min_ram'):
        if not 0 <= document.get(name, 0) <= _MAX_INT:
            raise errors.Invalid(f'{name} must be between 0 and {_MAX_INT}.')
    for name in document:
        if len(name) > _MAX_NAME:
            raise errors.Invalid(f'A property name is longer than {_MAX_NAME} characters: {name[:40]}...')


def require_tag(tag: str) -> str:
    """Return a tag that an image can have.

    :raises Invalid: too long, or a character that cannot be stored
    """
    body.require_bmp(tag)
    if len(tag) > _MAX_NAME or '\0' in tag:
        raise errors.Invalid(f'A tag has at most {_MAX_NAME} characters and no NUL.')
    return tag


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """How much of an image one caller is shown under the configuration of the service."""

    api: Services
    context: RequestContext

    @classmethod
    def of(cls, api: Services, context: RequestContext) -> View:
        """Return the view that a caller has."""
        return cls(api, context)

    def document(self, image: Image) -> dict[str, Any]:
        """Return the JSON document of an image."""
        document: dict[str, Any] = {
            name: '' if value is None else value for name, value in image.properties.items() if name not in HIDDEN_PROPERTIES
        }
        if self.api.door.protects_properties:
            self._remove_unreadable(document)
        if self.api.image_schema.values:
            self._read_values(document, image)
        self_path = f'/v2/images/{image.id}'
        document.update(
            id=image.id,
            name=image.name,
            status=image.status,
            visibility=image.visibility,
            owner=image.owner,
            protected=image.protected,
            os_hidden=image.os_hidden,
            disk_format=image.disk_format,
            container_format=image.container_format,
            min_disk=image.min_disk,
            min_ram=image.min_ram,
            size=image.size,
            virtual_size=image.virtual_size,
            checksum=image.checksum,
            os_hash_algo=image.os_hash_algo,
            os_hash_value=image.os_hash_value,
            created_at=timestamp(image.created_at),
            updated_at=timestamp(image.updated_at),
            tags=list(image.tags),
            self=self_path,
            file=f'{self_path}/file',
            schema='/v2/schemas/image',
        )
        self._add_locations(document, image)
        return document

    def _read_values(self, properties: dict[str, Any], image: Image) -> None:
        """Show custom properties that are not text as the values that they are."""
        schema = self.api.image_schema
        for name in schema.values & properties.keys():
            properties[name] = schema.value(name, image.properties[name])

    def _remove_unreadable(self, properties: dict[str, Any]) -> None:
        for name in list(properties):
            if not self.api.door.allows_property(self.context, READ, name):
                del properties[name]

    def _add_locations(self, document: dict[str, Any], image: Image) -> None:
        conf, stores = self.api.conf, self.api.stores
        masked = image.status == images.DEACTIVATED and not self.context.is_admin
        locations = [] if masked else stores.by_weight(image.locations)
        if stores.multiple:
            ids = list(dict.fromkeys(location.store for location in locations if location.store))
            if ids:
                document['stores'] = ','.join(ids)
        if conf.show_multiple_locations:
            document['locations'] = [location_document(location) for location in locations]
        if conf.show_image_direct_url and locations:
            document['direct_url'] = locations[0].url


def location_document(location: Location) -> dict[str, Any]:
    """Return the JSON document of a location; what was said about its data only to whoever just said it."""
    document: dict[str, Any] = {'url': location.url, 'metadata': location.metadata}
    if location.expected:
        document['validation_data'] = location.expected
    return document


def timestamp(moment: datetime.datetime | None) -> str | None:
    """Return a time as the API writes it: UTC, whole seconds, a literal Z."""
    return moment.isoformat(timespec='seconds') + 'Z' if moment else None


def render(api: Services, context: RequestContext, result: Image, request: webob.Request) -> webob.Response:
    """Write an image."""
    return json_response(View.of(api, context).document(result))


def render_created(api: Services, context: RequestContext, result: Image, request: webob.Request) -> webob.Response:
    """Write an image that was just created, with what the client needs to go on."""
    response = render(api, context, result, request)
    response.status_int = 201
    response.location = f'{request.application_url.rstrip("/")}/images/{result.id}'
    if api.conf.enabled_import_methods:
        response.headers['OpenStack-image-import-methods'] = ','.join(api.conf.enabled_import_methods)
    if api.stores.multiple:
        response.headers['OpenStack-image-store-ids'] = ','.join(_ids(api.stores.all()))
    return response


def render_empty(api: Services, context: RequestContext, result: object, request: webob.Request) -> webob.Response:
    """Write that it is done and there is nothing to say."""
    response = webob.Response(status=204)
    del response.content_type
    response.headers['Content-Length'] = '0'
    return response


def json_response(document: Any) -> webob.Response:
    """Return a 200 with a JSON document, non-ASCII characters as they are."""
    return webob.Response(
        json.dumps(document, ensure_ascii=False).encode(),
        content_type='application/json',
        charset=None,
        headerlist=None,
    )


def _ids(stores: Collection[Any]) -> list[str]:
    return [store.id for store in stores]
