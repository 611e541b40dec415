# SPDX-License-Identifier: Apache-2.0
"""Images, stores and indexes to try the cache with."""

from __future__ import annotations

import hashlib
import threading
import uuid

from oslo_config import cfg

from glance_clone.cache.directory import CacheDirectory
from glance_clone.cache.holdings import Limits
from glance_clone.cache.image_cache import DiskCache
from glance_clone.cache.sqlite_index import SqliteIndex
from glance_clone.cache.xattr_index import XattrIndex
from glance_clone.conf import database as database_options
from glance_clone.db import models
from glance_clone.db.engine import Database
from glance_clone.db.repos.cached_images import CachedImages
from glance_clone.domain import errors
from glance_clone.domain.image import ACTIVE
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.transfer.concurrency import NativeThreads

DATA = bytes(range(256)) * 20_000
NODE = 'http://node1.example.org:9292'


def image(data=DATA, **values):
    """Return an active image with this data."""
    known = {
        'status': ACTIVE,
        'size': len(data),
        'checksum': hashlib.md5(data).hexdigest(),
        'os_hash_algo': 'sha512',
        'os_hash_value': hashlib.sha512(data).hexdigest(),
        'locations': [Location('mem://data')],
    }
    return Image(str(uuid.uuid4()), **{**known, **values})


class Reader:
    """Open data of a store; ``pace`` is waited for before each block after the first."""

    def __init__(self, store, offset, length):
        self.size = len(store.data)
        self.closed = False
        self._store = store
        self._part = store.data[offset : None if length is None else offset + length]

    def __iter__(self):
        block = 1 << 20
        for start in range(0, len(self._part), block):
            if start and not self._store.pace.wait(30):
                raise AssertionError('Nobody asked for more of the data in 30 seconds.')
            if self._store.breaks_at is not None and start >= self._store.breaks_at:
                raise errors.StoreError('The data ended early.')
            yield self._part[start : start + block]

    def close(self):
        self.closed = True


class Store:
    """A store of one object that counts how often it is opened; it is also the byte path, with copies by location."""

    def __init__(self, data=DATA, copies=None):
        self.data = data
        self.copies = copies or {}
        self.readers = []
        self.pace = threading.Event()
        self.pace.set()
        self.breaks_at = None
        self.away = False

    @property
    def opened(self):
        return len(self.readers)

    def fetch(self, offset=0, length=None):
        if self.away:
            raise errors.StoreUnavailable('The store is away.')
        reader = Reader(self, offset, length)
        self.readers.append(reader)
        return reader

    def read(self, wanted, offset=0, length=None, prefer=()):
        self.data = self.copies.get(wanted.locations[0].url, self.data)
        return self.fetch(offset, length)


def database(path):
    """Return a new database with the tables of the service."""
    conf = cfg.ConfigOpts()
    database_options.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override('connection', f'sqlite:///{path}', group='database')
    made = Database(conf)
    models.base.metadata.create_all(made.engine)
    return made


def index(driver, directory, path):
    """Return an index of a driver.

    :param path: where the shared database is
    """
    if driver == 'sqlite':
        return SqliteIndex(f'{directory.path}/cache.db')
    if driver == 'xattr':
        return XattrIndex(directory)
    return CachedImages(database(path), NODE)


def cache(path, driver='sqlite', max_size=0, stall_time=3600, **options):
    """Return a cache in a directory."""
    directory = CacheDirectory(f'{path}/cache')
    directory.prepare()
    limits = Limits(max_size, stall_time, max_queue=10)
    return DiskCache(directory, index(driver, directory, f'{path}/db.sqlite'), limits, NativeThreads(), **options)


def read(reader):
    """Return what a reader gives."""
    try:
        return b''.join(reader)
    finally:
        reader.close()
