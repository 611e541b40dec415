# SPDX-License-Identifier: Apache-2.0
"""Makes the cache that the configuration describes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.cache import adoption
from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.holdings import Limits
from glance_clone.cache.image_cache import DiskCache
from glance_clone.cache.keeper import Keeper
from glance_clone.cache.sqlite_index import SqliteIndex
from glance_clone.cache.xattr_index import XattrIndex
from glance_clone.domain.cache import CacheIndex
from glance_clone.domain.cache import ImageCensus
from glance_clone.domain.metering import Meter
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository

LOG = logging.getLogger(__name__)

CENTRALIZED_DB, SQLITE, XATTR = 'centralized_db', 'sqlite', 'xattr'

#: Makes the index in the database for the node of a URL.
Centralized = Callable[[str], CacheIndex]


class BadCacheConfiguration(ValueError):
    """The cache cannot be set up as it is configured."""


def build_cache(
    conf: cfg.ConfigOpts, centralized: Centralized, concurrency: Concurrency, meter: Meter | None = None
) -> DiskCache | None:
    """Return the cache, with its directories; None where ``image_cache_dir`` is not set.

    :raises BadCacheConfiguration: it cannot be set up as it is configured
    """
    if not conf.image_cache_dir:
        return None
    directory = CacheDirectory(conf.image_cache_dir)
    try:
        directory.prepare()
        index = _index(conf, directory, centralized)
    except OSError as error:
        raise BadCacheConfiguration(f'The image cache cannot be kept in {directory.path}: {error}') from error
    return DiskCache(
        directory,
        index,
        Limits(conf.image_cache_max_size, conf.image_cache_stall_time, conf.image_cache_max_queue),
        concurrency,
        checks_reads=conf.image_cache_check_reads or conf.downloads.verify,
        meter=meter,
    )


def _index(conf: cfg.ConfigOpts, directory: CacheDirectory, centralized: Centralized) -> CacheIndex:
    driver = _driver(conf)
    if driver == CENTRALIZED_DB:
        return centralized(conf.worker_self_reference_url)
    if driver == SQLITE:
        return sqlite_index(conf, directory)
    index = XattrIndex(directory)
    index.require_attributes()
    return index


def _driver(conf: cfg.ConfigOpts) -> str:
    """Return the driver to use; the default one needs a name for this node.

    :raises BadCacheConfiguration: it has none, and the driver or the cache in the pipeline was chosen by the operator
    """
    driver = str(conf.image_cache_driver).lower()
    if driver != CENTRALIZED_DB or conf.worker_self_reference_url:
        return driver
    is_chosen = conf.get_location('image_cache_driver').location is not cfg.Locations.opt_default
    if is_chosen or 'cache' in (conf.paste_deploy.flavor or '') or 'caching' in (conf.paste_deploy.flavor or ''):
        raise BadCacheConfiguration(
            'image_cache_driver = centralized_db needs worker_self_reference_url, the URL of this node, which no other has.'
        )
    LOG.warning('worker_self_reference_url is not set: the image cache keeps its index in an SQLite file of this node.')
    return SQLITE


def sqlite_index(conf: cfg.ConfigOpts, directory: CacheDirectory) -> SqliteIndex:
    """Return the index in a file of this node."""
    return SqliteIndex(os.path.join(directory.path, conf.image_cache_sqlite_db))


def build_keeper(
    conf: cfg.ConfigOpts, cache: DiskCache, images: ImageRepository, data: ImageData, census: ImageCensus
) -> Keeper:
    """Return the background work of a cache.

    :param data: the stores, without the cache around them
    """
    old = sqlite_index(conf, cache.directory)
    if isinstance(cache.index, SqliteIndex | XattrIndex):
        return Keeper(cache, images, data, census)
    return Keeper(cache, images, data, census, functools.partial(adoption.adopt, cache.directory, old, cache.index))
