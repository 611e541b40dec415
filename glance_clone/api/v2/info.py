# SPDX-License-Identifier: Apache-2.0
"""What the service can do, and what a project has of it: ways to import, stores, limits."""

from __future__ import annotations

from collections.abc import Sequence

from glance_clone.api.context import RequestContext
from glance_clone.api.extensions import EXTENSIONS
from glance_clone.api.extensions import Extension
from glance_clone.api.resource import Params
from glance_clone.api.services import Services
from glance_clone.domain import errors
from glance_clone.domain.store_ports import BlobStore


def import_methods(api: Services, context: RequestContext, params: Params, wanted: None) -> list[str]:
    """Return the ways to import data."""
    return list(api.conf.enabled_import_methods)


def usage(api: Services, context: RequestContext, params: Params, wanted: None) -> dict[str, tuple[int, int]]:
    """Return usage and limit of the caller's project by name; nothing where no unified limits are in use."""
    return api.quota.report(context.project_id)


def extensions(api: Services, context: RequestContext, params: Params, wanted: None) -> Sequence[Extension]:
    """Return what this service offers beyond its versions."""
    return EXTENSIONS


def stores(api: Services, context: RequestContext, params: Params, wanted: None) -> list[BlobStore]:
    """Return the stores from which users may choose.

    :raises NotFound: there is only the one classic store
    """
    _require_several(api)
    return [store for store in api.stores.all() if store.advertised]


def stores_detail(api: Services, context: RequestContext, params: Params, wanted: None) -> list[BlobStore]:
    """Return the same stores, to be described in full.

    :raises Forbidden: the caller is neither an administrator nor a service
    """
    _require_several(api)
    if not api.door.allows(context, 'stores_info_detail', {}):
        raise errors.Forbidden('You may not see how the stores are set up (policy stores_info_detail).')
    return stores(api, context, params, wanted)


def _require_several(api: Services) -> None:
    if not api.stores.multiple:
        raise errors.NotFound('This service has one store only; there is nothing to choose from.')
