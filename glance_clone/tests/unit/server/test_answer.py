# SPDX-License-Identifier: Apache-2.0
"""Answers, as the client gets them."""

from __future__ import annotations

import io
import pathlib
import tempfile
import threading
from collections.abc import Iterable
from typing import Any

from glance_clone.server.answer import Answer
from glance_clone.server.answer import FileWrapper
from glance_clone.server.answer import Sender
from glance_clone.server.reader import ClientGone
from glance_clone.server.reader import ClientSlow
from glance_clone.server.request_head import Head
from glance_clone.tests import base
from glance_clone.tests.unit.server import clients


class AnswerTest(base.TestCase):
    """One answer on a pair of sockets."""

    def setUp(self) -> None:
        super().setUp()
        self.pair = self.useFixture(clients.Pair())
        self.sender = Sender(self.pair.server, 5)

    def _answer(self, method: str = 'GET', version: str = '1.1', persistent: bool = True) -> Answer:
        return Answer(self.sender, Head(method, '/', version, []), lambda: persistent)

    def _send(self, answer: Answer, result: Iterable[bytes], status: str = '200 OK', **headers: str) -> tuple[list[str], bytes]:
        """Return the lines of the head and the body."""
        answer.start_response(status, [(name.replace('_', '-'), value) for name, value in headers.items()])
        answer.send(result)
        head, _, body = self.pair.hear().partition(b'\r\n\r\n')
        return head.decode().split('\r\n'), body

    def test_length_is_said_where_it_is_known(self) -> None:
        lines, body = self._send(self._answer(), [b'hello'], Content_Type='text/plain')
        self.assertEqual(['HTTP/1.1 200 OK', 'Content-Type: text/plain'], lines[:2])
        self.assertTrue(lines[2].startswith('Date: '))
        self.assertEqual(['Content-Length: 5'], lines[3:])
        self.assertEqual(b'hello', body)

    def test_chunks(self) -> None:
        answer = self._answer()
        lines, body = self._send(answer, iter([b'hello', b'', b'world!']))
        self.assertIn('Transfer-Encoding: chunked', lines)
        self.assertEqual(b'5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n', body)
        self.assertTrue(answer.persistent)

    def test_old_clients_read_to_the_end(self) -> None:
        answer = self._answer(version='1.0')
        lines, body = self._send(answer, iter([b'hello', b'world']))
        self.assertIn('Connection: close', lines)
        self.assertEqual(b'helloworld', body)
        self.assertFalse(answer.persistent)

    def test_old_clients_that_stay(self) -> None:
        lines, _body = self._send(self._answer(version='1.0'), [b'hello'])
        self.assertIn('Connection: keep-alive', lines)

    def test_end_of_the_connection_is_said(self) -> None:
        lines, _body = self._send(self._answer(persistent=False), [b'hello'])
        self.assertIn('Connection: close', lines)

    def test_answers_without_a_body(self) -> None:
        for method, status in (('HEAD', '200 OK'), ('GET', '204 No Content'), ('GET', '304 Not Modified')):
            self.setUp_pair()
            lines, body = self._send(self._answer(method), [b'hello'], status)
            self.assertEqual(b'', body)
            self.assertNotIn('Transfer-Encoding', ' '.join(lines))

    def setUp_pair(self) -> None:
        self.pair = self.useFixture(clients.Pair())
        self.sender = Sender(self.pair.server, 5)

    def test_length_of_head_stays(self) -> None:
        lines, body = self._send(self._answer('HEAD'), [], Content_Length='12')
        self.assertIn('Content-Length: 12', lines)
        self.assertEqual(b'', body)

    def test_no_more_than_announced(self) -> None:
        _lines, body = self._send(self._answer(), [b'hello', b'world'], Content_Length='7')
        self.assertEqual(b'hellowo', body)

    def test_less_than_announced(self) -> None:
        self.assertRaises(ValueError, self._send, self._answer(), [b'hello'], Content_Length='7')

    def test_connection_is_not_for_applications(self) -> None:
        lines, _body = self._send(self._answer(), [b''], Connection='upgrade', Transfer_Encoding='gzip', Keep_Alive='x')
        self.assertNotIn('upgrade', ' '.join(lines))
        self.assertNotIn('gzip', ' '.join(lines))

    def test_headers_that_break_the_framing(self) -> None:
        answer = self._answer()
        for status, name, value in (
            ('200 OK', 'X', 'a\r\nSet-Cookie: b'),
            ('200 OK', 'X\r\nY', 'a'),
            ('200 OK', 'X', 'a\x00'),
            ('200 OK\r\nX: y', 'X', 'a'),
            ('OK', 'X', 'a'),
        ):
            self.assertRaises(ValueError, answer.start_response, status, [(name, value)])

    def test_error_after_the_head(self) -> None:
        answer = self._answer()
        write = answer.start_response('200 OK', [])
        write(b'hello')
        try:
            raise KeyError('x')
        except KeyError as error:
            info: Any = (KeyError, error, error.__traceback__)
        self.assertRaises(KeyError, answer.start_response, '500 X', [], info)

    def test_error_before_the_head(self) -> None:
        answer = self._answer()
        answer.start_response('200 OK', [])
        lines, _body = self._send(answer, [b''], '500 Oh')
        self.assertEqual('HTTP/1.1 500 Oh', lines[0])

    def test_no_start_response(self) -> None:
        self.assertRaises(RuntimeError, self._answer().send, [b'hello'])

    def _file(self, content: bytes) -> Any:
        path = pathlib.Path(tempfile.mkstemp()[1])
        path.write_bytes(content)
        opened = path.open('rb')
        self.addCleanup(opened.close)
        return opened

    def test_part_of_a_file(self) -> None:
        for buffered in (False, True):
            self.setUp_pair()
            opened = self._file(b'0123456789')
            opened.read(3) if buffered else opened.seek(3)
            _lines, body = self._send(self._answer(), FileWrapper(opened), Content_Length='4')
            self.assertEqual(b'3456', body)

    def test_rest_of_a_file_of_unknown_length(self) -> None:
        for version, wanted in (('1.1', b'4\r\n6789\r\n0\r\n\r\n'), ('1.0', b'6789')):
            self.setUp_pair()
            opened = self._file(b'0123456789')
            opened.seek(6)
            self.assertEqual(wanted, self._send(self._answer(version=version), FileWrapper(opened))[1])

    def test_file_without_descriptor(self) -> None:
        class Plain:
            read = io.BytesIO(b'0123456789').read

        self.assertEqual(b'01234', self._send(self._answer(), FileWrapper(Plain(), 3), Content_Length='5')[1])

    def test_wrapper_closes(self) -> None:
        opened = self._file(b'')
        FileWrapper(opened).close()
        self.assertTrue(opened.closed)

    def test_large_file_and_slow_reader(self) -> None:
        content = bytes(range(256)) * 20_000
        received = bytearray()

        def read() -> None:
            while data := self.pair.client.recv(10_000):
                received.extend(data)

        thread = threading.Thread(target=read)
        thread.start()
        opened = self._file(content)
        self.assertEqual(len(content), self.sender.send_file(opened, len(content)))
        self.assertEqual(len(content), self.sender.sent)
        self.pair.server.close()
        thread.join(10)
        self.assertTrue(content == received)

    def test_reader_that_takes_nothing(self) -> None:
        sender = Sender(self.pair.server, 0.1)
        self.assertRaises(ClientSlow, sender.send, bytes(10_000_000))
        self.assertRaises(ClientSlow, sender.send_file, self._file(bytes(10_000_000)), 10_000_000)

    def test_reader_that_is_gone(self) -> None:
        self.pair.client.close()
        self.assertRaises(ClientGone, self.sender.send, bytes(10_000_000))
        self.assertRaises(ClientGone, self.sender.send_file, self._file(bytes(10_000_000)), 10_000_000)
