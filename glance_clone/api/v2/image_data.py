# SPDX-License-Identifier: Apache-2.0
"""The data of images: upload and download."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from oslo_log import log as logging

from glance_clone.api.context import RequestContext
from glance_clone.api.resource import Params
from glance_clone.api.serial.image_data import Download
from glance_clone.api.serial.image_data import Span
from glance_clone.api.serial.image_data import Wish
from glance_clone.api.serial.image_data import span_of
from glance_clone.api.services import Services
from glance_clone.api.v2.image_import import submitter
from glance_clone.domain import errors
from glance_clone.domain.image import DEACTIVATED
from glance_clone.domain.image import Image
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.ports import BlobReader

LOG = logging.getLogger(__name__)


def upload(api: Services, context: RequestContext, params: Params, incoming: Incoming) -> None:
    """Take the data of a queued image."""
    image = api.door.image(context, params['image_id'], 'upload_image')
    api.data.write(image, dataclasses.replace(incoming, submitter=submitter(context)))
    LOG.info('Image %(id)s has its data: %(size)d bytes.', {'id': image.id, 'size': image.size})


def download(api: Services, context: RequestContext, params: Params, wanted: Wish) -> Download:
    """Open the data of an image, or the wanted range of it."""
    image = api.door.image(context, params['image_id'], 'get_image')
    if image.status == DEACTIVATED and not context.is_admin:
        raise errors.Forbidden(f'Image {image.id} is deactivated; only an administrator can download it.')
    api.door.require_on_image(context, image, 'download_image')
    if wanted.prefer:
        _require_choice(api, context, image, wanted.prefer)
    span = span_of(wanted.ranges, image.size or 0)
    if not image.locations:
        return Download(image, None, None)
    return Download(image, _open(api, context, image, span, wanted.prefer), span)


def _open(api: Services, context: RequestContext, image: Image, span: Span | None, prefer: Sequence[str]) -> BlobReader:
    """Open the data, or the wanted part of it.

    :raises ImageNotFound: the image was deleted since its record was read
    :raises DataMissing: no store gives the data
    """
    try:
        if span is None:
            return api.data.read(image, prefer=prefer)
        return api.data.read(image, span.offset, span.length, prefer)
    except errors.DataMissing:
        try:
            api.door.image(context, image.id, 'get_image')
        except errors.NotFound:
            LOG.info('Image %s was deleted while its download began.', image.id)
            raise
        LOG.error('Image %s has lost its data: no store gives a copy of it.', image.id)
        raise


def _require_choice(api: Services, context: RequestContext, image: Image, prefer: Sequence[str]) -> None:
    """Check that the caller may choose among stores, and that there are those.

    :raises Invalid: there is no such store, or no choice at all
    """
    api.door.require_on_image(context, image, 'download_from_store')
    if not api.stores.multiple:
        raise errors.Invalid('This service has one store only; leave out prefer.')
    for store_id in prefer:
        api.stores.get(store_id)
