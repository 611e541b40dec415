# SPDX-License-Identifier: Apache-2.0
"""From errors to HTTP: one table of statuses, one function that writes the answer."""

from __future__ import annotations

import html
import http
import json

import webob

from glance_clone.domain import errors


class HTTPError(errors.ImageServiceError):
    """An answer that only HTTP has a name for.

    :param status: HTTP status code
    :param headers: further headers of the answer
    """

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


#: The status of each domain error; an error that is not listed has that of its nearest listed ancestor.
STATUS: dict[type[Exception], int] = {
    errors.Invalid: 400,
    errors.ClientDisconnected: 400,
    errors.ClientTooSlow: 408,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.ImageGone: 410,
    errors.StoreReadOnly: 410,
    errors.LimitExceeded: 413,
    errors.UnsafeContent: 415,
    errors.RangeNotSatisfiable: 416,
    errors.FetchError: 502,
    errors.Unavailable: 503,
    errors.PeerBroken: 502,
    errors.PeerTimeout: 504,
    errors.BlobNotFound: 500,
    errors.StoreError: 500,
}


_STATUSES = frozenset(status for status in http.HTTPStatus if status >= 400)


def status_of(error: Exception) -> int:
    """Return the HTTP status of an error, 500 if it is none of ours."""
    if isinstance(error, HTTPError):
        return error.status
    if isinstance(error, errors.PeerRefused):
        return error.status if error.status in _STATUSES else 502
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def response_to(error: Exception, accept: str) -> webob.Response:
    """Return the answer that tells a client about an error.

    The text of domain errors is meant for users; of any other error nothing is told.
    """
    status = status_of(error)
    if isinstance(error, errors.ImageServiceError) and str(error):
        message = str(error)
    else:
        message = 'The service failed to answer; its log tells more under the id of this request.'
    response = document(status, message, accept)
    if isinstance(error, HTTPError):
        response.headers.update(error.headers)
    if isinstance(error, errors.Unavailable):
        response.headers['Retry-After'] = str(error.retry_after)
    return response


def document(status: int, message: str, accept: str) -> webob.Response:
    """Return an error as JSON, HTML or plain text, whichever the client reads.

    :param accept: the Accept header of the request, '' if it had none
    """
    title = http.HTTPStatus(status).phrase
    code = f'{status} {title}'
    if 'application/json' in accept:
        body = json.dumps({'message': message, 'code': code, 'title': title}, ensure_ascii=False)
        media_type = 'application/json'
    elif 'text/html' in accept or '*/*' in accept:
        body = (
            f'<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n'
            f'  {html.escape(message)}\n </body>\n</html>\n'
        )
        media_type = 'text/html'
    else:
        body = f'{code}\n\n{message}\n'
        media_type = 'text/plain'
    return webob.Response(body.encode(), status=code, content_type=media_type, charset='UTF-8')
