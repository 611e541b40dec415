# SPDX-License-Identifier: Apache-2.0
"""Builds the store of a type for which glance_store has a driver."""

from __future__ import annotations

from oslo_config import cfg

from glance_clone.domain.ports import Concurrency
from glance_clone.stores.glance_store_adapter import GlanceStore
from glance_clone.stores.glance_store_cinder import CinderStore
from glance_clone.stores.glance_store_rbd import RbdStore
from glance_clone.stores.glance_store_s3 import S3Store
from glance_clone.stores.glance_store_swift import SwiftStore

_CLASSES: dict[str, type[GlanceStore]] = {'swift': SwiftStore, 's3': S3Store, 'rbd': RbdStore, 'cinder': CinderStore}


def build_store(
    conf: cfg.ConfigOpts,
    kind: str,
    store_id: str | None,
    concurrency: Concurrency,
    description: str | None = None,
    weight: int = 0,
) -> GlanceStore:
    """Build a store.

    :param kind: one of :data:`glance_store_options.DRIVERS`
    :raises ValueError: its driver is not installed, or cannot be set up
    """
    return _CLASSES.get(kind, GlanceStore)(conf, kind, store_id, concurrency, description or '', weight)
