# SPDX-License-Identifier: Apache-2.0
"""HTTP basic authentication for an installation without Keystone: the filter ``basicauth`` of the flavor ``standalone``.

Passwords are checked by oslo.middleware against a file of bcrypt hashes; a users file of ours says in which project a
user works and with which roles (D-3). The filter ``context`` after this one reads the result as it reads Keystone's.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import bcrypt
import webob.exc
import yaml
from oslo_config import cfg
from oslo_log import log as logging
from oslo_middleware import basic_auth as passwords
from oslo_middleware import exceptions

from glance_clone.api import errors as api_errors
from glance_clone.api import services
from glance_clone.api.middleware.context import StartResponse
from glance_clone.api.middleware.context import Wsgi
from glance_clone.api.middleware.context import remove_identity

LOG = logging.getLogger(__name__)

#: What a role brings besides itself, as in a freshly bootstrapped Keystone.
_IMPLIED = {
    'admin': ('manager', 'member', 'reader'),
    'manager': ('member', 'reader'),
    'member': ('reader',),
}
_NAME = re.compile(r'[^\s,:]{1,255}')
_REMEMBERED_MAX = 1024

#: By user name: the environ members that describe the user.
Users = Mapping[str, Mapping[str, str]]


class _Wrong(Exception):
    """These are not the credentials of a user."""


class BasicAuthMiddleware:
    """Lets users in by name and password, and says who they are.

    A request without credentials goes on as nobody where anonymous access is allowed. Identity that a client claims by
    headers is removed, whatever else the request holds.
    """

    def __init__(self, app: Wsgi, conf: cfg.ConfigOpts, users: Users, password_file: str):
        self._app = app
        self._allows_anonymous = conf.allow_anonymous_access
        self._challenge = {'WWW-Authenticate': f'Basic realm="{conf.basic_auth.realm}", charset="UTF-8"'}
        self._users = users
        self._check = PasswordChecker(password_file, frozenset(users), conf.basic_auth.remember_seconds)

    @classmethod
    def factory(cls, global_conf: dict[str, str], **local_conf: str) -> Callable[[Wsgi], Wsgi]:
        """Make the filter for paste.

        :raises ValueError: a file is missing, malformed, or open to other users of the machine
        """
        conf = services.current().conf
        conf.register_opts(passwords.OPTS, group='oslo_middleware')
        password_file = conf.oslo_middleware.http_basic_auth_user_file
        _require_sound_password_file(password_file)
        users = load_users(conf.basic_auth.users_file)
        return lambda app: cls(app, conf, users, password_file)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Any:
        """Handle a request."""
        remove_identity(environ)
        environ['glance_clone.auth_filter'] = True
        if 'HTTP_AUTHORIZATION' in environ or not self._allows_anonymous:
            try:
                environ.update(self._users[self._check.user_of(environ)])
            except _Wrong as error:
                return self._refuse(api_errors.HTTPError(401, str(error), self._challenge), environ, start_response)
            except OSError as error:
                LOG.error('Nobody can log in: the password file cannot be read: %s', error)
                busy = api_errors.HTTPError(503, 'Passwords cannot be checked at the moment.', {'Retry-After': '30'})
                return self._refuse(busy, environ, start_response)
        return self._app(environ, start_response)

    @staticmethod
    def _refuse(error: api_errors.HTTPError, environ: dict[str, Any], start_response: StartResponse) -> Any:
        return api_errors.response_to(error, environ.get('HTTP_ACCEPT', ''))(environ, start_response)


class PasswordChecker:
    """Finds out whose credentials a request carries.

    bcrypt is slow by design and clients send their password with every request, so credentials found right are
    remembered: as a keyed hash, with a key that lives in this process only, until they are old or the file changes.
    """

    def __init__(self, password_file: str, known: frozenset[str], remember_seconds: float):
        self._file = password_file
        self._known = known
        self._remember_seconds = remember_seconds
        self._key = secrets.token_bytes(32)
        self._verified: dict[bytes, tuple[str, float]] = {}
        self._any_hash = _first_hash(password_file)

    def user_of(self, environ: dict[str, Any]) -> str:
        """Return the name of the user, and take the credentials out of the environ.

        :raises _Wrong: no credentials, or not those of a user
        :raises OSError: the password file cannot be read
        """
        scheme, _, token = environ.pop('HTTP_AUTHORIZATION', '').strip().partition(' ')
        if scheme.lower() != 'basic':
            raise _Wrong('Send user name and password by HTTP basic authentication.')
        key = self._fingerprint(token)
        user, until = self._verified.get(key, ('', 0.0))
        if time.monotonic() >= until:
            user = self._verify(token)
            self._remember(key, user)
        return user

    def _fingerprint(self, token: str) -> bytes:
        """Return a hash of the credentials and of which state of the password file they were compared with."""
        state = os.stat(self._file)
        text = f'{state.st_ino} {state.st_size} {state.st_mtime_ns} {token}'
        return hmac.digest(self._key, text.encode(), hashlib.sha256)

    def _remember(self, key: bytes, user: str) -> None:
        if len(self._verified) >= _REMEMBERED_MAX:
            self._verified.clear()
        self._verified[key] = (user, time.monotonic() + self._remember_seconds)

    def _verify(self, token: str) -> str:
        try:
            user, password = passwords.parse_token(token.strip())
            if user not in self._known:
                LOG.info('There is no user %a.', user[:256])
                # Unknown names must not be told apart from known ones by how soon they are refused.
                bcrypt.checkpw(password, self._any_hash)
                raise _Wrong('User name or password is wrong.')
            passwords.authenticate(self._file, user, password)
        except (webob.exc.HTTPException, ValueError):
            # ValueError: bcrypt takes no password of more than 72 bytes.
            raise _Wrong('User name or password is wrong.') from None
        return user


def load_users(path: str) -> Users:
    """Read the users file.

    :raises ValueError: the file is missing, malformed, or open to other users of the machine; says what to do
    """
    _require_private(path)
    with open(path, encoding='utf-8') as file:
        try:
            entries = yaml.safe_load(file)
        except yaml.YAMLError as error:
            raise ValueError(f'The users file {path} is not YAML: {error}') from None
    if not isinstance(entries, dict) or not entries:
        raise ValueError(f'The users file {path} must map user names to "project" and "roles".')
    return {name: _identity(path, name, entry) for name, entry in entries.items()}


def _identity(path: str, name: Any, entry: Any) -> dict[str, str]:
    if not isinstance(entry, dict) or entry.keys() != {'project', 'roles'} or not isinstance(entry['roles'], list):
        raise ValueError(f'User {name!r} in {path} must have exactly a "project" and a list of "roles".')
    project, roles = entry['project'], entry['roles']
    for text in (name, project, *roles):
        if not isinstance(text, str) or not _NAME.fullmatch(text):
            raise ValueError(f'{text!r} in {path} is no name: text without spaces, commas and colons, in quotes if a number.')
    implied = [role for given in roles for role in _IMPLIED.get(given.lower(), ())]
    return {
        'HTTP_X_IDENTITY_STATUS': 'Confirmed',
        'HTTP_X_USER_ID': name,
        'HTTP_X_USER_NAME': name,
        'HTTP_X_PROJECT_ID': project,
        'HTTP_X_PROJECT_NAME': project,
        'HTTP_X_ROLES': ','.join(dict.fromkeys([*roles, *implied])),
    }


def _require_sound_password_file(path: str) -> None:
    _require_private(path)
    try:
        passwords.validate_auth_file(path)
    except (exceptions.ConfigInvalid, webob.exc.HTTPBadRequest, ValueError) as error:
        raise ValueError(f'The password file {path} cannot be used: {error}') from None


def _first_hash(path: str) -> bytes:
    with open(path, encoding='utf-8') as file:
        entries = [line.strip() for line in file if ':' in line]
    if not entries:
        raise ValueError(f'The password file {path} has no line "user:hash".')
    return passwords.parse_entry(entries[0])[1]


def _require_private(path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as error:
        raise ValueError(f'HTTP basic authentication needs the file {path}: {error.strerror}.') from None
    if mode & 0o007:
        raise ValueError(f'{path} is open to every user of this machine; run: chmod o-rwx {path}')
