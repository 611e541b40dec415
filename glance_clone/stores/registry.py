# SPDX-License-Identifier: Apache-2.0
"""Builds the configured stores and finds the one that is meant."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Sequence
from typing import Any
from typing import Protocol

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.conf import stores as options
from glance_clone.domain import errors
from glance_clone.domain import store_ports
from glance_clone.domain.location import Location
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobStore
from glance_clone.stores import file_config
from glance_clone.stores import glance_store_options
from glance_clone.stores import http_config
from glance_clone.stores.file import FileStore
from glance_clone.stores.glance_store_config import build_store as build_glance_store
from glance_clone.stores.staging import StagingStore

LOG = logging.getLogger(__name__)

_FILE_KINDS = ('file', 'filesystem')
_HTTP_KINDS = ('http', 'https')
_KNOWN = f'file, http, {", ".join(glance_store_options.DRIVERS)}'


class BadStoreConfiguration(ValueError):
    """The stores cannot be set up as they are configured."""


class Driver(BlobStore, Protocol):
    """A store that can tell its locations by their urls."""

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""


class Registry:
    """The configured stores; see :class:`StoreRegistry`.

    :param default: takes new data where a request names no store
    :param staging: where data waits for its import
    :param tasks: where tasks work
    """

    def __init__(
        self, stores: Sequence[Driver], default: Driver, multiple: bool, staging: StagingStore, tasks: StagingStore | None
    ):
        self._stores = list(stores)
        self._rewriters: list[Any] = [store for store in stores if hasattr(store, 'canonical')]
        self._by_id = {store.id: store for store in stores if store.id is not None}
        self.default: BlobStore = default
        self.multiple = multiple
        self.staging: store_ports.StagingStore = staging
        self.tasks: store_ports.StagingStore | None = tasks

    def all(self) -> list[BlobStore]:
        """See :meth:`StoreRegistry.all`."""
        return list(self._stores)

    def get(self, store_id: str | None) -> BlobStore:
        """See :meth:`StoreRegistry.get`."""
        if store_id is None:
            return self.default
        try:
            return self._by_id[store_id]
        except KeyError:
            raise errors.StoreUnknown(f'There is no store {store_id!r}; choose one of: {", ".join(self._by_id)}.') from None

    def of(self, location: Location) -> BlobStore:
        """See :meth:`StoreRegistry.of`."""
        named = self._by_id.get(location.store or '')
        if named is not None:
            return named
        best = max(self._stores, key=lambda store: store.match(location.url))
        if best.match(location.url) < 0:
            raise errors.StoreUnknown('No configured store holds the data.')
        return best

    def by_weight(self, locations: list[Location], prefer: Sequence[str] = ()) -> list[Location]:
        """See :meth:`StoreRegistry.by_weight`."""
        if len(locations) < 2:
            return list(locations)
        places = {store_id: place for place, store_id in reversed(list(enumerate(prefer)))}
        return sorted(locations, key=lambda location: self._rank(location, places))

    def _rank(self, location: Location, places: dict[str, int]) -> tuple[int, int]:
        try:
            store = self.of(location)
        except errors.StoreUnknown:
            return len(places), 0
        return places.get(store.id or '', len(places)), -store.weight

    def attribute(self, locations: list[Location]) -> None:
        """See :meth:`StoreRegistry.attribute`."""
        for location in locations:
            if self._rewriters:
                self._rewrite(location)
            if self.multiple and location.store not in self._by_id:
                self._attribute(location)

    def _rewrite(self, location: Location) -> None:
        """Take out of the url what should never have been in it."""
        for store in self._rewriters:
            location.url = store.canonical(location.url)

    def _attribute(self, location: Location) -> None:
        try:
            store = self.of(location)
        except errors.StoreUnknown:
            return
        location.metadata = {**location.metadata, 'store': store.id}


def build_registry(conf: cfg.ConfigOpts, concurrency: Concurrency) -> Registry:
    """Build the stores that the configuration describes; their directories are created.

    :param concurrency: for what may make the caller wait
    :raises BadStoreConfiguration: the configuration contradicts itself, or a directory cannot be made
    """
    try:
        return _build(conf, concurrency)
    except cfg.ConfigFileValueError:
        raise
    except (OSError, ValueError) as error:
        raise BadStoreConfiguration(str(error)) from error


def _build(conf: cfg.ConfigOpts, concurrency: Concurrency) -> Registry:
    if conf.enabled_backends:
        return _build_several(conf, concurrency, dict(conf.enabled_backends))
    return _build_classic(conf, concurrency)


def _build_several(conf: cfg.ConfigOpts, concurrency: Concurrency, kinds: dict[str, str]) -> Registry:
    stores = {store_id: _build_one(conf, concurrency, store_id, kind) for store_id, kind in kinds.items()}
    default = conf.glance_store.default_backend
    if default not in stores:
        raise ValueError(f'[glance_store] default_backend must be one of enabled_backends: {", ".join(stores)}.')
    staging, tasks = (
        file_config.build_private(name, conf[name].filesystem_store_datadir) for name in (options.STAGING, options.TASKS)
    )
    _require_apart([*stores.values(), staging, tasks])
    return Registry(list(stores.values()), stores[default], True, staging, tasks)


def _build_one(conf: cfg.ConfigOpts, concurrency: Concurrency, store_id: str, kind: str) -> Driver:
    if store_id.startswith(options.RESERVED_PREFIX):
        raise ValueError(
            f'The store id {store_id} in enabled_backends is reserved; choose one without {options.RESERVED_PREFIX}.'
        )
    options.register_backend_opts(conf, store_id)
    group = options.StoreOptions(conf, store_id)
    if kind in _FILE_KINDS:
        return file_config.build_store(group, concurrency, store_id, group.store_description, group.weight)
    if kind in _HTTP_KINDS:
        return http_config.build_store(conf, group, concurrency, store_id, group.store_description, group.weight)
    if (driver := glance_store_options.kind_of(kind)) is not None:
        return build_glance_store(conf, driver, store_id, concurrency, group.store_description, group.weight)
    raise ValueError(f'The store {store_id} in enabled_backends has the type {kind}; known are {_KNOWN}.')


def _build_classic(conf: cfg.ConfigOpts, concurrency: Concurrency) -> Registry:
    built: dict[str, Driver] = {}
    for name in (*conf.glance_store.stores, conf.glance_store.default_store):
        if (kind := _classic_kind(name)) not in built:
            built[kind] = _build_part(conf, concurrency, kind)
    default = built[_classic_kind(conf.glance_store.default_store)]
    staging = file_config.build_private(options.STAGING, _staging_path(conf.node_staging_uri))
    _require_apart([*built.values(), staging])
    return Registry(list(built.values()), default, False, staging, _work_dir(conf.task.work_dir, [*built.values(), staging]))


def _work_dir(path: str | None, stores: Sequence[Driver]) -> StagingStore | None:
    """Return the directory in which tasks work, None for the staging one; stores may lie below it, but not around it."""
    if not path:
        return None
    if not path.startswith('/'):
        raise ValueError(f'[task] work_dir is {path}; write an absolute path.')
    place = os.path.realpath(path)
    for other, name in _places(stores):
        if (place + '/').startswith(other.rstrip('/') + '/'):
            raise ValueError(f'[task] work_dir {path} is, or lies in, the data directory of the store {name}; choose another.')
    if os.path.isdir(place) and os.stat(place).st_mode & stat.S_IWOTH:
        # What others put there is not ours to remove, and they could put links there.
        LOG.warning(
            'Everybody may write to [task] work_dir %s: tasks use the staging directory. Give them one of their own.', path
        )
        return None
    return file_config.build_private(options.TASKS, path)


def _classic_kind(name: str) -> str:
    """Return the type of store that a name in ``stores`` or ``default_store`` means."""
    for kind, names in (('file', _FILE_KINDS), ('http', _HTTP_KINDS)):
        if name in names:
            return kind
    driver = glance_store_options.kind_of(name)
    if driver is None:
        raise ValueError(f'[glance_store] stores or default_store has {name}; known are {_KNOWN}.')
    return driver


def _build_part(conf: cfg.ConfigOpts, concurrency: Concurrency, kind: str) -> Driver:
    """Build one of the stores that together are the classic one."""
    if kind == 'file':
        return file_config.build_store(conf.glance_store, concurrency, None)
    if kind == 'http':
        return http_config.build_store(conf, conf.glance_store, concurrency, None)
    return build_glance_store(conf, kind, None, concurrency)


def _staging_path(uri: str) -> str:
    scheme, _, path = uri.partition('://')
    if scheme != 'file' or not path.startswith('/') or not path.strip('/'):
        raise ValueError(f'node_staging_uri is {uri}; write file:///absolute/path.')
    return path


def _require_apart(stores: Sequence[Driver]) -> None:
    """Refuse stores whose directories are the same or lie within each other: one would remove the other's data."""
    places = _places(stores)
    places.sort(key=lambda place: place[0].rstrip('/') + '/')
    for (upper, one), (lower, other) in itertools.pairwise(places):
        if (lower + '/').startswith(upper.rstrip('/') + '/'):
            raise ValueError(f'The data directories of the stores {one} and {other} are the same or nested: {upper}, {lower}.')


def _places(stores: Sequence[Driver]) -> list[tuple[str, str]]:
    """Return the data directories of stores, each with the name of its store."""
    return [
        (os.path.realpath(directory.path), store.id or 'file')
        for store in stores
        if isinstance(store, FileStore)
        for directory in store.directories
    ]
