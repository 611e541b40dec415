# SPDX-License-Identifier: Apache-2.0
"""Keystone's unified limits, asked by oslo.limit: registered ones for all projects, and those of a project in their place.

They are asked anew for each request that takes something, so that a changed limit holds at once. Only limits come from
there; what a project has is counted in our own database, in the transaction that takes more.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from keystoneauth1 import exceptions as ksa_exceptions
from openstack import exceptions as sdk_exceptions
from oslo_config import cfg
from oslo_limit import exception as limit_exceptions
from oslo_limit import limit
from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain import quota
from glance_clone.domain.quota import Limit
from glance_clone.domain.quota import Limits
from glance_clone.domain.quota import Usage

LOG = logging.getLogger(__name__)

SIZE_TOTAL = 'image_size_total'
STAGE_TOTAL = 'image_stage_total'
COUNT_TOTAL = 'image_count_total'
COUNT_UPLOADING = 'image_count_uploading'

_NAMES = {
    quota.STORED: SIZE_TOTAL,
    quota.STAGED: STAGE_TOTAL,
    quota.IMAGES: COUNT_TOTAL,
    quota.UPLOADING: COUNT_UPLOADING,
}
_IN_MIB = frozenset((quota.STORED, quota.STAGED))

#: Seconds to wait for Keystone, unless [oslo_limit] says otherwise (R8).
_TIMEOUT = 5
#: What oslo.limit and the libraries below it raise where Keystone is away, or [oslo_limit] is wrong.
_FAILURES = (
    limit_exceptions.SessionInitError,
    ksa_exceptions.ClientException,
    sdk_exceptions.SDKException,
    ValueError,
    NotImplementedError,
)


class UnifiedLimits:
    """A source of limits; see :class:`glance_clone.quotas.projects.LimitSource`.

    :param conf: must be oslo.config's global one, since the library reads no other
    """

    resources = frozenset(_NAMES)

    def __init__(self, conf: cfg.ConfigOpts):
        if conf is not cfg.CONF:
            raise ValueError('use_keystone_limits works with the global configuration only.')
        cfg.CONF.set_default('timeout', _TIMEOUT, group='oslo_limit')
        self._lock = threading.Lock()
        self._enforcer: limit.Enforcer | None = None

    def of(self, project: str, resources: Collection[str]) -> Limits:
        """Return the limits of a project; a resource that Keystone does not know is limited to nothing."""
        numbers = self._numbers(project)
        limits = {resource: _limit(resource, numbers.get(_NAMES[resource], 0)) for resource in resources}
        return {resource: found for resource, found in limits.items() if found is not None}

    def shown(self, project: str, usage: Usage) -> dict[str, tuple[int, int]]:
        """Return usage and limit of all four."""
        numbers = self._numbers(project)
        units = {resource: quota.MIB if resource in _IN_MIB else 1 for resource in _NAMES}
        return {name: (usage[resource] // units[resource], numbers.get(name, 0)) for resource, name in _NAMES.items()}

    def _numbers(self, project: str) -> dict[str, int]:
        try:
            enforcer = self._ready()
            return {**dict(enforcer.get_registered_limits(None)), **dict(enforcer.get_project_limits(project, None))}
        except _FAILURES as error:
            LOG.error('Keystone does not tell its limits, see [oslo_limit]: %s: %s', type(error).__name__, error)
            raise errors.Unavailable('The limits of your project cannot be found out now; try again soon.') from None

    def _ready(self) -> limit.Enforcer:
        """Return what asks Keystone; it is made on first use, so that the service can start before Keystone does."""
        with self._lock:
            if self._enforcer is None:
                self._enforcer = limit.Enforcer(_no_usage, cache=False)
            return self._enforcer


def _no_usage(project: str | None, resources: Collection[str]) -> dict[str, int]:
    """Stand in for the callback with which the library could compare by itself."""
    return dict.fromkeys(resources, 0)


def _limit(resource: str, number: int) -> Limit | None:
    name = _NAMES[resource]
    if resource in _IN_MIB:
        return quota.limit_in_mib(name, number)
    return Limit(name, number) if number >= 0 else None
