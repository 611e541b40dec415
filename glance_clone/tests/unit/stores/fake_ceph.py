# SPDX-License-Identifier: Apache-2.0
"""The Python bindings of librados and librbd, with a cluster in memory: no more than the driver asks of them."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import sys
import types

import fixtures


class Error(Exception):
    """What the bindings raise."""


def _errors(*names):
    return {name: type(name, (Error,), {}) for name in names}


rados = types.ModuleType('rados')
rados.__dict__.update(Error=Error, **_errors('ObjectNotFound'))
rbd = types.ModuleType('rbd')
rbd.__dict__.update(
    RBD_FEATURE_LAYERING=1,
    **_errors(
        'ImageNotFound', 'ImageExists', 'ImageBusy', 'ImageHasSnapshots', 'NoSpace', 'InvalidArgument', 'IncompleteWriteError'
    ),
)


class Stored:
    """An image of the cluster."""

    numbers = itertools.count(1)

    def __init__(self, size):
        self.number = next(self.numbers)
        self.data = bytearray(size)
        self.snapshots = {}
        self.clones = 0
        self.modified = datetime.datetime.now(datetime.UTC)


class Cluster:
    """The images by name; ``full`` refuses writes, ``away`` connections."""

    def __init__(self):
        self.images = {}
        self.full = False
        self.away = False


cluster = Cluster()


class Rados:
    """A connection."""

    def __init__(self, conffile, rados_id):
        pass

    def conf_set(self, name, value):
        pass

    def conf_get(self, name):
        return '1'

    def connect(self):
        if cluster.away:
            raise rados.ObjectNotFound('no monitor answers')

    def shutdown(self):
        pass

    def get_fsid(self):
        return 'the-cluster'

    @contextlib.contextmanager
    def open_ioctx(self, pool):
        yield pool


class RBD:
    """Operations on a pool."""

    def create(self, ioctx, name, size, order, old_format, features):
        if cluster.images.setdefault(name, stored := Stored(size)) is not stored:
            raise rbd.ImageExists(name)

    def remove(self, ioctx, name):
        if _find(name).snapshots:
            raise rbd.ImageHasSnapshots(name)
        del cluster.images[name]

    def trash_move(self, ioctx, name):
        if _find(name).clones:
            raise rbd.ImageBusy(name)
        del cluster.images[name]

    def list(self, ioctx):
        return list(cluster.images)


class Image:
    """An open image."""

    def __init__(self, ioctx, name, snapshot=None, read_only=False):
        self._stored = _find(name)
        if snapshot is not None and snapshot not in self._stored.snapshots:
            raise rbd.ImageNotFound(snapshot)

    def __enter__(self):
        return self

    def __exit__(self, *_exc_info):
        pass

    def id(self):
        return self._stored.number

    def size(self):
        return len(self._stored.data)

    def stat(self):
        return {'size': self.size()}

    def read(self, offset, length):
        return bytes(self._stored.data[offset : offset + length])

    def write(self, data, offset):
        if cluster.full:
            raise rbd.NoSpace
        self._stored.data[offset : offset + len(data)] = data

    def resize(self, size):
        data = self._stored.data
        data[size:] = bytes(max(size - len(data), 0))

    def create_snap(self, name):
        self._stored.snapshots[name] = False

    def protect_snap(self, name):
        self._stored.snapshots[name] = True

    def unprotect_snap(self, name):
        if self._stored.clones:
            raise rbd.ImageBusy(name)
        if name not in self._stored.snapshots:
            raise rbd.ImageNotFound(name)
        self._stored.snapshots[name] = False

    def remove_snap(self, name):
        del self._stored.snapshots[name]

    def list_snaps(self):
        return [{'name': name} for name in self._stored.snapshots]

    def modify_timestamp(self):
        return self._stored.modified


def _find(name):
    try:
        return cluster.images[name]
    except KeyError:
        raise rbd.ImageNotFound(name) from None


rados.__dict__.update(Rados=Rados)
rbd.__dict__.update(RBD=RBD, Image=Image)


class Ceph(fixtures.Fixture):
    """Lets the driver find these bindings, and an empty cluster."""

    def _setUp(self):
        cluster.__init__()
        for name, module in (('rados', rados), ('rbd', rbd)):
            self.useFixture(fixtures.MonkeyPatch(f'glance_store._drivers.rbd.{name}', module))
            self.addCleanup(sys.modules.__setitem__, name, sys.modules.get(name))
            sys.modules[name] = module
