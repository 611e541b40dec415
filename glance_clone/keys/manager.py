# SPDX-License-Identifier: Apache-2.0
"""The key manager of the cloud, reached through castellan with the rights of a user."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import requests
from keystoneauth1 import exceptions as ksa_exceptions
from oslo_config import cfg
from oslo_context import context
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.importing import Submitter
from glance_clone.domain.ports import Concurrency

LOG = logging.getLogger(__name__)

#: Ids become parts of URLs, which is no matter of users.
_ID = re.compile(r'[0-9A-Za-z][0-9A-Za-z-]{0,63}')
_AWAY = (requests.ConnectionError, requests.Timeout, ksa_exceptions.ConnectFailure, TimeoutError)
_SERVER_ERROR = 500


class ManagerAway(errors.Unavailable):
    """The key manager does not answer, or cannot be asked."""


class SecretRefused(errors.Invalid):
    """The key manager does not give, or delete, what has an id."""


class KeyManager:
    """Asks the key manager of the configuration, and waits no longer than ``[key_requests] timeout`` for it (R8).

    It is called in a thread of its own, a green one where the launcher is green, since drivers use sockets.
    """

    def __init__(self, conf: cfg.ConfigOpts, concurrency: Concurrency):
        self._conf = conf
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._loaded: Any = None

    def get(self, submitter: Submitter, secret_id: str) -> Any:
        """Return an object as castellan has it.

        :raises SecretRefused: there is none of that id for the submitter
        :raises ManagerAway: it cannot be asked
        """
        return self._call('get', submitter, secret_id)

    def delete(self, submitter: Submitter, secret_id: str) -> None:
        """Delete an object; raises as :meth:`get` does."""
        self._call('delete', submitter, secret_id)

    def _call(self, method: str, submitter: Submitter, secret_id: str) -> Any:
        if not _ID.fullmatch(secret_id):
            raise SecretRefused('The key manager has no object of such an id; an id is a UUID.')
        driver = self._driver()
        timeout = self._conf.key_requests.timeout
        try:
            return self._concurrency.spawn(getattr(driver, method), _context_of(submitter), secret_id).wait(timeout)
        except Exception as error:  # whatever a driver raises
            LOG.warning('The key manager did not %s object %s: %s: %s', method, secret_id, type(error).__name__, error)
            if self._is_configured() and any(map(_is_outage, _causes(error))):
                raise ManagerAway('The key manager does not answer; try again later.') from error
            raise SecretRefused(
                f'The key manager has no object {secret_id} that you may use; look whether the id is right and the object '
                'is yours.'
            ) from error

    def _driver(self) -> Any:
        """Return the driver that the configuration names; it is made on first use."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        try:
            # Imported here because it is an extra, and only signed and encrypted images need it.
            from castellan import key_manager  # noqa: PLC0415

            return key_manager.API(self._conf)
        except Exception as error:  # whatever a driver raises
            LOG.error(
                'The key manager cannot be used: %s: %s. Look at [key_manager] backend, and whether castellan and cursive are '
                'installed, which the extra "signatures" brings.',
                type(error).__name__,
                error,
            )
            raise ManagerAway('This service cannot ask its key manager; tell an operator.') from error

    def _is_configured(self) -> bool:
        """Tell whether an operator said where the key manager is; without that, its silence will not pass."""
        if self._conf.key_manager.backend != 'barbican':
            return True
        places = [self._conf.get_location(name, 'barbican') for name in ('auth_endpoint', 'barbican_endpoint')]
        return any(place and place.location.is_user_controlled for place in places)


def _context_of(submitter: Submitter) -> context.RequestContext:
    return context.RequestContext(
        auth_token=submitter.token,
        user_id=submitter.user_id,
        project_id=submitter.project_id,
        roles=sorted(submitter.roles),
        request_id=submitter.request_id,
        overwrite=False,
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_outage(error: BaseException) -> bool:
    status = getattr(error, 'status_code', None) or getattr(error, 'http_status', None) or 0
    return isinstance(error, _AWAY) or (isinstance(status, int) and status >= _SERVER_ERROR)
