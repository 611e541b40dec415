# SPDX-License-Identifier: Apache-2.0
"""How a request is answered: find the action, read what is asked, do it, write the result."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

import routes
import webob
from oslo_log import log as logging

from glance_clone.api import errors as api_errors
from glance_clone.api.context import RequestContext
from glance_clone.api.middleware.metrics import ROUTE
from glance_clone.api.serial import body
from glance_clone.api.serial.image_data import OCTET_STREAM
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT

LOG = logging.getLogger(__name__)

_KNOWN_VERBS = frozenset(('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'))
#: Verbs that are answered 404 where an :class:`OpenPath` does not know them.
_OPEN_VERBS = frozenset(('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'))
_READING_VERBS = frozenset(('GET', 'HEAD'))

Params = dict[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Action:
    """One verb on one path.

    :ivar act: does the work: ``act(api, context, params, wanted)``
    :ivar render: makes the answer: ``render(api, context, result, request)``
    :ivar parse: reads the request: ``parse(api, request)``; refuses it before anything else is looked at
    """

    act: Callable[[Services, RequestContext, Params, Any], Any]
    render: Callable[[Services, RequestContext, Any, webob.Request], webob.Response]
    parse: Callable[[Services, webob.Request], Any] = body.refuse_any


class Path:
    """One URL template and the verbs that it knows, in the order in which ``Allow`` names them.

    :param tells_verbs: False answers 404 to other verbs, as if there were nothing at this URL
    :param allow: what ``Allow`` says, where that is not all of them
    """

    def __init__(self, template: str, tells_verbs: bool = True, allow: str | None = None, **actions: Action):
        self.template = template
        self.tells_verbs = tells_verbs
        self.actions = actions
        self.allow = allow or ', '.join(actions)


class OpenPath(Path):
    """One URL template of which the API knows nothing but some verbs: any other is answered 404."""


class Application:
    """The WSGI application of one major version of the API."""

    def __init__(self, api: Services, table: Iterable[Path]):
        self._api = api
        self._mapper = routes.Mapper(register=False)
        self._mapper.explicit = True
        self._paths = {path.template: path for path in table}
        for template in self._paths:
            self._mapper.connect(template, template=template)
        self._mapper.create_regs()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Handle a request."""
        request = webob.Request(environ)
        try:
            response = self._answer(request)
        except Exception as error:  # the one place where everything becomes an answer
            response = self._explain(request, error)
        response.headers['X-Content-Type-Options'] = 'nosniff'
        if response.content_type != OCTET_STREAM:
            # Records change, and who may see them, too: no cache on the way keeps them.
            response.headers['Cache-Control'] = 'no-store'
        return response(environ, start_response)

    def knows(self, method: str, path: str) -> bool:
        """Tell whether there is an action for a method on a path."""
        match = self._mapper.match(path)
        return match is not None and method in self._paths[match['template']].actions

    def _answer(self, request: webob.Request) -> webob.Response:
        action, params = self._find(request)
        wanted = action.parse(self._api, request)
        context: RequestContext = request.environ['glance_clone.context']
        if request.method not in _READING_VERBS:
            context.require_writable()
        CONTEXT.set(context)
        result = action.act(self._api, context, params, wanted)
        return action.render(self._api, context, result, request)

    def _find(self, request: webob.Request) -> tuple[Action, Params]:
        try:
            url = request.path_info
        except UnicodeError:
            raise errors.Invalid('The path of the URL is not UTF-8.') from None
        if '\0' in url:
            raise errors.Invalid('The path of the URL contains a NUL character.')
        match = self._mapper.match(url)
        if match is None:
            raise _no_such_resource(request.method)
        path = self._paths[match.pop('template')]
        request.environ[ROUTE] = path.template
        action = path.actions.get(request.method)
        if action is None and isinstance(path, OpenPath):
            if request.method in _OPEN_VERBS:
                raise api_errors.HTTPError(404, 'The API has no such resource.')
            raise api_errors.HTTPError(501, 'The API does not know this method.')
        if action is None:
            if not path.tells_verbs:
                raise _no_such_resource(request.method)
            raise api_errors.HTTPError(405, f'This resource knows only {path.allow}.', {'Allow': path.allow})
        return action, match

    def _explain(self, request: webob.Request, error: Exception) -> webob.Response:
        response = api_errors.response_to(error, request.headers.get('Accept', ''))
        if not isinstance(error, errors.ImageServiceError):
            LOG.exception('%(method)s %(path)s failed unexpectedly', _line(request))
        elif response.status_int >= 500:
            LOG.error('%(method)s %(path)s: %(error)s', {**_line(request), 'error': error})
        else:
            LOG.info(
                '%(method)s %(path)s refused with %(status)s: %(error)s',
                {**_line(request), 'status': response.status_int, 'error': _escaped(str(error))},
            )
        return response


def _no_such_resource(method: str) -> api_errors.HTTPError:
    if method in _KNOWN_VERBS:
        return api_errors.HTTPError(404, 'The API has no such resource.')
    return api_errors.HTTPError(501, 'The API knows neither this resource nor this method.')


def _line(request: webob.Request) -> dict[str, str]:
    return {'method': _escaped(request.method), 'path': _escaped(request.environ.get('PATH_INFO', ''))}


def _escaped(text: str) -> str:
    """Return text fit for a log line: control characters escaped, cut at 256 characters."""
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text[:256])
