# SPDX-License-Identifier: Apache-2.0
"""The connection under uWSGI, with waiting for slow clients."""

from __future__ import annotations

import tempfile
import threading

from glance_clone.api import uwsgi_connection
from glance_clone.api.uwsgi_connection import UwsgiConnection
from glance_clone.tests import base
from glance_clone.tests.unit.api.uwsgi_server import Uwsgi


class UwsgiConnectionTest(base.TestCase):
    def test_bytes_are_taken_as_they_come_up_to_the_end(self) -> None:
        uwsgi = self.useFixture(Uwsgi(socket_timeout=b'10'))
        connection, buffer = UwsgiConnection(), memoryview(bytearray(10))
        uwsgi.client.sendall(b'abc')
        self.assertEqual((3, b'abc'), (connection.receive_into(buffer), bytes(buffer[:3])))
        threading.Timer(0.05, uwsgi.client.sendall, [b'de']).start()
        self.assertEqual((2, b'de'), (connection.receive_into(buffer), bytes(buffer[:2])))
        uwsgi.client.close()
        self.assertEqual(0, connection.receive_into(buffer))

    def test_a_silent_client_is_not_waited_for_longer_than_uwsgi_would(self) -> None:
        self.useFixture(Uwsgi(socket_timeout=b'0'))
        self.assertRaises(TimeoutError, UwsgiConnection().receive_into, memoryview(bytearray(1)))

    def test_files_are_sent_whatever_the_pace_of_the_client(self) -> None:
        uwsgi = self.useFixture(Uwsgi(socket_timeout=b'10'))
        data = bytes(range(256)) * 8192
        with tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            sending = threading.Thread(target=UwsgiConnection().send_file, args=(file.fileno(), 3, len(data) - 5))
            sending.start()
            received = bytearray()
            while len(received) < len(data) - 5:
                received += uwsgi.client.recv(100_000)
            sending.join()
        self.assertTrue(data[3:-2] == received)

    def test_a_file_that_ends_early_and_a_client_that_takes_nothing_or_is_gone(self) -> None:
        uwsgi = self.useFixture(Uwsgi(socket_timeout=b'0'))
        with tempfile.TemporaryFile() as file:
            file.write(b'12345')
            file.flush()
            self.assertRaises(OSError, UwsgiConnection().send_file, file.fileno(), 0, 6)
            file.truncate(10_000_000)
            self.assertRaises(TimeoutError, UwsgiConnection().send_file, file.fileno(), 0, 10_000_000)
            uwsgi.client.close()
            self.assertRaises(ConnectionError, UwsgiConnection().send_file, file.fileno(), 0, 6)

    def test_only_connections_on_which_bodies_pass_as_they_are(self) -> None:
        self.assertFalse(uwsgi_connection.is_plain())
        for options, wanted in (
            ({}, True),
            ({'https_socket': b':443'}, False),
            ({'post_buffering': b'4096'}, False),
            ({'fastcgi_socket': b':1'}, False),
            ({'response_route': b'.* gzip:'}, False),
        ):
            self.useFixture(Uwsgi(**options))
            self.assertEqual(wanted, uwsgi_connection.is_plain(), options)
