# SPDX-License-Identifier: Apache-2.0
"""Blocks on their way through filters."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time

import hypothesis
from hypothesis import strategies
from oslotest import base

from glance_clone.domain import errors
from glance_clone.tests.unit.transfer.sources import Pieces
from glance_clone.tests.unit.transfer.sources import Recorder
from glance_clone.transfer import pipeline
from glance_clone.transfer.concurrency import NativeThreads
from glance_clone.transfer.digest import Digest

THREADS = NativeThreads()
BIG = 1 << 17

_pieces = strategies.lists(strategies.binary(max_size=50), max_size=20)


class BlocksTest(base.BaseTestCase):
    @hypothesis.given(_pieces, strategies.integers(1, 60))
    def test_blocks_have_one_size_however_the_data_comes(self, pieces, size):
        data = b''.join(pieces)
        blocks = [bytes(block) for block in pipeline.blocks(Pieces(*pieces), size)]
        self.assertEqual([data[at : at + size] for at in range(0, len(data), size)], blocks)

    def test_memory_is_used_again_but_not_too_early(self):
        source, seen, memory = Pieces(*(bytes([each]) * 8 for each in range(200))), [], set()
        in_use = [0]
        for number, block in enumerate(pipeline.blocks(source, 8, lambda: in_use[0])):
            seen.append(block)
            memory.add(id(block.obj))
            self.assertEqual(
                [bytes([number - each]) * 8 for each in range(in_use[0] + 1)],
                [bytes(each) for each in seen[::-1]][: in_use[0] + 1],
            )
            in_use[0] = min(random.randrange(4), in_use[0] + 1)
        self.assertEqual(200, len(seen))
        self.assertLessEqual(len(memory), 4)

    def test_sources_that_fill_memory_are_let(self):
        class Filling(Pieces):
            def readinto(self, buffer):
                piece = super().read(min(3, len(buffer)))
                buffer[: len(piece)] = piece
                return len(piece)

            def read(self, size):
                raise AssertionError('copied')

        blocks = [bytes(block) for block in pipeline.blocks(Filling(b'01234567', b'89'), 4)]
        self.assertEqual([b'0123', b'4567', b'89'], blocks)


class PipelineTest(base.BaseTestCase):
    def run_through(self, pieces, checks=(), workers=(), block_size=BIG, broken=False):
        pipeline.run(Pieces(*pieces, broken=broken), checks, workers, THREADS, block_size)

    @hypothesis.settings(max_examples=30, deadline=None)
    @hypothesis.given(
        strategies.lists(strategies.integers(0, 3 * BIG), max_size=6), strategies.sampled_from([BIG, BIG + 1, 2 * BIG])
    )
    def test_every_filter_sees_all_in_order(self, sizes, block_size):
        pieces = [bytes([index]) * size for index, size in enumerate(sizes, 1)]
        filters = [Recorder(), Recorder(), Digest('md5')]
        self.run_through(pieces, filters[:1], filters[1:], block_size)
        data = b''.join(pieces)
        self.assertTrue([data, data] == [each.data for each in filters[:2]])
        self.assertEqual(hashlib.md5(data).hexdigest(), filters[2].value)
        self.assertTrue(filters[0].finished and filters[1].finished)

    def test_small_data_needs_no_threads(self):
        class Where(Recorder):
            def update(self, block):
                self.blocks.append(threading.current_thread())

        worker = Where()
        self.run_through([b'x' * pipeline.INLINE], workers=[worker])
        self.assertEqual([threading.current_thread()], worker.blocks)
        worker = Where()
        self.run_through([b'x' * (pipeline.INLINE + 1)], workers=[worker])
        self.assertNotEqual([threading.current_thread()], worker.blocks)

    def test_filters_work_at_the_same_time(self):
        meet = threading.Barrier(3, timeout=10)

        class Meeting(Recorder):
            def update(self, block):
                meet.wait()

        self.run_through([b'x' * BIG * 3], workers=[Meeting(), Meeting(), Meeting()])

    def test_reading_goes_on_while_filters_work(self):
        read = threading.Event()

        class Waiting(Recorder):
            def update(self, block):
                if not read.wait(10):
                    raise AssertionError('not read ahead')

        class Telling(Pieces):
            def read(self, size):
                piece = super().read(size)
                if piece == b'b':
                    read.set()
                return piece

        pipeline.run(Telling(b'a' * BIG, b'b'), (), [Waiting()], THREADS, BIG)

    def test_only_a_few_blocks_are_on_their_way(self):
        ahead = []

        class Slow(Recorder):
            def update(self, block):
                time.sleep(0.005)
                super().update(block)

        class Counting(Recorder):
            def update(self, block):
                super().update(block)
                ahead.append(len(self.blocks) - len(slow.blocks))

        slow = Slow()
        self.run_through([b'x' * BIG] * 20, [Counting()], [Recorder(), slow])
        self.assertLessEqual(max(ahead), pipeline.DEPTH + 1)

    def test_a_check_keeps_blocks_from_the_workers(self):
        worker = Recorder()
        check = Recorder(2, errors.LimitExceeded('Too much.'))
        self.assertRaises(errors.LimitExceeded, self.run_through, [b'x' * BIG] * 5, [check], [worker])
        self.assertEqual((2, False), (len(worker.blocks), worker.finished))

    def test_a_failing_worker_stops_the_reading_and_the_others_are_waited_for(self):
        class Slow(Recorder):
            busy = False

            def update(self, block):
                self.busy = True
                time.sleep(0.02)
                super().update(block)
                self.busy = False

        slow, check = Slow(), Recorder()
        failing = Recorder(1, errors.StoreFull('No room.'))
        self.assertRaises(errors.StoreFull, self.run_through, [b'x' * BIG] * 50, [check], [failing, slow])
        self.assertFalse(slow.busy)
        self.assertLess(len(check.blocks), 50)
        self.assertEqual(1, len(failing.blocks))

    def test_failures_of_the_last_block_count(self):
        for size in (10, BIG):
            failing = Recorder(0, errors.StoreFull('No room.'))
            self.assertRaises(errors.StoreFull, self.run_through, [b'x' * size], (), [Recorder(), failing])

    def test_failures_at_the_end_count(self):
        failing = Recorder('end', errors.UnsafeContent('Not safe.'))
        self.assertRaises(errors.UnsafeContent, self.run_through, [b'x'], [failing])

    def test_a_source_that_breaks_off(self):
        worker = Recorder()
        self.assertRaises(errors.ClientDisconnected, self.run_through, [b'x' * BIG, b'y'], (), [worker], broken=True)
        self.assertFalse(worker.finished)

    def test_filters_that_compute_take_turns_in_few_threads(self):
        threads = set()

        class Computing(Recorder):
            computes = True

            def update(self, block):
                super().update(block)
                threads.add(threading.get_ident())

        filters = [Computing() for _ in range(8)]
        self.run_through([bytes([number]) * BIG for number in range(6)], workers=filters)
        self.assertLessEqual(len(threads), len(os.sched_getaffinity(0)))
        self.assertEqual([[0, 1, 2, 3, 4, 5]] * 8, [[block[0] for block in each.blocks] for each in filters])

    def test_many_at_the_same_time(self):
        failures = []

        def one(number):
            digest = Digest('md5')
            data = bytes([number]) * BIG
            self.run_through([data] * 10, workers=[digest, Recorder()])
            if digest.value != hashlib.md5(data * 10).hexdigest():
                failures.append(number)

        threads = [threading.Thread(target=one, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
