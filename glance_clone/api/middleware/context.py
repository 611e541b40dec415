# SPDX-License-Identifier: Apache-2.0
"""Who asks: from the headers of the auth filter to a request context.

Identity headers are believed only if an auth filter ran before this one, or if the paste section of this filter says
``trust_identity_headers = true``; otherwise they are removed (D-4, P13).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from oslo_log import log as logging
from oslo_utils import strutils

from glance_clone.api import errors as api_errors
from glance_clone.api import services
from glance_clone.api.context import RequestContext

LOG = logging.getLogger(__name__)

#: Set by an auth filter in the environ; keystonemiddleware sets the former always, ``basicauth`` the latter.
_AUTH_FILTER_KEYS = ('keystone.token_auth', 'glance_clone.auth_filter')

_IDENTITY_PREFIXES = (
    'HTTP_X_IDENTITY',
    'HTTP_X_USER',
    'HTTP_X_PROJECT',
    'HTTP_X_TENANT',
    'HTTP_X_DOMAIN',
    'HTTP_X_ROLE',
    'HTTP_X_IS_ADMIN_PROJECT',
    'HTTP_X_SERVICE',
    'HTTP_OPENSTACK_SYSTEM_SCOPE',
)

_CONTEXT_HEADERS = {
    'user_id': ('HTTP_X_USER_ID', 'HTTP_X_USER'),
    'project_id': ('HTTP_X_PROJECT_ID', 'HTTP_X_TENANT_ID', 'HTTP_X_TENANT'),
    'auth_token': ('HTTP_X_AUTH_TOKEN', 'HTTP_X_STORAGE_TOKEN'),
    'user_name': ('HTTP_X_USER_NAME',),
    'project_name': ('HTTP_X_PROJECT_NAME', 'HTTP_X_TENANT_NAME'),
    'domain_id': ('HTTP_X_DOMAIN_ID',),
    'domain_name': ('HTTP_X_DOMAIN_NAME',),
    'system_scope': ('HTTP_OPENSTACK_SYSTEM_SCOPE',),
    'user_domain_id': ('HTTP_X_USER_DOMAIN_ID',),
    'user_domain_name': ('HTTP_X_USER_DOMAIN_NAME',),
    'project_domain_id': ('HTTP_X_PROJECT_DOMAIN_ID',),
    'project_domain_name': ('HTTP_X_PROJECT_DOMAIN_NAME',),
    'service_token': ('HTTP_X_SERVICE_TOKEN',),
    'service_user_id': ('HTTP_X_SERVICE_USER_ID',),
    'service_user_name': ('HTTP_X_SERVICE_USER_NAME',),
    'service_user_domain_id': ('HTTP_X_SERVICE_USER_DOMAIN_ID',),
    'service_project_id': ('HTTP_X_SERVICE_PROJECT_ID',),
    'service_project_name': ('HTTP_X_SERVICE_PROJECT_NAME',),
    'service_project_domain_id': ('HTTP_X_SERVICE_PROJECT_DOMAIN_ID',),
}

#: What a client may choose as request id; anything else could break a log line.
_REQUEST_ID = re.compile(r'[A-Za-z0-9._-]+$')

StartResponse = Callable[..., Any]
Wsgi = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class _Base:
    """Puts a context into the environ and its request id into the answer."""

    def __init__(self, app: Wsgi, api: services.Services):
        self._app = app
        self._api = api

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            context = self.make_context(environ)
        except api_errors.HTTPError as error:
            return api_errors.response_to(error, environ.get('HTTP_ACCEPT', ''))(environ, start_response)
        environ['glance_clone.context'] = context
        environ['openstack.request_id'] = context.request_id

        def start_with_id(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [*headers, ('x-openstack-request-id', context.request_id)], exc_info)

        return self._app(environ, start_with_id)

    def make_context(self, environ: dict[str, Any]) -> RequestContext:
        """Return the caller of a request, or refuse it.

        :raises HTTPError: 401, 400 or 431
        """
        raise NotImplementedError

    def request_id(self, environ: dict[str, Any]) -> str | None:
        """Return the request id that the client chose, with the usual prefix; None if it chose none.

        :raises HTTPError: 431, too long; 400, not made of letters, digits, dots, dashes and underscores
        """
        chosen = environ.get('HTTP_X_OPENSTACK_REQUEST_ID')
        if not chosen:
            return None
        limit = self._api.conf.max_request_id_length
        if limit and len(chosen) > limit:
            raise api_errors.HTTPError(431, f'X-OpenStack-Request-ID is longer than {limit} characters.')
        if not _REQUEST_ID.match(chosen):
            raise api_errors.HTTPError(400, 'X-OpenStack-Request-ID has characters other than letters, digits and ._-')
        return chosen if chosen.startswith('req-') else f'req-{chosen}'


class ContextMiddleware(_Base):
    """The filter ``context``: the caller is whom the auth filter before it found."""

    def __init__(self, app: Wsgi, api: services.Services, trust_identity_headers: bool = False):
        super().__init__(app, api)
        self._trusts_headers = trust_identity_headers
        if trust_identity_headers:
            LOG.warning(
                'Identity headers of every client are believed (trust_identity_headers in the paste file). '
                'Anyone who reaches this service is whoever they say; use it for tests only.'
            )

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> Callable[[Wsgi], Wsgi]:
        """Make the filter for paste; option ``trust_identity_headers``."""
        api = services.current()
        trust = strutils.bool_from_string(local_conf.get('trust_identity_headers', 'false'), strict=True)
        return lambda app: cls(app, api, trust)

    def make_context(self, environ: dict[str, Any]) -> RequestContext:
        """Return the caller that the auth filter confirmed, else an anonymous one if those are let in."""
        if not self._trusts_headers and not any(key in environ for key in _AUTH_FILTER_KEYS):
            remove_identity(environ)
        if environ.get('HTTP_X_IDENTITY_STATUS') == 'Confirmed':
            return self._confirmed(environ)
        if self._api.conf.allow_anonymous_access:
            return RequestContext(read_only=True, request_id=self.request_id(environ))
        raise api_errors.HTTPError(401, 'This request needs a valid token; log in and send it as X-Auth-Token.')

    def _confirmed(self, environ: dict[str, Any]) -> RequestContext:
        context = RequestContext(
            service_catalog=_catalog(environ),
            request_id=self.request_id(environ),
            roles=_roles(environ.get('HTTP_X_ROLES') or environ.get('HTTP_X_ROLE')),
            service_roles=_roles(environ.get('HTTP_X_SERVICE_ROLES')),
            is_admin_project=environ.get('HTTP_X_IS_ADMIN_PROJECT', 'true').lower() == 'true',
            **{name: _first(environ, keys) for name, keys in _CONTEXT_HEADERS.items()},
        )
        context.is_admin = self._api.door.is_admin(context)
        return context


class UnauthenticatedContextMiddleware(_Base):
    """The filter ``unauthenticated-context``: everybody is an administrator without project."""

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> Callable[[Wsgi], Wsgi]:
        """Make the filter for paste."""
        api = services.current()
        return lambda app: cls(app, api)

    def make_context(self, environ: dict[str, Any]) -> RequestContext:
        """Return the caller that everybody is."""
        remove_identity(environ)
        return RequestContext(is_admin=True, request_id=self.request_id(environ))


def remove_identity(environ: dict[str, Any]) -> None:
    """Take out of a request whatever it says of who sent it."""
    for key in [key for key in environ if key.startswith(_IDENTITY_PREFIXES)]:
        del environ[key]


def _first(environ: dict[str, Any], keys: Iterable[str]) -> str | None:
    for key in keys:
        if value := environ.get(key):
            return str(value)
    return None


def _roles(header: str | None) -> list[str]:
    """Return role names in lower case: they are compared without regard to case."""
    return [role.strip().lower() for role in header.split(',') if role.strip()] if header else []


def _catalog(environ: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the services that the token knows, as Keystone describes them."""
    text = environ.get('HTTP_X_SERVICE_CATALOG')
    if not text:
        return []
    try:
        catalog = json.loads(text)
    except ValueError:
        raise api_errors.HTTPError(400, 'X-Service-Catalog is not JSON.') from None
    return [entry for entry in catalog if isinstance(entry, dict)] if isinstance(catalog, list) else []
