# SPDX-License-Identifier: Apache-2.0
"""Data that is staged, and images that get their data by an import.

The order in which an import is looked at is part of the API: the first thing that is wrong decides the answer.
"""

from __future__ import annotations

from oslo_log import log as logging

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.serial.image_import import Wanted
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain import importing
from glance_clone.domain.image import Image
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Submitter
from glance_clone.domain.incoming import Incoming

LOG = logging.getLogger(__name__)

#: Status that an image must have for each method.
_NEEDED = {
    importing.GLANCE_DIRECT: images.UPLOADING,
    importing.WEB_DOWNLOAD: images.QUEUED,
    importing.GLANCE_DOWNLOAD: images.QUEUED,
    importing.COPY_IMAGE: images.ACTIVE,
}


def stage(api: Services, context: RequestContext, params: Params, incoming: Incoming) -> None:
    """Take data that waits for its import."""
    image = api.door.image(context, params['image_id'], 'modify_image')
    api.data.stage(image, incoming)
    LOG.info('Image %(id)s has staged data: %(size)d bytes.', {'id': image.id, 'size': image.size})


def start(api: Services, context: RequestContext, params: Params, wanted: Wanted) -> str | None:
    """Ask for an import; return the id of the request under which another node takes it on, None if this one does."""
    request = wanted.request
    image = api.door.image(context, params['image_id'], 'get_image')
    api.quota.require_room(image.owner)
    _require_state(image, request)
    if request.method == importing.GLANCE_DOWNLOAD:
        api.importer.check(image, request)
    api.door.require_on_image(context, image, 'copy_image' if request.method == importing.COPY_IMAGE else 'modify_image')
    api.importer.require_unlocked(image)
    if request.method == importing.COPY_IMAGE:
        _require_expected(image, request)
    stores = _stores(api, image, wanted)
    if not stores:
        return None
    if not api.stores.multiple and not request.must_succeed:
        raise errors.Invalid('all_stores_must_succeed can be false only where there are several stores.')
    if request.method == importing.GLANCE_DIRECT and (host := api.importer.elsewhere(image)):
        if wanted.is_forwarded:
            raise errors.Conflict(f'The staged data of image {image.id} is on yet another node; stage it again.')
        return api.importer.forward(host, f'/v2/images/{image.id}/import', request, submitter(context), wanted.store)
    if request.method == importing.WEB_DOWNLOAD:
        api.importer.check(image, request)
    api.importer.start(image, request, stores, submitter(context))
    return None


def submitter(context: RequestContext) -> Submitter:
    """Return what a task needs to know of the caller after the request has ended."""
    return Submitter(
        project_id=context.project_id,
        user_id=context.user_id,
        request_id=context.request_id,
        roles=frozenset(context.roles),
        is_admin=bool(context.is_admin),
        token=context.auth_token,
        catalog=tuple(context.service_catalog),
    )


def _require_state(image: Image, request: ImportRequest) -> None:
    """Refuse what the image is not ready for.

    :raises Conflict: another status, its data is not all there, or a format is not set
    """
    needed = _NEEDED[request.method]
    if image.status != needed:
        raise errors.Conflict(f'{request.method} needs an image that is {needed}; image {image.id} is {image.status}.')
    if image.status == images.UPLOADING and image.size is None:
        # The size is set with the last byte.
        raise errors.Conflict(f'The data of image {image.id} is still being staged; wait until all of it is there.')
    for name in ('container_format', 'disk_format'):
        if not getattr(image, name):
            raise errors.Conflict(f'Image {image.id} cannot be imported before {name} is set.')


def _require_expected(image: Image, request: ImportRequest) -> None:
    """Refuse a copy of data that has not the hash which is expected (D-15).

    :raises Invalid: the record has no such hash
    :raises Conflict: the data has another one
    """
    known = {'md5': image.checksum, image.os_hash_algo: image.os_hash_value}
    for algorithm, digest in request.expected.items():
        if not known.get(algorithm):
            raise errors.Invalid(f'The record of image {image.id} has no {algorithm} hash; expect one that it shows.')
        if known[algorithm] != digest:
            raise errors.Conflict(f'The data of image {image.id} has another {algorithm} hash than is expected.')


def _stores(api: Services, image: Image, wanted: Wanted) -> list[str | None]:
    """Return the stores to write to; [] where the image is in all of them already.

    :raises Invalid: stores are named in several ways, or none, or one that has the image already
    :raises Conflict: there is no such store
    """
    request = wanted.request
    if not api.stores.multiple:
        return [None]
    named = request.stores is not importing.UNNAMED
    if request.all_stores and (named or wanted.store is not None):
        raise errors.Invalid('all_stores cannot be used together with stores.')
    if named and wanted.store is not None:
        raise errors.Invalid('Name the stores in the body or in the header, not in both.')
    present = {location.store for location in image.locations} if request.method == importing.COPY_IMAGE else set()
    if request.all_stores:
        return [store.id for store in api.stores.all() if store.writable and store.id not in present]
    chosen = _named(api, wanted)
    if present & set(chosen):
        raise errors.Invalid(f'Image {image.id} is in {", ".join(sorted(present & set(chosen)))} already.')
    return list(chosen)


def _named(api: Services, wanted: Wanted) -> list[str]:
    names = wanted.request.stores
    if names is importing.UNNAMED:
        names = [wanted.store if wanted.store is not None else api.stores.default.id]
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise errors.Invalid('stores must be a list of the ids of stores.')
    for name in names:
        try:
            api.stores.get(name)
        except errors.StoreUnknown as error:
            raise errors.Conflict(str(error)) from None
    return list(dict.fromkeys(names))
