# SPDX-License-Identifier: Apache-2.0
"""Bodies of requests."""

from __future__ import annotations

import os
import threading
import time
from unittest import mock

import fixtures

from glance_clone.server.limits import Limits
from glance_clone.server.reader import ClientGone
from glance_clone.server.reader import ClientSlow
from glance_clone.server.reader import FramingError
from glance_clone.server.request_body import Body
from glance_clone.tests import base
from glance_clone.tests.unit.server import clients

_sleep = time.sleep


class BodyTest(base.TestCase):
    """Bodies of both framings."""

    def setUp(self) -> None:
        super().setUp()
        self.pair = self.useFixture(clients.Pair())

    def _body(self, raw: bytes, length: int | None = None, **limits: float) -> Body:
        self.pair.say(raw)
        return Body(self.pair.reader, length, Limits(**limits))  # type: ignore[arg-type]

    def test_known_length(self) -> None:
        body = self._body(b'0123456789rest', 10)
        self.assertEqual([b'', b'0123', b'45678', b'9', b'', b''], [body.read(size) for size in (0, 4, 5, 4, 4, -1)])
        self.assertTrue(body.complete)
        self.assertEqual(b'rest', self.pair.reader.some(100, 1))

    def test_chunks(self) -> None:
        body = self._body(b'3\r\nabc\r\n0A;x\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest')
        self.assertEqual([b'ab', b'c0123', b'456789', b''], [body.read(size) for size in (2, 5, 100, 1)])
        self.assertTrue(body.complete)
        self.assertEqual(b'rest', self.pair.reader.some(100, 1))

    def test_no_body(self) -> None:
        body = self._body(b'', 0)
        self.assertTrue(body.complete)
        self.assertEqual(b'', body.read())

    def test_large_bodies_in_pieces(self) -> None:
        data = os.urandom(3_000_000)
        for chunked in (False, True):
            pair = self.useFixture(clients.Pair())
            raw = b'%x\r\n%b\r\n0\r\n\r\n' % (len(data), data) if chunked else data
            thread = threading.Thread(target=pair.say, args=(raw,))
            thread.start()
            body = Body(pair.reader, None if chunked else len(data), Limits())
            blocks = list(iter(lambda body=body: body.read(1_000_000), b''))
            thread.join()
            self.assertEqual([1_000_000] * 3, [len(block) for block in blocks])
            self.assertTrue(data == b''.join(blocks))

    def test_as_a_file(self) -> None:
        body = self._body(b'one\ntwo\nthree', 13)
        self.assertEqual(b'one\n', body.readline())
        self.assertEqual([b'two\n', b'three'], list(body))
        buffer = bytearray(5)
        body = Body(clients.Reader(self.pair.server), 0, Limits())
        self.assertEqual(0, body.readinto(buffer))

    def test_pieces_are_small_while_others_have_much_to_do(self) -> None:
        class Endless:
            waited = 0.0

            def some_into(self, buffer: memoryview, _idle: float) -> int:
                return len(buffer)

        for busy, most in ((0.0, 4 << 20), (0.01, 512 << 10)):
            body = Body(Endless(), 1 << 30, Limits())  # type: ignore[arg-type]
            with mock.patch('time.sleep', side_effect=lambda _, busy=busy: _sleep(busy)):
                self.assertEqual(most, body.readinto(bytearray(8 << 20)))

    def test_bytes_go_where_they_are_wanted(self) -> None:
        data = os.urandom(100_000)
        for length, raw in ((len(data), data), (None, b'%x\r\n%b\r\n0\r\n\r\n' % (len(data), data))):
            self.pair = self.useFixture(clients.Pair())
            body, received = self._body(raw, length), bytearray()
            buffer = memoryview(bytearray(30_000))
            while count := body.readinto(buffer):
                received += buffer[:count]
            self.assertTrue(body.complete)
            self.assertTrue(data == received)

    def test_others_have_their_turn_before_each_piece(self) -> None:
        length, turns = 9 << 20, []
        self.useFixture(fixtures.MockPatchObject(time, 'sleep', turns.append))
        body = Body(self.pair.reader, length, Limits())
        sender = threading.Thread(target=self.pair.say, args=(bytes(length),))
        sender.start()
        self.addCleanup(sender.join)
        buffer, sizes = memoryview(bytearray(length)), []
        while count := body.readinto(buffer):
            sizes.append(count)
        self.assertLessEqual(max(sizes), 4 << 20)
        self.assertEqual([0] * len(sizes), turns)

    def test_broken_off_where_they_are_wanted(self) -> None:
        body, buffer = self._body(b'12345', 10), memoryview(bytearray(8))
        self.assertEqual(5, body.readinto(buffer))
        self.assertRaises(ClientGone, body.readinto, buffer)
        self.assertTrue(body.broken)

    def test_broken_off(self) -> None:
        for raw, length in ((b'12345', 10), (b'', None), (b'5\r\n123', None), (b'5\r\n12345\r\n', None), (b'0\r\n', None)):
            self.pair = self.useFixture(clients.Pair())
            body = self._body(raw, length)
            self.assertRaises(ClientGone, body.read)
            self.assertTrue(body.broken)
            self.assertFalse(body.complete)

    def test_malformed(self) -> None:
        for raw in (
            b'x\r\n',
            b'-1\r\n',
            b'1 \r\n',
            b'\r\n',
            b'1\n1\r\n',
            b'1\r\n12\r\n',
            b'5' * 16 + b'\r\n',
            b'1\r\n1\n0\r\n\r\n',
        ):
            self.pair = self.useFixture(clients.Pair())
            self.assertRaises(FramingError, self._body(raw).read)

    def test_stalls(self) -> None:
        self.pair.client.sendall(b'123')
        body = Body(self.pair.reader, 10, Limits(body_idle=0.1))
        self.assertRaises(ClientSlow, body.read)

    def test_average_rate(self) -> None:
        """Bytes come often enough, but too few; in chunks of one byte, too."""
        for length, drop in ((1000, b'x'), (None, b'1\r\nx\r\n')):
            pair = self.useFixture(clients.Pair())
            stop = threading.Event()
            self.addCleanup(stop.set)
            thread = threading.Thread(target=self._drip, args=(pair, drop, stop), daemon=True)
            thread.start()
            body = Body(pair.reader, length, Limits(body_idle=5, rate_free=0.3, min_rate=1000))
            begin = time.monotonic()
            self.assertRaises(ClientSlow, body.read)
            self.assertLess(time.monotonic() - begin, 3)

    @staticmethod
    def _drip(pair: clients.Pair, drop: bytes, stop: threading.Event) -> None:
        while not stop.wait(0.02):
            pair.client.sendall(drop)

    def test_our_own_pauses_do_not_count(self) -> None:
        body = self._body(b'1234', 4, rate_free=0.1, min_rate=1000)
        self.assertEqual(b'12', body.read(2))
        time.sleep(0.3)
        self.assertEqual(b'34', body.read(2))

    def test_announcement(self) -> None:
        announced = []
        body = self._body(b'1234', 4)
        body.announce = lambda: announced.append(1)
        self.assertEqual(b'', body.read(0))
        self.assertEqual([], announced)
        body.read(1)
        body.read()
        self.assertEqual([1], announced)

    def test_drainable(self) -> None:
        reader = self.pair.reader
        self.assertTrue(Body(reader, 0, Limits()).drainable(0))
        self.assertTrue(Body(reader, 10, Limits()).drainable(10))
        self.assertFalse(Body(reader, 11, Limits()).drainable(10))
        self.assertFalse(Body(reader, None, Limits()).drainable(10))
        waiting = Body(reader, 1, Limits())
        waiting.announce = list
        self.assertFalse(waiting.drainable(10))
