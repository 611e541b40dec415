# SPDX-License-Identifier: Apache-2.0
"""In whose accounts stores keep what is being written, noted in leases: whoever ends the work of a dead worker must know."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any
from typing import cast

from glance_clone.domain import errors
from glance_clone.domain.lease import Lease
from glance_clone.domain.store_ports import AccountsStore
from glance_clone.domain.store_ports import BlobStore
from glance_clone.domain.store_ports import StoreRegistry

_ACCOUNTS = 'accounts'


def keeps_in_accounts(store: BlobStore) -> bool:
    """Tell whether a store keeps data in the accounts of users."""
    return hasattr(store, 'account')


def noted(stores: StoreRegistry, store_ids: Iterable[str | None]) -> dict[str, Any]:
    """Return what a lease must tell of the accounts that are about to be written to; nothing for other stores.

    :raises StoreUnavailable: the present caller has no account in one of the stores
    """
    accounts: dict[str, str] = {}
    for store_id in store_ids:
        with contextlib.suppress(errors.StoreUnknown):
            store = stores.get(store_id)
            if keeps_in_accounts(store):
                accounts[store_id or ''] = cast(AccountsStore, store).account()
    return {_ACCOUNTS: accounts} if accounts else {}


def discard(stores: StoreRegistry, store_id: str | None, lease: Lease) -> None:
    """Remove what the attempt of a lease left in a store; see :meth:`BlobStore.discard`.

    :raises StoreUnknown: no store has that id
    """
    store = stores.get(store_id)
    account = lease.detail.get(_ACCOUNTS, {}).get(store_id or '')
    if account is None or not keeps_in_accounts(store):
        store.discard(lease.image_id, lease.attempt)
    else:
        cast(AccountsStore, store).discard_in(account, lease.image_id, lease.attempt)
