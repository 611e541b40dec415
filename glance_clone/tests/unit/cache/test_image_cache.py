# SPDX-License-Identifier: Apache-2.0
"""How data comes into the cache, how it is served meanwhile, and what damage does."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from unittest import mock

import fixtures
from oslotest import base

from glance_clone.cache import directory as directories
from glance_clone.cache import fill as fills
from glance_clone.cache import follower as followers
from glance_clone.cache import seal
from glance_clone.domain import errors
from glance_clone.domain.image import DEACTIVATED
from glance_clone.domain.location import Location
from glance_clone.tests.unit.cache import fakes

#: Found before the answer begins, or on the way.
_DAMAGED = (errors.DataMissing, errors.StoreError)


class _TestCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.path = self.useFixture(fixtures.TempDir()).path
        self.cache = fakes.cache(self.path)
        self.directory = self.cache.directory
        self.store = fakes.Store()
        self.image = fakes.image()

    def _open(self):
        return self.cache.open(self.image, self.store.fetch)

    def _download(self):
        return fakes.read(self._open())

    def _wait(self, condition):
        deadline = time.monotonic() + 10
        while not condition():
            self.assertLess(time.monotonic(), deadline, 'nothing happened')
            time.sleep(0.01)

    def _files(self):
        parts = (directories.COMPLETE, directories.INCOMPLETE, directories.INVALID, directories.QUEUE)
        return {part for part in parts if self.directory.files(part)}

    def _wait_for_entry(self):
        self._wait(lambda: self._files() == {directories.COMPLETE})


class FillTest(_TestCase):
    def test_miss_serves_and_fills(self):
        reader = self._open()
        self.assertEqual(len(fakes.DATA), reader.size)
        self.assertEqual(fakes.DATA, fakes.read(reader))
        self._wait_for_entry()
        self.assertEqual(fakes.DATA, self._download())
        self.assertEqual(1, self.store.opened)
        self.assertTrue(self.store.readers[0].closed)

    def test_many_readers_of_a_cold_image_are_one_read_of_the_store(self):
        self.store.pace.clear()
        found = []
        threads = [threading.Thread(target=lambda: found.append(self._download())) for _ in range(12)]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        self.store.pace.set()
        for thread in threads:
            thread.join(20)
        self.assertEqual([fakes.DATA] * 12, found)
        self.assertEqual(1, self.store.opened)

    def test_data_is_served_before_all_of_it_is_there(self):
        self.store.pace.clear()
        with mock.patch.object(followers, '_HELD_BACK', 1):
            reader = self._open()
            self.assertEqual(fakes.DATA[: 1 << 20], next(iter(reader)))
        self.store.pace.set()
        reader.close()
        self._wait_for_entry()

    def test_client_that_leaves_does_not_stop_the_fill(self):
        self.store.pace.clear()
        self._open().close()
        self.store.pace.set()
        self._wait_for_entry()

    def test_another_process_that_fills_is_followed(self):
        other = fakes.cache(self.path)
        self.store.pace.clear()
        first = self._open()
        second = other.open(self.image, self.store.fetch)
        self.store.pace.set()
        self.assertEqual((fakes.DATA, fakes.DATA), (fakes.read(second), fakes.read(first)))
        self.assertEqual(1, self.store.opened)

    def test_what_a_dead_process_left_is_written_anew(self):
        path = self.directory.path_of(directories.INCOMPLETE, self.image.id)
        with open(path, 'wb') as file:
            file.write(b'x' * 9_000_000)
        self.assertEqual(fakes.DATA, self._download())
        self._wait_for_entry()
        self.assertEqual(fakes.DATA, self._download())

    def test_dead_filler_is_not_waited_for(self):
        fill = fills.Fill.begin(self.directory, self.image)
        with mock.patch.object(followers, '_STALLED', 0.05):
            reader = self._open()
        fill.abandon()
        self.assertEqual(fakes.DATA, fakes.read(reader))
        self.assertEqual(1, self.store.opened)

    def test_filler_without_progress_is_not_waited_for(self):
        fill = fills.Fill.begin(self.directory, self.image)
        self.addCleanup(fill.abandon)
        with mock.patch.object(followers, '_STALLED', 0.05):
            self.assertEqual(fakes.DATA, self._download())

    def test_store_that_is_away_is_reported_and_leaves_nothing(self):
        self.store.away = True
        self.assertRaises(errors.StoreUnavailable, self._open)
        self.assertEqual(set(), self._files())
        self.store.away = False
        self.assertEqual(fakes.DATA, self._download())

    def test_store_that_breaks_off_breaks_the_download_and_leaves_nothing(self):
        self.store.breaks_at = 2 << 20
        self.assertRaises(errors.StoreError, self._download)
        self._wait(lambda: self._files() == set())

    def test_range_of_a_cold_image_comes_from_the_store_and_fills_nothing(self):
        self.assertEqual(fakes.DATA[3:9], fakes.read(self.cache.open(self.image, self.store.fetch, 3, 6)))
        self.assertEqual(set(), self._files())

    def test_files_are_readable_by_the_group_only(self):
        self._download()
        self._wait_for_entry()
        state = self.directory.state(directories.COMPLETE, self.image.id)
        self.assertEqual(0o640, state.st_mode & 0o777)


class UncachedTest(_TestCase):
    def _assert_uncached(self):
        self.assertEqual(fakes.DATA, self._download())
        self.assertEqual(set(), self._files())

    def test_image_without_hashes_is_not_cached(self):
        self.image.checksum = self.image.os_hash_value = None
        self._assert_uncached()

    def test_image_with_an_md5_is_cached(self):
        self.image.os_hash_value = self.image.os_hash_algo = None
        self._download()
        self._wait_for_entry()

    def test_image_of_unknown_size_is_not_cached(self):
        self.image.size = None
        self._assert_uncached()

    def test_deactivated_image_is_read_from_the_store(self):
        self._download()
        self._wait_for_entry()
        self.image.status = DEACTIVATED
        self._download()
        self.assertEqual(2, self.store.opened)

    def test_strange_id_is_not_cached(self):
        self.image.id = '../../somewhere'
        self._assert_uncached()

    def test_disk_without_room_is_not_filled(self):
        with mock.patch.object(self.directory, 'free', return_value=len(fakes.DATA)):
            self._assert_uncached()

    def test_disk_that_fills_up_meanwhile_serves_without(self):
        written = []

        def pwrite(descriptor, block, offset):
            written.append(offset)
            if offset >= 1 << 20:
                raise OSError(28, 'No space left on device')
            return os_pwrite(descriptor, block, offset)

        os_pwrite = os.pwrite
        with mock.patch.object(fills.os, 'pwrite', pwrite):
            self.assertEqual(fakes.DATA, self._download())
            self._wait(lambda: self._files() == set())
        self.assertTrue(written)

    def test_disk_that_takes_no_file_serves_without(self):
        with mock.patch.object(fills.Fill, 'begin', side_effect=OSError(28, 'No space left on device')):
            self._assert_uncached()

    def test_directory_that_is_gone_serves_without(self):
        os.rename(self.directory.path, self.directory.path + '.away')
        self.assertEqual(fakes.DATA, self._download())

    def test_directory_that_is_gone_is_told_to_operators(self):
        os.rename(self.directory.path, self.directory.path + '.away')
        for call in (self.cache.entries, self.cache.queued, self.cache.prune, self.cache.clean):
            self.assertRaises(errors.Unavailable, call)
        self.assertRaises(errors.Unavailable, self.cache.enqueue, self.image.id)
        self.cache.forget(self.image.id)

    def test_index_that_is_away_serves_from_the_file(self):
        self._download()
        self._wait_for_entry()
        with mock.patch.object(self.cache.index, 'touch', side_effect=errors.DatabaseUnavailable('away')):
            self.assertEqual(fakes.DATA, self._download())
        self.assertEqual(1, self.store.opened)


class DamageTest(_TestCase):
    def _fill(self):
        self._download()
        self._wait_for_entry()
        return self.directory.path_of(directories.COMPLETE, self.image.id)

    def _assert_served_by_the_store(self):
        self.assertEqual(fakes.DATA, self._download())
        self.assertEqual(2, self.store.opened)
        self._wait_for_entry()
        self.assertEqual(fakes.DATA, self._download())

    def test_truncated_entry_is_dropped(self):
        os.truncate(self._fill(), 1000)
        self._assert_served_by_the_store()

    def test_emptied_entry_is_dropped(self):
        os.truncate(self._fill(), 0)
        self._assert_served_by_the_store()

    def test_flipped_byte_drops_the_entry(self):
        with open(self._fill(), 'r+b') as file:
            file.seek(3_000_000)
            file.write(b'\xff\xfe')
        self._assert_served_by_the_store()

    def test_damage_that_leaves_no_trace_is_found_by_option(self):
        path = self._fill()
        state = os.stat(path)
        with open(path, 'r+b') as file:
            file.write(b'\xff')
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        self.assertNotEqual(fakes.DATA, self._download())
        self.cache = fakes.cache(self.path, checks_reads=True)
        self._assert_served_by_the_store()

    def test_sound_file_without_seal_is_hashed_once(self):
        path = self._fill()
        os.utime(path)
        with mock.patch.object(seal, 'check', side_effect=seal.check) as check:
            self.assertEqual([fakes.DATA] * 2, [self._download(), self._download()])
        self.assertEqual(1, check.call_count)
        self.assertEqual(1, self.store.opened)

    def test_link_in_place_of_an_entry_is_not_followed(self):
        path = self._fill()
        os.rename(path, path + '.away')
        os.symlink(path + '.away', path)
        self.assertEqual(fakes.DATA, self._download())
        self.assertEqual(2, self.store.opened)

    def _assert_refused(self):
        received = []
        with self.assertRaises(_DAMAGED):
            reader = self._open()
            with contextlib.closing(reader):
                received.extend(reader)
        self.assertLess(len(b''.join(received)), self.image.size)
        self._wait(lambda: self._files() == {directories.INVALID})
        self.assertEqual([], self.cache.entries())

    def test_data_with_the_wrong_hash_is_never_complete(self):
        self.store.data = fakes.DATA[:-1] + b'?'
        self._assert_refused()

    def test_small_data_with_the_wrong_hash_is_not_even_begun(self):
        self.image = fakes.image(b'good')
        self.store.data = b'evil'
        self.assertRaises(errors.DataMissing, self._open)

    def test_other_copies_are_tried_for_the_next_client(self):
        self.image.locations = [Location('mem://bad'), Location('mem://good')]
        self.cache.on_queued = mock.Mock()
        self.store.data = fakes.DATA[:-1] + b'?'
        self.assertRaises(_DAMAGED, self._download)
        self._wait(lambda: self.cache.on_queued.called)
        self.assertEqual([self.image.id], self.cache.queued())

    def test_something_else_in_place_of_an_entry(self):
        os.mkdir(self.directory.path_of(directories.COMPLETE, self.image.id))
        self.assertEqual(fakes.DATA, self._download())

    def test_file_of_somebody_else_is_served(self):
        os.utime(self._fill())
        with mock.patch.object(seal.os, 'utime', side_effect=PermissionError):
            self.assertEqual(fakes.DATA, self._download())
        self.assertEqual(1, self.store.opened)

    def test_data_that_is_too_long_is_refused(self):
        self.store.data = fakes.DATA + b'x'
        self._assert_refused()

    def test_data_that_is_too_short_is_refused(self):
        self.store.data = fakes.DATA[:-1]
        self._assert_refused()
