# SPDX-License-Identifier: Apache-2.0
"""Who sends the data of files: the kernel, wherever the server lets it."""

from __future__ import annotations

import os
import pathlib
import tempfile
from typing import Any

from glance_clone.api import file_sending
from glance_clone.stores.file_reader import FileReader
from glance_clone.tests import base
from glance_clone.tests.unit.api.uwsgi_server import Uwsgi

_DATA = bytes(range(256)) * 1024


class FileSendingTest(base.TestCase):
    def _reader(self, offset: int = 0, length: int | None = None) -> FileReader:
        directory = pathlib.Path(tempfile.mkdtemp())
        (directory / 'data').write_bytes(_DATA)
        parent = os.open(directory, os.O_RDONLY)
        self.addCleanup(os.close, parent)
        return FileReader(parent, 'data', offset, length)

    @staticmethod
    def _wrapper(fileobj: Any, _size: int) -> Any:
        return 'wrapped', fileobj

    def _body(self, reader: Any, is_part: bool, **environ: Any) -> Any:
        return file_sending.body_of(reader, is_part, {'wsgi.file_wrapper': self._wrapper, **environ})

    def test_whole_files_are_left_to_the_server(self) -> None:
        reader = self._reader()
        self.assertEqual(('wrapped', reader.fileobj), self._body(reader, False))
        self.assertIs(reader, file_sending.body_of(reader, False, {}))
        self.assertEqual(['data'], self._body(['data'], False))

    def test_parts_are_left_to_servers_that_can_send_them(self) -> None:
        reader = self._reader(5, 10)
        self.assertIs(reader, self._body(reader, True))
        self.assertEqual(('wrapped', reader.fileobj), self._body(reader, True, **{file_sending.SENDS_PARTS: True}))

    def test_parts_behind_uwsgi_go_by_the_kernel_after_the_head(self) -> None:
        uwsgi = self.useFixture(Uwsgi(socket_timeout=b'10'))
        for offset, length in ((5, 10), (7, 150_000)):
            body = self._body(self._reader(offset, length), True)
            first, sent = b''.join(body), b''
            while len(first) + len(sent) < length:
                sent += uwsgi.client.recv(200_000)
            body.close()
            self.assertTrue(_DATA[offset : offset + length] == first + sent)
            self.assertEqual(min(length, 64 << 10), len(first))

    def test_a_client_that_goes_away_is_no_failure(self) -> None:
        uwsgi = self.useFixture(Uwsgi())
        uwsgi.client.close()
        body = self._body(self._reader(7, 150_000), True)
        self.assertEqual(64 << 10, len(b''.join(body)))
        body.close()
