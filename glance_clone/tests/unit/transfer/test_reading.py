# SPDX-License-Identifier: Apache-2.0
"""Reading from stores that fail in all the ways in which stores fail (F10, R11)."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from unittest import mock

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone import conf as options
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.transfer.concurrency import NativeThreads
from glance_clone.transfer.data import StoreData

DATA = os.urandom(3000)


class Reader:
    """Yields data in blocks of 1000 bytes, and breaks off where it is told to."""

    def __init__(self, store, data, size):
        self.size = size
        self._store = store
        self._data = data

    def __iter__(self):
        for begin in range(0, len(self._data), 1000):
            if self._store.breaks_at == begin:
                raise errors.StoreError('It broke.')
            yield self._data[begin : begin + 1000]

    def close(self):
        self._store.closed += 1


class Store:
    """A store with one object, which it keeps badly."""

    weight = 0

    def __init__(self, data=DATA, breaks_at=None, error=None, wait=None):
        self.data = data
        self.breaks_at = breaks_at
        self.error = error
        self.wait = wait
        self.opened = self.closed = 0

    def open(self, location, offset=0, length=None):
        self.opened += 1
        if self.wait:
            self.wait.wait(20)
        if self.error:
            raise self.error
        end = len(self.data) if length is None else offset + length
        return Reader(self, self.data[offset:end], len(self.data))


class Stores:
    multiple = True

    def __init__(self, stores):
        self.stores = stores

    def by_weight(self, locations, prefer=()):
        return list(locations)

    def of(self, location):
        store = self.stores[int(location.url)]
        if store is None:
            raise errors.StoreUnknown('unknown')
        return store


class ReadingTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        options.register_opts(self.conf)
        self.conf([])
        self.log = self.useFixture(fixtures.FakeLogger())

    def read(self, *stores, offset=0, length=None, **attributes):
        plain = {'checksum': hashlib.md5(DATA, usedforsecurity=False).hexdigest(), 'size': len(DATA)}
        image = Image('i', locations=[Location(str(number)) for number in range(len(stores))], **{**plain, **attributes})
        reader = StoreData(self.conf, Stores(stores), NativeThreads(), None).read(image, offset, length)
        self.blocks = []
        try:
            for block in reader:
                self.blocks.append(block)
        finally:
            reader.close()
        self.assertTrue(all(store.closed == store.opened for store in stores if store and not store.error))
        return b''.join(self.blocks)

    def test_the_first_copy_is_enough(self):
        first, second = Store(), Store()
        self.assertEqual(DATA, self.read(first, second))
        self.assertEqual((1, 0), (first.opened, second.opened))

    def test_copies_that_cannot_be_opened_are_passed_over(self):
        for error in (errors.BlobNotFound('x'), errors.StoreError('x'), errors.StoreUnavailable('x')):
            self.assertEqual(DATA, self.read(Store(error=error), None, Store(data=DATA[1:]), Store()))

    def test_a_copy_that_breaks_off_is_continued_by_another(self):
        for breaks_at in (0, 1000, 2000):
            self.assertEqual(DATA, self.read(Store(breaks_at=breaks_at), Store(error=errors.StoreError('x')), Store()))
            self.assertEqual(3, len(self.blocks))

    def test_so_are_parts_of_it(self):
        self.assertEqual(
            DATA[500:2600], self.read(Store(breaks_at=1000), Store(breaks_at=1000), Store(), offset=500, length=2100)
        )

    def test_nothing_is_left(self):
        self.assertRaises(errors.StoreError, self.read, Store(breaks_at=1000), Store(breaks_at=0))
        self.assertEqual([DATA[:1000]], self.blocks)
        self.assertRaises(errors.StoreError, self.read, Store(breaks_at=2000))
        self.assertRaises(errors.DataMissing, self.read, Store(error=errors.BlobNotFound('x')), None)
        away = errors.StoreUnavailable('away')
        self.assertRaises(errors.StoreUnavailable, self.read, Store(error=away), Store(error=errors.BlobNotFound('x')))

    def test_a_store_that_hangs_is_given_up(self):
        self.conf.set_override('open_timeout', 1, 'downloads')
        hanging = Store(wait=threading.Event())
        begin = time.monotonic()
        sound = Store()
        image = Image('i', size=len(DATA), locations=[Location('0'), Location('1')])
        reader = StoreData(self.conf, Stores([hanging, sound]), NativeThreads(), None).read(image)
        self.assertEqual(DATA, b''.join(reader))
        self.assertLess(time.monotonic() - begin, 10)
        hanging.wait.set()
        while not hanging.closed and time.monotonic() - begin < 20:
            time.sleep(0.01)
        self.assertEqual(1, hanging.closed)

    def test_damage_is_handed_out_unless_reads_are_verified(self):
        damaged = DATA[:10] + bytes([DATA[10] ^ 1]) + DATA[11:]
        self.assertEqual(damaged, self.read(Store(damaged)))

    def test_the_last_block_of_damaged_data_is_kept_back(self):
        self.conf.set_override('verify', True, 'downloads')
        for place in (0, 1500, 2999):
            damaged = DATA[:place] + bytes([DATA[place] ^ 1]) + DATA[place + 1 :]
            self.assertRaises(errors.StoreError, self.read, Store(damaged), Store())
            self.assertEqual(2, len(self.blocks))

    def test_the_other_copy_of_a_small_damaged_one_is_taken(self):
        self.conf.set_override('verify', True, 'downloads')
        small = DATA[:900]
        sums = {'checksum': hashlib.md5(small, usedforsecurity=False).hexdigest(), 'size': 900}
        self.assertEqual(small, self.read(Store(bytes(900)), Store(small), **sums))
        self.assertRaises(errors.StoreError, self.read, Store(bytes(900)), Store(bytes(900)), **sums)
        self.assertEqual([], self.blocks)

    def test_sound_data_is_verified_by_the_better_hash(self):
        self.conf.set_override('verify', True, 'downloads')
        sums = {'os_hash_algo': 'sha512', 'os_hash_value': hashlib.sha512(DATA).hexdigest().upper(), 'checksum': 'x'}
        self.assertEqual(DATA, self.read(Store(), **sums))
        self.assertEqual(DATA, self.read(Store(breaks_at=1000), Store(), **sums))
        self.assertRaises(errors.StoreError, self.read, Store(), **{**sums, 'os_hash_value': '0' * 128})

    def test_what_cannot_be_verified_is_read(self):
        self.conf.set_override('verify', True, 'downloads')
        for sums in ({'checksum': None}, {'checksum': None, 'os_hash_algo': 'unheard-of', 'os_hash_value': '00'}):
            self.assertEqual(DATA, self.read(Store(), **sums))
        empty = hashlib.sha256(b'').hexdigest()
        self.assertEqual(b'', self.read(Store(b''), size=0, os_hash_algo='sha256', os_hash_value=empty))

    def test_parts_are_not_verified(self):
        self.conf.set_override('verify', True, 'downloads')
        self.assertEqual(DATA[5:10], self.read(Store(), offset=5, length=5, checksum='0' * 32))


class FileTest(base.BaseTestCase):
    """A file store on a disk that fails."""

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        options.register_opts(self.conf)
        self.conf([])
        self.useFixture(fixtures.FakeLogger())
        self.stores = [FileStore(None, [Directory(self.useFixture(fixtures.TempDir()).path)]) for _ in range(2)]
        self.image = Image('i', size=len(DATA))
        for number, store in enumerate(self.stores):
            writer = store.writer('i', 'a', None)
            writer.write(DATA)
            writer.commit()
            self.image.locations.append(Location(str(number)))
        registry = Stores([self._at(number) for number in range(2)])
        self.data = StoreData(self.conf, registry, NativeThreads(), None)

    def _at(self, number):
        store = mock.Mock(wraps=self.stores[number])
        place = Location(f'file://{self.stores[number].directories[0].path}/i')
        store.open = lambda location, offset=0, length=None: self.stores[number].open(place, offset, length)
        return store

    def test_a_file_can_be_sent_by_the_server(self):
        for offset, length, expected in ((0, None, DATA), (10, 20, DATA[10:30])):
            reader = self.data.read(self.image, offset, length)
            self.assertEqual((len(DATA), len(expected)), (reader.size, reader.length))
            self.assertEqual(expected, os.pread(reader.fileobj.fileno(), reader.length, reader.fileobj.tell()))
            self.assertEqual(expected, b''.join(reader))
            reader.close()
            self.assertTrue(reader.fileobj.closed)

    def test_a_disk_that_gives_nothing_is_noticed_before_the_answer_begins(self):
        real = os.pread
        failed = []

        def pread(number, size, offset):
            if not failed:
                failed.append(number)
                raise OSError(5, 'Input/output error')
            return real(number, size, offset)

        with fixtures.MonkeyPatch('os.pread', pread):
            reader = self.data.read(self.image)
        self.addCleanup(reader.close)
        self.assertEqual(DATA, b''.join(reader))
        self.assertEqual(1, len(failed))

    def test_a_file_that_becomes_shorter_is_continued_by_the_other(self):
        reader = self.data.read(self.image)
        self.addCleanup(reader.close)
        os.truncate(f'{self.stores[0].directories[0].path}/i', 1200)
        self.assertEqual(DATA, b''.join(reader))
