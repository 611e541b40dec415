# SPDX-License-Identifier: Apache-2.0
"""The step that downloads: how it is watched while nothing comes."""

import types

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain import image as images
from glance_clone.domain.image import Image
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import Staged
from glance_clone.domain.importing import Submitter
from glance_clone.domain.lease import Lease
from glance_clone.domain.task import Task
from glance_clone.imports.steps import Download
from glance_clone.imports.work import Tools
from glance_clone.imports.work import Work


class Records:
    """The record of one image; keeps the sizes that were written."""

    def __init__(self):
        self.sizes, self.is_gone = [], False

    def get(self, image_id, caller):
        if self.is_gone:
            raise errors.ImageNotFound(image_id)

    def save(self, image, **terms):
        self.sizes.append(image.size)


class Remote:
    """A server whose data comes slowly: the watcher looks before each block."""

    size, expected = None, {}

    def __init__(self):
        self.look, self.is_cancelled = None, False

    def read(self, size):
        self.look()
        return b''

    def cancel(self):
        self.is_cancelled = True

    def close(self):
        pass


class DownloadTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.remote, self.records, self.is_held = Remote(), Records(), True
        tasks = types.SimpleNamespace(is_held=lambda lease: self.is_held)
        staging = types.SimpleNamespace(write=self._write)
        tools = Tools(self.records, None, tasks, staging, None)
        image = Image('i', status=images.IMPORTING, disk_format='raw', container_format='bare')
        self.work = Work(
            tools, Task('t', 'me'), image, ImportRequest('web-download'), [None], Submitter(), Lease('i', 'import', 'w', 'a')
        )
        self.step = Download(types.SimpleNamespace(open=lambda work: self.remote), self)

    def _write(self, image_id, attempt, source, size, expected):
        source.read(1)
        self.seen_while_reading = list(self.records.sizes)
        return Staged(image_id, image_id, attempt, 7, 'md5', 'sha512', 'hash')

    def periodic(self, interval, look):
        self.remote.look = look
        return types.SimpleNamespace(stop=lambda: None)

    def test_looking_writes_nothing(self):
        """Two threads that save one image would lose what one of them has just set."""
        self.step.run(self.work)
        self.assertEqual([], self.seen_while_reading)
        self.assertEqual([7], self.records.sizes)
        self.assertFalse(self.remote.is_cancelled)

    def test_an_image_that_is_gone_ends_the_download(self):
        self.records.is_gone = True
        self.step.run(self.work)
        self.assertTrue(self.remote.is_cancelled)

    def test_a_lease_that_is_lost_ends_the_download(self):
        self.is_held = False
        self.step.run(self.work)
        self.assertTrue(self.remote.is_cancelled)
