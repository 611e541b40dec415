# SPDX-License-Identifier: Apache-2.0
"""An import on its way, for tests of what happens to its data."""

from __future__ import annotations

import hashlib
import os

import fixtures
from oslo_config import cfg

from glance_clone import conf as options
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter


class StagedWork(fixtures.Fixture):
    """What :class:`glance_clone.imports.work.Work` offers to sources and plugins, with its staged data in a directory.

    :param data: the staged data, None for none yet
    :param cap: bytes that staged data may have
    :ivar saves: how often the image was saved
    """

    def __init__(self, data=None, request=None, submitter=None, cap=1 << 40, **image):
        super().__init__()
        formats = {'disk_format': 'raw', 'container_format': 'bare'}
        self.image = Image('i', **{**formats, **image})
        self.request = request or ImportRequest('web-download')
        self.submitter = submitter or Submitter(roles=frozenset({'member'}))
        self.memo = {}
        self.saves = 0
        self.staged = None
        self._first = data
        self._cap = cap

    def _setUp(self):
        self.root = self.useFixture(fixtures.TempDir()).path
        if self._first is not None:
            self._keep('i', self._first)

    @property
    def data(self):
        return self.staged

    def content(self):
        with open(self.staged.path, 'rb') as file:
            return file.read()

    def files(self):
        return sorted(os.listdir(self.root))

    def save(self):
        self.saves += 1

    def require_alive(self):
        pass

    def scratch(self, suffix):
        return os.path.join(self.root, f'i.{suffix}')

    def replace_with_scratch(self, suffix):
        os.unlink(self.staged.path)
        path = self.scratch(suffix)
        self._note(path)

    def replace(self, source, suffix, size=None, expected=None):
        data = b''
        while block := source.read(1 << 16):
            data += block
            if len(data) > self._cap:
                raise errors.LimitExceeded('too large')
        for algorithm, digest in (expected or {}).items():
            if hashlib.new(algorithm, data).hexdigest() != digest:
                raise errors.HashMismatch('another hash')
        old = self.staged.path
        self._keep(f'i.{suffix}', data)
        os.unlink(old)

    def _keep(self, name, data):
        path = os.path.join(self.root, name)
        with open(path, 'wb') as file:
            file.write(data)
        os.chmod(path, 0o600)
        self._note(path)

    def _note(self, path):
        self.staged = Staged('i', os.path.basename(path), 'one', os.stat(path).st_size, path=path)
        self.image.size = self.staged.size


def configuration(text=''):
    """Return a parsed configuration."""
    conf = cfg.ConfigOpts()
    options.register_opts(conf)
    with fixtures.TempDir() as directory:
        path = os.path.join(directory.path, 'test.conf')
        with open(path, 'w') as file:
            file.write(text)
        conf(['--config-file', path])
    return conf
