# SPDX-License-Identifier: Apache-2.0
"""keystonemiddleware's filter, telling an outage of Keystone from a bad token (R8).

With a delayed decision the library treats a token that it could not check like one that is not valid. A client that is
told 401 throws its token away; one that is told 503 tries again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import webob.exc
from keystoneauth1 import exceptions as ksa_exceptions
from keystonemiddleware import auth_token
from keystonemiddleware.auth_token import _exceptions as ksm_exceptions
from oslo_log import log as logging

from glance_clone.api import services
from glance_clone.api.middleware.context import Wsgi

LOG = logging.getLogger(__name__)

#: Seconds after which a client should try again.
_RETRY_AFTER = 5
_OUTAGES = (ksm_exceptions.ServiceError, ksa_exceptions.ConnectionError, ksa_exceptions.DiscoveryFailure)


class AuthToken(auth_token.AuthProtocol):
    """The filter ``authtoken``."""

    def fetch_token(self, token: str, allow_expired: bool = False) -> Any:
        """Return what Keystone says of a token.

        :raises HTTPServiceUnavailable: Keystone cannot be asked now
        """
        try:
            return super().fetch_token(token, allow_expired=allow_expired)
        except ksm_exceptions.InvalidToken as error:
            reason = error.__cause__ or error.__context__
            if not isinstance(reason, _OUTAGES):
                raise
            raise _unavailable(reason) from None
        except ksa_exceptions.ClientException as error:
            raise _unavailable(error) from None


def _unavailable(reason: BaseException) -> webob.exc.HTTPServiceUnavailable:
    """Return the answer for requests whose token cannot be checked now; log why."""
    LOG.error('Keystone cannot be asked about a token, see [keystone_authtoken]: %s: %s', type(reason).__name__, reason)
    message = 'The identity service cannot be asked about your token; try again soon.'
    return webob.exc.HTTPServiceUnavailable(message, headers={'Retry-After': str(_RETRY_AFTER)})


def filter_factory(global_conf: dict[str, str], **local_conf: str) -> Callable[[Wsgi], Wsgi]:
    """Make the filter for paste; takes the options of keystonemiddleware's."""
    conf = {'oslo_config_config': services.current().conf, **global_conf, **local_conf}
    return lambda app: AuthToken(app, conf)
