# SPDX-License-Identifier: Apache-2.0
"""Builds an http store from its group of options."""

from __future__ import annotations

from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.domain.ports import Concurrency
from glance_clone.fetching.fetcher import build_fetcher
from glance_clone.stores.http import HttpStore

LOG = logging.getLogger(__name__)


def build_store(
    conf: cfg.ConfigOpts,
    group: Any,
    concurrency: Concurrency,
    store_id: str | None,
    description: str | None = None,
    weight: int = 0,
) -> HttpStore:
    """Build an http store, with a fetcher that trusts the certificates that the store trusts.

    :param group: the options of the store
    :raises ValueError: an option has a value that makes no sense
    """
    if group.https_insecure and not group.https_ca_certificates_file:
        LOG.warning('The store %s believes every https server: https_insecure is on.', store_id or 'http')
    insecure = group.https_insecure and not group.https_ca_certificates_file
    fetcher = build_fetcher(conf, concurrency, group.https_ca_certificates_file, insecure, group.http_proxy_information)
    return HttpStore(store_id, fetcher, description or '', weight)
