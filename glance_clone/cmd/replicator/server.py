# SPDX-License-Identifier: Apache-2.0
"""One image service, as the replicator talks to it: the Image API v2 with a token."""

from __future__ import annotations

import os
import re
import urllib.parse
from collections.abc import Iterator
from typing import Any
from typing import Protocol

import requests

Image = dict[str, Any]

#: Seconds to wait for a connection, and for the next bytes of an answer.
_TIMEOUTS = (10, 300)
_PAGE = 100
_PATCH_TYPE = 'application/openstack-images-v2.1-json-patch'
_HOST_AND_PORT = re.compile(r'(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):(\d{1,5})')
_MOST_TEXT = 300


class Failure(Exception):
    """A server could not be asked, or refused; the text says which one and why."""


class Data(Protocol):
    """Bytes to send.

    :ivar len: how many there are
    """

    len: int

    def __iter__(self) -> Iterator[bytes]:
        """Return the bytes in blocks."""


def base_url(address: str) -> str:
    """Return the URL that an address means: ``host:port``, ``[IPv6]:port``, or a URL with http or https.

    :raises ValueError: it is none of these
    """
    if address.startswith(('http://', 'https://')):
        if urllib.parse.urlsplit(address).hostname:
            return address.rstrip('/')
    else:
        match = _HOST_AND_PORT.fullmatch(address)
        if match and 0 < int(match[2]) < 1 << 16:
            return f'http://{address}'
    raise ValueError(f'{address!r} is no server; write host:port, [IPv6 address]:port or a URL.')


class Server:
    """An image service.

    :param address: as :func:`base_url` takes it
    :param token: sent as ``X-Auth-Token``; empty for none
    :param block: bytes to read at a time
    :raises ValueError: the address is malformed
    """

    def __init__(self, address: str, token: str, block: int):
        self.address = address
        self._url = base_url(address)
        self._block = block
        self._session = requests.Session()
        # No proxy stands between, and no password of ~/.netrc is meant for the servers.
        self._session.trust_env = False
        self._session.verify = os.environ.get('REQUESTS_CA_BUNDLE') or True
        self._session.headers.update({'Accept': 'application/json', **({'X-Auth-Token': token} if token else {})})

    def images(self) -> Iterator[Image]:
        """Return every image that the token may see, hidden and community ones included, oldest first."""
        for hidden in ('false', 'true'):
            query = {'os_hidden': hidden, 'visibility': 'all', 'sort': 'created_at:asc', 'limit': str(_PAGE)}
            path: str | None = f'/v2/images?{urllib.parse.urlencode(query)}'
            while path:
                page = self._ask('GET', path).json()
                yield from page['images']
                path = page.get('next')

    def show(self, image_id: str) -> Image:
        """Return an image."""
        return dict(self._ask('GET', f'/v2/images/{image_id}').json())

    def create(self, record: Image) -> None:
        """Create an image with the id and all the attributes that a record names."""
        self._ask('POST', '/v2/images', json=record)

    def patch(self, image_id: str, operations: list[Image]) -> None:
        """Change an image by JSON patch."""
        self._ask('PATCH', f'/v2/images/{image_id}', json=operations, headers={'Content-Type': _PATCH_TYPE})

    def download(self, image_id: str) -> Iterator[bytes]:
        """Return the data of an image in blocks."""
        answer = self._ask('GET', f'/v2/images/{image_id}/file', stream=True, headers={'Accept': '*/*'})
        try:
            yield from answer.iter_content(self._block)
        except requests.RequestException as error:
            raise Failure(f'{self.address} stopped sending the data: {_cause(error)}') from None
        finally:
            answer.close()

    def upload(self, image_id: str, data: Data) -> None:
        """Send the data of an image."""
        headers = {'Content-Type': 'application/octet-stream'}
        self._ask('PUT', f'/v2/images/{image_id}/file', data=data, headers=headers)

    def _ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> requests.Response:
        """Send a request; return the answer if it is a good one.

        :raises Failure: it is not, or there is none
        """
        try:
            answer = self._session.request(
                method, self._url + path, headers=headers, timeout=_TIMEOUTS, allow_redirects=False, **more
            )
        except requests.RequestException as error:
            raise Failure(f'{self.address} cannot be asked: {_cause(error)}') from None
        if not 200 <= answer.status_code < 300:
            raise Failure(f'{self.address} answered {answer.status_code} to {method} {path}: {_message(answer)}')
        return answer


def _cause(error: BaseException) -> str:
    """Return what went wrong at the bottom of an error that wraps others."""
    inner = error.__cause__ or error.__context__
    while inner is not None:
        error, inner = inner, inner.__cause__ or inner.__context__
    return str(error) or type(error).__name__


def _message(answer: requests.Response) -> str:
    """Return what the server gives as the reason."""
    try:
        value = answer.json()
        text = str(value.get('message') or value) if isinstance(value, dict) else str(value)
    except ValueError:
        text = answer.text
    text = ' '.join(re.sub(r'<[^>]*>', ' ', text).split())
    hint = '; check the token' if answer.status_code == requests.codes.unauthorized else ''
    return (text[:_MOST_TEXT] or answer.reason) + hint
