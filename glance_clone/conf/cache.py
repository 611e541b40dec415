# SPDX-License-Identifier: Apache-2.0
"""Options of the image cache."""

from __future__ import annotations

from oslo_config import cfg

_OPTS = [
    cfg.StrOpt(
        'image_cache_dir',
        help="""
Directory of the image cache; the cache and API versions 2.14, 2.16 and 2.18 exist only where it is set.

Downloads are served from the cache with a flavor that has it, such as ``keystone+caching``; see ``[paste_deploy] flavor``.
Every node has a directory of its own. It may be on a file system of its own: when that is full, images are served without
being cached.
""",
    ),
    cfg.StrOpt(
        'image_cache_driver',
        default='centralized_db',
        choices=['centralized_db', 'sqlite', 'xattr'],
        ignore_case=True,
        help="""
Where it is remembered what is in the cache, and how often it was used.

``centralized_db``: in the database, so that all nodes know of each other; it needs ``worker_self_reference_url``.
``sqlite``: in the file ``image_cache_sqlite_db`` of each node. ``xattr``: with the cached files themselves, on file systems
that have extended attributes.
""",
    ),
    cfg.StrOpt(
        'image_cache_sqlite_db',
        default='cache.db',
        deprecated_for_removal=True,
        deprecated_since='Caracal',
        deprecated_reason='Use ``image_cache_driver = centralized_db``.',
        help="""
Name of the file of the driver ``sqlite``, in ``image_cache_dir``.

If it is there when a service with the driver ``centralized_db`` starts, its contents are moved to the database.
""",
    ),
    cfg.IntOpt(
        'image_cache_max_size',
        default=10 * 1024**3,
        min=0,
        help="""
Bytes to which a prune shrinks the cache, the least recently used images going first; 0: none go.

It is no limit on the way in: the cache grows beyond it until ``glance-cache-pruner`` or ``POST /v2/cache/prune`` is run.
""",
    ),
    cfg.IntOpt(
        'image_cache_stall_time',
        default=86400,
        min=0,
        help='Seconds after its last write at which a clean takes an incomplete file of the cache for abandoned.',
    ),
    cfg.IntOpt(
        'image_cache_max_queue',
        default=1000,
        min=1,
        help='Most images that may wait to be cached; a further one is answered 413.',
    ),
    cfg.BoolOpt(
        'image_cache_check_reads',
        default=False,
        help="""
Hash a cached image before each download, to find damage that the disk does not report; so does ``[downloads] verify``.

Whatever the value, a cached file is hashed when it comes in, and again when somebody wrote to it since. It costs about a
second for each 500 MB before the download begins.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {None: _OPTS}
