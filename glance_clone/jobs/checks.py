# SPDX-License-Identifier: Apache-2.0
"""What has to work for a process to be ready (D-15)."""

from __future__ import annotations

import functools
from collections.abc import Callable

from oslo_config import cfg

from glance_clone.domain.ports import Call
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import CheckedStore
from glance_clone.domain.store_ports import StoreRegistry


def readiness_checks(
    conf: cfg.ConfigOpts, database: Callable[[], None], stores: StoreRegistry, concurrency: Concurrency
) -> dict[str, Callable[[], Call]]:
    """Return the checks that the configuration asks for, by name; each begins in a thread.

    :param database: raises if the database does not answer
    """
    checks: dict[str, Callable[[], Call]] = {}
    if 'database' in conf.readiness.checks:
        # Connections belong to the threads that may use the database.
        checks['database'] = functools.partial(concurrency.spawn, database)
    if 'stores' in conf.readiness.checks:
        for store in stores.all():
            if isinstance(store, CheckedStore):
                checks[f'store {store.id or "default"}'] = functools.partial(concurrency.start, store.check)
    if 'staging' in conf.readiness.checks and isinstance(stores.staging, CheckedStore):
        checks['staging'] = functools.partial(concurrency.start, stores.staging.check)
    return checks
