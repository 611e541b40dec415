# SPDX-License-Identifier: Apache-2.0
"""Locations: what other services say of them, and how they are shown to these."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import webob

from glance_clone.api.context import RequestContext
from glance_clone.api.serial import body
from glance_clone.api.serial.image import json_response
from glance_clone.api.serial.image import location_document
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.domain.location_ports import NamedLocation

_ALGORITHMS = ('sha1', 'sha256', 'sha512', 'md5')
_HEXADECIMAL = re.compile('[0-9a-fA-F]+')
_MAX_URL = 65_535


def parse_add(api: Services, request: webob.Request) -> NamedLocation:
    """Read the body of ``POST /v2/images/{id}/locations``; members that it does not know are let pass.

    :raises Invalid: no object with a url, or validation data that is no hash
    """
    document = body.read_object(request, api.conf.max_json_body_size)
    url = document.get('url')
    if not isinstance(url, str) or not 0 < len(url) <= _MAX_URL:
        raise errors.Invalid('The body must be an object with a url, a string.')
    body.require_bmp(url)
    if 'validation_data' not in document:
        return NamedLocation(url)
    return NamedLocation(url, *_hash(document['validation_data']))


def _hash(named: Any) -> tuple[str | None, str | None]:
    """Return algorithm and value of a hash that is named; (None, None) if the object is empty."""
    if not isinstance(named, dict):
        raise errors.Invalid('validation_data must be an object.')
    if not named:
        return None, None
    if set(named) != {'os_hash_algo', 'os_hash_value'} or not all(isinstance(value, str) for value in named.values()):
        raise errors.Invalid('validation_data has the strings os_hash_algo and os_hash_value, and nothing else.')
    algorithm, value = named['os_hash_algo'], named['os_hash_value']
    if algorithm not in _ALGORITHMS:
        raise errors.Invalid(f'os_hash_algo is one of {", ".join(_ALGORITHMS)}.')
    digits = hashlib.new(algorithm, usedforsecurity=False).digest_size * 2
    if len(value) != digits or not _HEXADECIMAL.fullmatch(value):
        raise errors.Invalid(f'os_hash_value is not a {algorithm} hash, which has {digits} hexadecimal digits.')
    return algorithm, value.lower()


def render_accepted(api: Services, context: RequestContext, result: None, request: webob.Request) -> webob.Response:
    """Write that the work has been taken on."""
    response = webob.Response(status=202)
    del response.content_type
    response.headers['Content-Length'] = '0'
    return response


def render_list(api: Services, context: RequestContext, result: list[Location], request: webob.Request) -> webob.Response:
    """Write locations as a bare list."""
    return json_response([location_document(location) for location in result])
