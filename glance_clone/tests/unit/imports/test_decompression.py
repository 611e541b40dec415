# SPDX-License-Identifier: Apache-2.0
"""The plugin that unpacks archives, sound and hostile ones (W-10, P14)."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import random
import struct
import tracemalloc
import zipfile
import zlib

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.imports import archives
from glance_clone.imports.decompression import Decompression
from glance_clone.imports.decompression import Unpacked
from glance_clone.tests.unit.imports.material import StagedWork
from glance_clone.tests.unit.imports.material import configuration

DATA = random.Random(1).randbytes(3 << 20) + bytes(1 << 20)
SMALL = DATA[:100_000]


def zipped(*members, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, 'w', **{'compression': zipfile.ZIP_DEFLATED, **options}) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def crc16(data):
    crc = 0
    for byte in data:
        crc = crc >> 8 ^ _CRC16[(crc ^ byte) & 0xFF]
    return crc


def _crc16_of(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0xA001 if byte & 1 else 0)
    return byte


_CRC16 = [_crc16_of(byte) for byte in range(256)]


def lha(*members):
    """Return an archive whose members are stored as they are (level 0)."""
    archive = b''
    for name, data in members:
        head = struct.pack('<5sIIIBBB', b'-lh0-', len(data), len(data), 0, 0x20, 0, len(name)) + name
        head += struct.pack('<H', crc16(data))
        archive += struct.pack('<BB', len(head), sum(head) & 0xFF) + head + data
    return archive + b'\0'


class DecompressionTest(base.BaseTestCase):
    def run_on(self, data, conf='', **work):
        self.work = self.useFixture(StagedWork(data, **work))
        step = Decompression(configuration(conf))
        try:
            step.run(self.work)
        finally:
            step.undo(self.work)
        return self.work.content()

    def refused(self, kind, data, conf='', **work):
        self.assertRaises(kind, self.run_on, data, conf, **work)
        self.assertEqual(['i'], self.work.files())

    def test_gzip(self):
        self.assertEqual(DATA, self.run_on(gzip.compress(DATA, 1)))
        self.assertEqual(len(DATA), self.work.image.size)
        self.assertEqual(['i.uc'], self.work.files())

    def test_several_gzip_members_are_one(self):
        self.assertEqual(b'abc', self.run_on(gzip.compress(b'a') + gzip.compress(b'') + gzip.compress(b'bc') + bytes(700)))

    def test_gzip_of_nothing(self):
        self.assertEqual(b'', self.run_on(gzip.compress(b'')))

    def test_zip(self):
        for options in ({}, {'compression': zipfile.ZIP_STORED}):
            self.assertEqual(DATA, self.run_on(zipped(('disk.raw', DATA), **options)))

    def test_names_in_archives_mean_nothing(self):
        for name in ('../../../etc/passwd', '/abs', 'i', 'i.uc', 'a/b', 'x' * 60000):
            self.assertEqual(b'abc', self.run_on(zipped((name, b'abc'))))
            self.assertEqual(['i.uc'], self.work.files())

    def test_what_is_no_archive_stays(self):
        for data in (b'', b'a', b'PK', b'\x1f\x8b', b'QFI\xfb' + bytes(100), DATA):
            self.assertEqual(data, self.run_on(data))
            self.assertEqual(['i'], self.work.files())

    def test_compressed_images_stay(self):
        data = gzip.compress(DATA, 1)
        self.assertEqual(data, self.run_on(data, container_format='compressed'))

    def test_only_the_outer_layer_goes(self):
        inner = gzip.compress(b'abc')
        self.assertEqual(inner, self.run_on(zipped(('a.gz', inner))))

    def test_damaged_gzip(self):
        sound = gzip.compress(DATA, 1)
        for data in (sound[:-1], sound[: len(sound) // 2], sound[:11], sound[:-8] + b'\0' * 8, sound + b'rest'):
            self.refused(errors.UnsafeContent, data)

    def test_damaged_zip(self):
        sound = zipped(('a', DATA))
        flipped = bytearray(sound)
        flipped[len(flipped) // 2] ^= 0xFF
        for data in (sound[:-1], sound[: len(sound) // 2], bytes(flipped), b'PK\x03\x04', b'PK\x03\x04' + bytes(100)):
            self.refused(errors.UnsafeContent, data)

    def test_not_exactly_one_member(self):
        self.refused(errors.UnsafeContent, zipped(('a', b'1'), ('b', b'2')))
        self.refused(errors.UnsafeContent, zipped(*(('x' * 100 + str(i), b'') for i in range(9000))))
        self.refused(errors.UnsafeContent, b'PK\x03\x04' + zipped())
        self.refused(errors.UnsafeContent, zipped(('dir/', b'')))

    def test_compression_that_cannot_be_bounded(self):
        for kind in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            self.refused(errors.UnsafeContent, zipped(('a', bytes(1000)), compression=kind))

    def test_encrypted_zip(self):
        data = bytearray(zipped(('a', b'abc')))
        place = data.index(b'PK\x01\x02')
        data[place + 8] |= 1
        self.refused(errors.UnsafeContent, bytes(data))

    def test_lha(self):
        for name in (b'disk', b'../../x', b'/etc/passwd'):
            self.assertEqual(SMALL, self.run_on(lha((name, SMALL))))
            self.assertEqual((len(SMALL), ['i.uc']), (self.work.image.size, self.work.files()))

    def test_damaged_lha(self):
        sound = lha((b'a', SMALL))
        flipped = bytearray(sound)
        flipped[1000] ^= 1
        for data in (sound[:-100], bytes(flipped), lha((b'a', b'x'), (b'b', b'y')), b'\x22\x00-lh5-' + bytes(100)):
            self.assertRaises(errors.UnsafeContent, self.run_on, data)

    def test_lha_beyond_its_limit(self):
        self.assertRaises(errors.UnsafeContent, self.run_on, lha((b'a', SMALL)), '[DEFAULT]\nimage_size_cap = 50000\n')

    def test_lha_without_the_library(self):
        with fixtures.MonkeyPatch('importlib.util.find_spec', lambda name: None):
            self.refused(errors.UnsafeContent, lha((b'a', SMALL)))

    def test_more_than_an_image_may_have(self):
        self.refused(errors.LimitExceeded, gzip.compress(bytes(2 << 20)), cap=1 << 20)

    def test_far_more_than_is_in_the_archive(self):
        self.useFixture(fixtures.MonkeyPatch('glance_clone.imports.decompression._FREE', 1 << 20))
        bomb = gzip.compress(bytes(8 << 20), 9)
        self.refused(errors.LimitExceeded, bomb)
        self.refused(errors.LimitExceeded, zipped(('a', bytes(8 << 20))))
        self.assertEqual(8 << 20, len(self.run_on(bomb, '[image_decompression]\nmax_ratio = 2000\n')))

    def test_a_long_time(self):
        slow = Unpacked(itertools.repeat(b'x'), 10**9, 0)
        self.assertRaises(errors.LimitExceeded, slow.read, 10)


class MemoryTest(base.BaseTestCase):
    """A bomb is unpacked without being held in memory."""

    def peak(self, unpack, data):
        path = os.path.join(self.useFixture(fixtures.TempDir()).path, 'archive')
        with open(path, 'wb') as file:
            file.write(data)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        with open(path, 'rb') as file:
            size = sum(len(block) for block in unpack(file))
        return size, tracemalloc.get_traced_memory()[1] >> 20

    def test_gzip(self):
        engine = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b''.join(engine.compress(bytes(1 << 20)) for _ in range(100)) + engine.flush()
        size, peak = self.peak(archives.unpack_gzip, bomb)
        self.assertEqual(100 << 20, size)
        self.assertLess(peak, 20)

    def test_zip(self):
        file = io.BytesIO()
        with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive, archive.open('a', 'w') as member:
            for _ in range(100):
                member.write(bytes(1 << 20))
        size, peak = self.peak(archives.unpack_zip, file.getvalue())
        self.assertEqual(100 << 20, size)
        self.assertLess(peak, 20)
