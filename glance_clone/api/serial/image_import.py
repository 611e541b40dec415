# SPDX-License-Identifier: Apache-2.0
"""Staging data and asking for its import: headers and bodies."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.serial import body
from glance_clone.api.serial import image_data
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain import importing
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.incoming import Incoming

#: Says that another node has sent the request on, so that it must not be sent on again.
FORWARDED = 'X-OpenStack-Glance-Forwarded'
_STORE = 'X-Image-Meta-Store'

_HEX = re.compile('[0-9a-fA-F]+')
_SWITCHES = ('all_stores', 'all_stores_must_succeed')


class Wanted:
    """A request to import, and what its headers say.

    :ivar store: the store that a header names, None where none does
    :ivar is_forwarded: another node sent it on
    """

    def __init__(self, request: ImportRequest, store: str | None, is_forwarded: bool):
        self.request = request
        self.store = store
        self.is_forwarded = is_forwarded


def parse_stage(api: Services, request: webob.Request) -> Incoming:
    """Read the headers of ``PUT /v2/images/{id}/stage``.

    :raises NotFound: data cannot be staged here
    :raises HTTPError: 415, another media type than application/octet-stream
    :raises Invalid: a size that is no number
    """
    if importing.GLANCE_DIRECT not in api.conf.enabled_import_methods:
        raise errors.NotFound('Data cannot be staged here: the import method glance-direct is not enabled.')
    return image_data.parse_body(request)


def parse_import(api: Services, request: webob.Request) -> Wanted:
    """Read the body of ``POST /v2/images/{id}/import``.

    :raises Invalid: no body, wrong types, a method that is not enabled
    """
    document = body.read_object(request, api.conf.max_json_body_size)
    method = _method(api, document)
    for name in _SWITCHES:
        if not isinstance(document.get(name, False), bool):
            raise errors.Invalid(f'{name} must be true or false.')
    wanted = ImportRequest(
        method['name'],
        options={name: value for name, value in method.items() if name != 'name'},
        stores=document.get('stores', importing.UNNAMED),
        all_stores=document.get('all_stores', False),
        must_succeed=document.get('all_stores_must_succeed', True),
        expected=_expected(method),
        document=document,
    )
    return Wanted(wanted, request.headers.get(_STORE), FORWARDED in request.headers)


def parse_delete(api: Services, request: webob.Request) -> bool:
    """Read ``DELETE /v2/images/{id}``; tell whether another node sent it on."""
    body.refuse_any(api, request)
    return FORWARDED in request.headers


def _method(api: Services, document: dict[str, Any]) -> dict[str, Any]:
    method = document.get('method')
    if not isinstance(method, dict):
        raise errors.Invalid('The body needs a member method, an object.')
    name = method.get('name')
    enabled = api.conf.enabled_import_methods
    if not isinstance(name, str) or name not in enabled:
        raise errors.Invalid(f'method.name must be one of the enabled import methods: {", ".join(enabled) or "none"}.')
    if name == importing.COPY_IMAGE and not api.stores.multiple:
        raise errors.Invalid('copy-image needs several stores; this service has one.')
    return method


def _expected(method: dict[str, Any]) -> dict[str, str]:
    """Return the hash that the data must have, as D-15 names it; {} if none is given.

    :raises Invalid: half of it, an algorithm that is not known, digits that no such hash has
    """
    algorithm, value = method.get('os_glance_hash_algo'), method.get('os_glance_hash_value')
    if algorithm is None and value is None:
        return {}
    if not isinstance(algorithm, str) or not isinstance(value, str):
        raise errors.Invalid('os_glance_hash_algo and os_glance_hash_value go together, and are strings.')
    if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith('shake'):
        raise errors.Invalid('os_glance_hash_algo is not known here; sha256 and sha512 are.')
    length = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
    if len(value) != length or not _HEX.fullmatch(value):
        raise errors.Invalid(f'os_glance_hash_value must be {length} hexadecimal digits for {algorithm}.')
    return {algorithm: value.lower()}


def render_accepted(api: Services, context: RequestContext, result: object, request: webob.Request) -> webob.Response:
    """Write that the import goes on by itself."""
    response = webob.Response(status=202)
    del response.content_type
    response.headers['Content-Length'] = '0'
    if isinstance(result, str):
        context.request_id = result
    return response
