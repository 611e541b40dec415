# SPDX-License-Identifier: Apache-2.0
"""The lists of the operator: what may be fetched, by scheme, host, port and address."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from glance_clone.domain import errors
from glance_clone.fetching import address as addresses
from glance_clone.fetching.address import Address
from glance_clone.fetching.host import normalise
from glance_clone.fetching.target import DEFAULT_PORTS
from glance_clone.fetching.target import Target


@dataclasses.dataclass(frozen=True)
class Choice:
    """What is allowed of one kind; where anything is listed as allowed, nothing else is."""

    allowed: frozenset[Any]
    denied: frozenset[Any]

    def admits(self, item: object) -> bool:
        """Tell whether an item may be used."""
        return item in self.allowed if self.allowed else item not in self.denied


@dataclasses.dataclass(frozen=True)
class Rules:
    """What may be fetched.

    :ivar refuse_private: private addresses of sites are for listed hosts only
    """

    schemes: Choice
    hosts: Choice
    ports: Choice
    refuse_private: bool = False

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Rules:
        """Return the rules of a configuration.

        :raises ValueError: a host in a list is none
        """
        lists = conf.import_filtering_opts
        return cls(
            Choice(_lower(lists.allowed_schemes), _lower(lists.disallowed_schemes)),
            Choice(_hosts('allowed_hosts', lists), _hosts('disallowed_hosts', lists)),
            Choice(frozenset(lists.allowed_ports), frozenset(lists.disallowed_ports)),
            conf.fetching.refuse_private_addresses,
        )

    def require(self, target: Target) -> None:
        """Refuse what can be refused before the host is resolved.

        :raises UrlRefused: by its scheme, its host, or its port, named or not
        """
        if target.scheme not in DEFAULT_PORTS or not self.schemes.admits(target.scheme):
            raise errors.UrlRefused(f'URLs with the scheme {target.scheme[:32]} cannot be fetched by this service.')
        if not self.hosts.admits(target.host):
            raise errors.UrlRefused(f'This service may not fetch from the host {target.host}; choose another one.')
        if not self.ports.admits(target.port):
            raise errors.UrlRefused(f'This service may not fetch from port {target.port}; choose a server on another one.')

    def lists(self, host: str | Address) -> bool:
        """Tell whether the operator named a host as one that may be fetched from, whatever address it has."""
        return host in self.hosts.allowed

    def usable(self, host: str | Address, found: Sequence[Address]) -> list[Address]:
        """Return the addresses of a host to which the service may connect.

        :raises UrlRefused: none
        """
        usable = [address for address in found if self._usable(host, address)]
        if not usable:
            raise errors.UrlRefused(f'The host {host} has no address from which this service may fetch.')
        return usable

    def _usable(self, host: str | Address, address: Address) -> bool:
        if self.lists(host):
            return True
        denied = {item for item in self.hosts.denied if not isinstance(item, str)}
        if any(form in denied for form in addresses.forms(address)):
            return False
        return not addresses.is_forbidden(address, self.refuse_private)


def _lower(items: Collection[str]) -> frozenset[str]:
    return frozenset(item.lower() for item in items)


def _hosts(option: str, lists: Any) -> frozenset[str | Address]:
    try:
        return frozenset(normalise(item) for item in lists[option])
    except ValueError as error:
        raise ValueError(f'[import_filtering_opts] {option} has something in it that is no host: {error}.') from error
