# SPDX-License-Identifier: Apache-2.0
"""Files in OVAs, and archives that are none (P14)."""

from __future__ import annotations

import io
import random
import tarfile
import tracemalloc

from oslotest import base

from glance_clone.domain import errors
from glance_clone.imports import ova_archive
from glance_clone.tests.fixtures import ovas

DISK = random.Random(1).randbytes(70_000)
SOUND = ovas.sound(DISK)


def header(name='disk.vmdk', kind=tarfile.REGTYPE, size=0):
    """Return a header block by itself, with any size."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


class OvaArchiveTest(base.BaseTestCase):
    def members(self, data):
        return ova_archive.members(io.BytesIO(data))

    def refused(self, data, reason):
        error = self.assertRaises(errors.UnsafeContent, self.members, data)
        self.assertIn(reason, str(error))
        self.assertTrue(str(error).isascii())

    def test_every_kind_of_tar(self):
        long = 'x' * 150 + '.vmdk'
        for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            for name in ('disk.vmdk', f'{"d" * 60}/{"n" * 60}.vmdk', 'd\u00efsk.vmdk'):
                data = ovas.sound(DISK, name=name, form=form)
                self.assertEqual({'vm.ovf', name}, set(self.members(data)))
            if form != tarfile.USTAR_FORMAT:
                self.assertIn(long, self.members(ovas.sound(DISK, name=long, form=form)))

    def test_files_are_read_as_they_are(self):
        file = io.BytesIO(SOUND)
        part = ova_archive.Part(file, ova_archive.members(file)['disk.vmdk'])
        self.assertEqual(DISK, b''.join(iter(lambda: part.read(999), b'')))
        self.assertEqual(b'', part.read(10))

    def test_times_with_fractions_and_directories_do_not_matter(self):
        info, data = ovas.plain('./disk.vmdk', DISK)
        info.mtime = 1234567890.5
        archive = ovas.pack(ovas.special('./', tarfile.DIRTYPE), (info, data), form=tarfile.PAX_FORMAT)
        self.assertEqual(['disk.vmdk'], list(self.members(archive)))

    def test_the_end_of_the_archive_may_lack(self):
        self.assertEqual({'vm.ovf', 'disk.vmdk'}, set(self.members(SOUND.rstrip(b'\0') + bytes(512))))

    def test_names_that_lead_elsewhere(self):
        for name in ('../disk.vmdk', '/etc/passwd', 'a/../../b', './/x', '..'):
            self.refused(ovas.sound(DISK, name=name), 'leads elsewhere')

    def test_only_plain_files(self):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b'?'):
            self.refused(ovas.sound(DISK, ovas.special('more', kind, '/etc/passwd')), 'plain files only')

    def test_sparse_files(self):
        self.refused(header(kind=tarfile.GNUTYPE_SPARSE), 'sparse')
        info, data = ovas.plain('disk.vmdk', DISK)
        info.pax_headers = {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': str(1 << 50)}
        self.refused(ovas.pack((info, data), form=tarfile.PAX_FORMAT), 'sparse')

    def test_two_files_of_one_name(self):
        self.refused(ovas.sound(DISK, ovas.plain('disk.vmdk', b'other')), 'two files')

    def test_truncated(self):
        for length in (len(DISK), 1500, 700):
            self.refused(SOUND[:length], 'ends in the middle')
        self.refused(SOUND[:100], 'no OVA')

    def test_what_is_no_archive(self):
        for data in (b'QFI\xfb' + bytes(600), DISK, b'x', b'\x1f\x8b' + SOUND):
            self.refused(data, 'no OVA')
        self.assertEqual({}, self.members(b''))

    def test_sizes_that_are_no_sizes(self):
        for size in (-1, -(1 << 40), 1 << 60):
            self.refused(header(size=size), 'ends in the middle')
        for size in ('-5', '9' * 30, '0x10', '\u0661'):
            info, data = ovas.plain('disk.vmdk', DISK)
            info.pax_headers = {'size': size}
            self.refused(ovas.pack((info, data), form=tarfile.PAX_FORMAT), 'ends in the middle')

    def test_huge_headers_are_not_read(self):
        for kind in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME):
            data = header('x', kind, 32 << 20) + bytes(32 << 20) + SOUND
            tracemalloc.start()
            self.refused(data, 'far too large')
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            # The file in memory is the test's own, made before.
            self.assertLess(peak, 34 << 20)

    def test_damaged_records(self):
        for records in (b'5 a=b\n', b'x', b'99 path=a\n', b'11 path=abc', b'0 =\n', b' ' * 50, b'1' * 500):
            size = len(records)
            data = header('x', tarfile.XHDTYPE, size) + records + bytes(-size % 512) + SOUND
            self.refused(data, 'damaged header')

    def test_headers_without_end(self):
        self.refused(header('x', tarfile.XGLTYPE) * 5000, 'more than')
        self.refused(ovas.pack(*(ovas.plain(f'f{number}', b'') for number in range(300))), 'more than')

    def test_noise_never_fails_otherwise(self):
        chance = random.Random(7)
        sound = ovas.sound(b'disk', form=tarfile.PAX_FORMAT)
        for _ in range(1500):
            data = bytearray(sound)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            try:
                self.members(bytes(data[: chance.randrange(len(data))]))
            except errors.UnsafeContent as error:
                self.assertTrue(str(error).isascii())
