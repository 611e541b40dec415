# SPDX-License-Identifier: Apache-2.0
"""The service under servers that want a file with the application."""

from __future__ import annotations

import pathlib

from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_FILE = pathlib.Path(__file__).parents[3] / 'bin' / 'glance-wsgi-api'


class _FromFile(service.Service):
    def _uwsgi(self) -> list[str]:
        command = super()._uwsgi()
        place = command.index('--module')
        return [*command[:place], '--wsgi-file', str(_FILE), *command[place + 2 :]]


class TestWsgiFile(base.ServiceTestCase):
    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        return _FromFile(database_url, processes=1)

    @classmethod
    def setUpClass(cls) -> None:
        if not _FILE.exists():
            raise cls.skipException('the file is only in the source tree')
        super().setUpClass()

    def test_an_image(self) -> None:
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, b'data').status_code)
        self.assertEqual(b'data', self.download(image_id).content)
