# SPDX-License-Identifier: Apache-2.0
"""The step that downloads: how it ends when nobody wants the data any more."""

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
    """A server whose data comes slowly: it is asked whether the import is still wanted before each block."""

    size, expected = None, {}

    def __init__(self, alive):
        self.alive, self.is_closed = alive, False

    def read(self, size):
        self.alive()
        return b''

    def close(self):
        self.is_closed = True


class DownloadTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.records, self.is_held = Records(), True
        tasks = types.SimpleNamespace(is_held=lambda lease: self.is_held)
        staging = types.SimpleNamespace(write=self._write)
        tools = Tools(self.records, None, tasks, staging, None)
        image = Image('i', status=images.IMPORTING, disk_format='raw', container_format='bare')
        self.work = Work(
            tools, Task('t', 'me'), image, ImportRequest('web-download'), [None], Submitter(), Lease('i', 'import', 'w', 'a')
        )
        self.remote = Remote(self.work.require_alive)
        self.step = Download(types.SimpleNamespace(open=lambda work: self.remote))

    def _write(self, image_id, attempt, source, size, expected):
        source.read(1)
        self.seen_while_reading = list(self.records.sizes)
        return Staged(image_id, image_id, attempt, 7, 'md5', 'sha512', 'hash')

    def test_asking_writes_nothing(self):
        """What is written while somebody else changes the image in memory would be lost for the end of the download."""
        self.step.run(self.work)
        self.assertEqual(([], [7], True), (self.seen_while_reading, self.records.sizes, self.remote.is_closed))

    def test_an_image_that_is_gone_ends_the_download(self):
        self.records.is_gone = True
        self.assertRaises(errors.ImageNotFound, self.step.run, self.work)
        self.assertTrue(self.remote.is_closed)

    def test_a_lease_that_is_lost_ends_the_download(self):
        self.is_held = False
        self.assertRaises(errors.LeaseLost, self.step.run, self.work)
        self.assertTrue(self.remote.is_closed)
