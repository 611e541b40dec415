# SPDX-License-Identifier: Apache-2.0
"""Configuration options, one module per group.

Every module offers ``register_opts(conf)`` and ``list_opts()``, a mapping of group name (None for ``[DEFAULT]``) to options.
Code receives the parsed ``conf`` and never reads a global.
"""

from __future__ import annotations

from oslo_config import cfg
from oslo_log import log
from oslo_middleware import cors
from oslo_policy import opts as policy_opts
from osprofiler import opts as profiler

from glance_clone.conf import api
from glance_clone.conf import basic_auth
from glance_clone.conf import cache
from glance_clone.conf import catalogue
from glance_clone.conf import database
from glance_clone.conf import downloads
from glance_clone.conf import fetching
from glance_clone.conf import housekeeping
from glance_clone.conf import image_format
from glance_clone.conf import image_import
from glance_clone.conf import import_plugins
from glance_clone.conf import key_requests
from glance_clone.conf import leases
from glance_clone.conf import metrics
from glance_clone.conf import notifications
from glance_clone.conf import paste
from glance_clone.conf import quotas
from glance_clone.conf import scrubber
from glance_clone.conf import standalone
from glance_clone.conf import stores
from glance_clone.conf import tasks

MODULES = (
    api,
    basic_auth,
    cache,
    catalogue,
    database,
    downloads,
    fetching,
    housekeeping,
    image_format,
    image_import,
    import_plugins,
    key_requests,
    leases,
    metrics,
    notifications,
    paste,
    quotas,
    scrubber,
    standalone,
    stores,
    tasks,
)

_CORS_HEADERS = [
    'Content-MD5',
    'X-Image-Meta-Checksum',
    'X-Storage-Token',
    'Accept-Encoding',
    'X-Auth-Token',
    'X-Identity-Status',
    'X-Roles',
    'X-Service-Catalog',
    'X-User-Id',
    'X-Tenant-Id',
    'X-OpenStack-Request-ID',
]
_CORS_EXPOSED = [
    'X-Image-Meta-Checksum',
    'X-Auth-Token',
    'X-Subject-Token',
    'X-Service-Token',
    'X-OpenStack-Request-ID',
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register every option of the service and of the libraries that it configures."""
    for module in MODULES:
        module.register_opts(conf)
    log.register_options(conf)
    profiler.set_defaults(conf)


def set_library_defaults() -> None:
    """Give libraries the defaults of this service; also called by the sample configuration generator."""
    cors.set_defaults(
        allow_headers=_CORS_HEADERS,
        expose_headers=_CORS_EXPOSED,
        allow_methods=['GET', 'PUT', 'POST', 'DELETE', 'PATCH'],
    )
    policy_opts.set_defaults(cfg.CONF, 'policy.yaml', enforce_new_defaults=True)
