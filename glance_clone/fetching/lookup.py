# SPDX-License-Identifier: Apache-2.0
"""From a host to its addresses: one question to the name service, bounded in time."""

from __future__ import annotations

import ipaddress
import socket

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.ports import Concurrency
from glance_clone.fetching.address import Address
from glance_clone.fetching.address import canonical

LOG = logging.getLogger(__name__)


class Lookup:
    """Asks the name service in a native thread.

    :param timeout: seconds to wait
    """

    def __init__(self, concurrency: Concurrency, timeout: float):
        self._concurrency = concurrency
        self._timeout = timeout

    def addresses(self, host: str | Address, local: bool = False) -> list[Address]:
        """Return the addresses of a host in the order of preference; those of an address are itself.

        :param local: take what the machine knows by itself, such as names in its hosts file, if the name service knows none
        :raises UrlRefused: there is no such host, or no answer came in time
        """
        if not isinstance(host, str):
            return [host]
        found = self._ask(host + '.') or (self._ask(host) if local else [])
        if not found:
            raise errors.UrlRefused(f'The host {host} is not known to the name service.')
        return found

    def _ask(self, name: str) -> list[Address]:
        try:
            answer = self._concurrency.start(_resolve, name).wait(self._timeout)
        except (TimeoutError, socket.gaierror) as error:
            if getattr(error, 'errno', socket.EAI_AGAIN) == socket.EAI_AGAIN:
                LOG.warning('The name service gave no answer about %s in time.', name)
                raise errors.UrlRefused(f'The name service does not tell the address of {name}; try again later.') from error
            return []
        return list(dict.fromkeys(canonical(ipaddress.ip_address(text.partition('%')[0])) for text in answer))


def _resolve(name: str) -> list[str]:
    """Ask with a dot at the end of a name, so that no search domain of this machine is added to it."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]
