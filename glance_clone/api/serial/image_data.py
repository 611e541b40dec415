# SPDX-License-Identifier: Apache-2.0
"""The data of images: upload headers, byte ranges, the streamed answer."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import webob
from webob import byterange

from glance_clone.api import errors as api_errors
from glance_clone.api import file_sending
from glance_clone.api import sending
from glance_clone.api.body import body_source
from glance_clone.api.context import RequestContext
from glance_clone.api.serial import body
from glance_clone.api.serial.digests import parse_digests
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.store_ports import BlobReader

OCTET_STREAM = 'application/octet-stream'


@dataclasses.dataclass(slots=True)
class Span:
    """Part of an image: length bytes from offset of total."""

    offset: int
    length: int
    total: int


@dataclasses.dataclass(slots=True)
class Wish:
    """Which bytes of an image a client wants, and from where.

    :ivar ranges: the Range and Content-Range headers, of which the former wins
    :ivar prefer: ids of the stores to read from first
    """

    ranges: tuple[str | None, str | None]
    prefer: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class Download:
    """Opened data on its way to a client.

    :ivar span: None where the whole image is wanted
    """

    image: Image
    reader: BlobReader | None
    span: Span | None


def parse_upload(api: Services, request: webob.Request) -> Incoming:
    """Read the headers of ``PUT /v2/images/{id}/file``.

    :raises HTTPError: 415, another media type than application/octet-stream
    :raises Invalid: a size that is no number, malformed digests
    :raises StoreUnknown: no such store
    """
    _require_octets(request)
    store_id = request.headers.get('X-Image-Meta-Store') if api.stores.multiple else None
    size = _announced_size(request)
    if store_id is not None:
        api.stores.get(store_id)
    return Incoming(body_source(request.environ), size, store_id, parse_digests(request))


def parse_body(request: webob.Request) -> Incoming:
    """Read the headers of image data that goes to no store yet; raises as :func:`parse_upload` does."""
    _require_octets(request)
    return Incoming(body_source(request.environ), _announced_size(request), expected=parse_digests(request))


def _require_octets(request: webob.Request) -> None:
    if request.content_type != OCTET_STREAM:
        raise api_errors.HTTPError(415, f'Image data is sent as {OCTET_STREAM}.')


def _announced_size(request: webob.Request) -> int | None:
    header = request.headers.get('x-openstack-image-size')
    if header is None:
        return request.content_length or None
    if not re.fullmatch(r'-?[0-9]{1,20}', header.strip()):
        raise errors.Invalid('x-openstack-image-size must be a number of bytes.')
    return int(header) or None


def parse_download(api: Services, request: webob.Request) -> Wish:
    """Read what ``GET /v2/images/{id}/file`` asks for."""
    body.refuse_any(api, request)
    ranges = request.headers.get('Range'), request.headers.get('Content-Range')
    return Wish(ranges, _preferred(request) if request.query_string else ())


def _preferred(request: webob.Request) -> tuple[str, ...]:
    """Return the ids of the stores to read from first, each once.

    :raises Invalid: the query is not UTF-8
    """
    try:
        ids = request.GET.get('prefer', '').split(',')
    except UnicodeDecodeError:
        raise errors.Invalid('The query of the URL is not UTF-8.') from None
    return tuple(dict.fromkeys(each.strip() for each in ids if each.strip()))


def span_of(wanted: tuple[str | None, str | None], total: int) -> Span | None:
    """Return which bytes of an image a request wants, None for all.

    :param wanted: the Range and Content-Range headers
    :param total: bytes of the image
    :raises RangeNotSatisfiable: not a byte range, or one that touches no byte of the image
    :raises Invalid: several ranges, which this API does not know
    """
    new, old = wanted
    if new is not None:
        return _span_of_range(new, total)
    if old is not None:
        return _span_of_content_range(old, total)
    return None


def _span_of_range(header: str, total: int) -> Span:
    if ',' in header:
        raise errors.Invalid('Only one byte range can be asked for at a time.')
    wanted = _parsed(byterange.Range, header)
    if wanted is None or not total or wanted.start >= total:
        raise _unsatisfiable(total)
    start = wanted.start if wanted.start >= 0 else max(total + wanted.start, 0)
    stop = total if wanted.end is None else min(wanted.end, total)
    return Span(start, stop - start, total)


def _span_of_content_range(header: str, total: int) -> Span:
    """Read the older way of asking for a range, in a header that HTTP means for answers."""
    wanted = _parsed(byterange.ContentRange, header)
    if wanted is None or wanted.start is None or wanted.stop > total:
        raise _unsatisfiable(total)
    return Span(wanted.start, wanted.stop - wanted.start, total)


def _parsed(kind: Any, header: str) -> Any:
    """Return a parsed range, None if the header is none."""
    try:
        return kind.parse(header)
    except ValueError:  # no digits, or so many that they are no number
        return None


def _unsatisfiable(total: int) -> errors.RangeNotSatisfiable:
    return errors.RangeNotSatisfiable(f'The byte range does not fit the image, which has {total} bytes.')


def render_download(api: Services, context: RequestContext, result: Download, request: webob.Request) -> webob.Response:
    """Write image data; where it lies in a file, the server may send it without copying it."""
    if result.reader is None:
        response = webob.Response(status=204)
        del response.content_type
        response.headers['Content-Length'] = '0'
        return response
    response = webob.Response(content_type=OCTET_STREAM, charset=None)
    length = result.reader.size
    if result.span:
        response.status_int = 206
        length = result.span.length
        last = result.span.offset + length - 1
        response.headers['Content-Range'] = f'bytes {result.span.offset}-{last}/{result.span.total}'
    reader = sending.counted(result.reader, api.notifier, result.image, context, length, request)
    response.app_iter = file_sending.body_of(reader, result.span is not None, request.environ)
    response.content_length = length
    if result.image.checksum:
        response.headers['Content-MD5'] = result.image.checksum
    return response
