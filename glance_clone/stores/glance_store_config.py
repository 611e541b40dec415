# SPDX-License-Identifier: Apache-2.0
"""Builds the store of a type for which glance_store has a driver."""

from __future__ import annotations

from oslo_config import cfg

from glance_clone.conf import stores as options
from glance_clone.domain.ports import Concurrency
from glance_clone.stores import glance_store_options
from glance_clone.stores.glance_store_adapter import GlanceStore
from glance_clone.stores.glance_store_cinder import CinderStore
from glance_clone.stores.glance_store_rbd import RbdStore
from glance_clone.stores.glance_store_s3 import S3Store
from glance_clone.stores.glance_store_swift import SwiftStore
from glance_clone.stores.glance_store_swift_accounts import SwiftAccountsStore
from glance_clone.stores.glance_store_vmware import VmwareStore

_CLASSES: dict[str, type[GlanceStore]] = {
    'swift': SwiftStore,
    's3': S3Store,
    'rbd': RbdStore,
    'cinder': CinderStore,
    'vmware': VmwareStore,
}


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
    store = _CLASSES[kind]
    if kind == 'swift' and _keeps_in_accounts(conf, store_id):
        store = SwiftAccountsStore
    return store(conf, kind, store_id, concurrency, description or '', weight)


def _keeps_in_accounts(conf: cfg.ConfigOpts, store_id: str | None) -> bool:
    """Tell whether a Swift store keeps each image in the account of whoever sends the data."""
    glance_store_options.register(conf, 'swift', store_id)
    group = conf.glance_store if store_id is None else options.StoreOptions(conf, store_id)
    return bool(group.swift_store_multi_tenant)
