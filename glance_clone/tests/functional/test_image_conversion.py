# SPDX-License-Identifier: Apache-2.0
"""The plugin that converts disks, with the real tool, on sound and hostile disks (P1, P2)."""

from __future__ import annotations

import shutil
import struct
import subprocess

import fixtures

from glance_clone.domain import errors
from glance_clone.imports.conversion import Conversion
from glance_clone.tests import base
from glance_clone.tests.unit.imports.material import StagedWork
from glance_clone.tests.unit.imports.material import configuration

_SIZE = 3 << 20
_MARK = b'mark in the disk'


class ConversionTest(base.TestCase):
    def setUp(self):
        super().setUp()
        if not shutil.which('qemu-img'):
            self.skipTest('qemu-img is not installed')
        self.directory = self.useFixture(fixtures.TempDir()).path

    def qemu_img(self, *arguments):
        done = subprocess.run(
            ['qemu-img', *arguments], cwd=self.directory, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        return done.stdout

    def disk(self, disk_format, *options, marked=True):
        """Return the bytes of a disk; a raw one has a mark in it, the others are made from that."""
        with open(f'{self.directory}/raw', 'wb') as file:
            file.truncate(_SIZE)
            file.seek(1 << 20)
            file.write(_MARK if marked else b'')
        self.qemu_img('convert', '-f', 'raw', '-O', disk_format, *options, 'raw', 'disk')
        return self.content('disk')

    def content(self, name):
        with open(f'{self.directory}/{name}', 'rb') as file:
            return file.read()

    def run_on(self, data, conf='', **image):
        self.work = self.useFixture(StagedWork(data, **image))
        step = Conversion(configuration(conf))
        try:
            step.run(self.work)
        except errors.ImageServiceError:
            step.undo(self.work)
            raise
        return self.work.content()

    def refused(self, data, conf='', **image):
        image = {'disk_format': 'qcow2', **image}
        self.assertRaises(errors.UnsafeContent, lambda: len(self.run_on(data, conf, **image)))
        self.assertEqual(['i'], self.work.files())
        self.assertEqual(image['disk_format'], self.work.image.disk_format)

    def test_every_format_becomes_raw(self):
        raw = self.disk('raw')
        for ours, theirs in (('qcow2', 'qcow2'), ('vhdx', 'vhdx'), ('vdi', 'vdi'), ('vmdk', 'vmdk')):
            self.assertEqual(raw, self.run_on(self.disk(theirs), disk_format=ours), ours)
            image = self.work.image
            self.assertEqual(('raw', 'bare'), (image.disk_format, image.container_format))
            self.assertEqual((_SIZE, _SIZE), (image.size, image.virtual_size))
            self.assertEqual(['i.raw'], self.work.files())
        self.assertIn(_MARK, self.run_on(self.disk('vpc', '-o', 'force_size=on'), disk_format='vhd'))

    def test_raw_becomes_other_formats(self):
        raw = self.disk('raw')
        for target in ('qcow2', 'vmdk'):
            data = self.run_on(raw, f'[image_conversion]\noutput_format = {target}\n', container_format='ovf')
            self.assertEqual((target, 'bare'), (self.work.image.disk_format, self.work.image.container_format))
            self.assertEqual(_SIZE, self.work.image.virtual_size)
            with open(f'{self.directory}/new', 'wb') as file:
                file.write(data)
            self.qemu_img('compare', '-f', target, '-F', 'raw', 'new', 'raw')

    def test_what_has_the_format_already_stays(self):
        raw = self.disk('raw')
        self.assertEqual(raw, self.run_on(raw))
        self.assertEqual((['i'], _SIZE), (self.work.files(), self.work.image.virtual_size))
        qcow2 = self.disk('qcow2')
        self.assertEqual(qcow2, self.run_on(qcow2, '[image_conversion]\noutput_format = qcow2\n', disk_format='qcow2'))

    def test_an_iso_stays(self):
        iso = bytearray(40 << 10)
        iso[32769:32774] = b'CD001'
        iso[32768] = 1
        iso[32776 + 120 : 32776 + 122] = struct.pack('<H', 2048)
        self.assertEqual(bytes(iso), self.run_on(bytes(iso), disk_format='iso'))
        self.refused(bytes(iso), disk_format='raw')

    def test_a_partitioned_raw_disk_is_raw(self):
        disk = bytearray(self.disk('raw'))
        disk[510:512] = b'\x55\xaa'
        disk[446:462] = struct.pack('<BBBBBBBBII', 0x80, 0, 2, 0, 0x83, 0, 3, 0, 2048, 2048)
        self.assertEqual(bytes(disk), self.run_on(bytes(disk)))

    def test_another_format_than_declared(self):
        qcow2 = self.disk('qcow2')
        self.refused(qcow2, disk_format='raw')
        self.refused(qcow2, disk_format='vmdk')
        self.refused(self.disk('raw'), disk_format='qcow2')
        self.refused(self.disk('raw'), disk_format='ami')

    def test_disks_that_refer_to_other_files(self):
        self.disk('raw')
        self.qemu_img('create', '-f', 'qcow2', '-b', f'{self.directory}/raw', '-F', 'raw', 'backed')
        self.refused(self.content('backed'))
        self.qemu_img('create', '-f', 'qcow2', '-o', 'data_file=other,data_file_raw=on', 'outside', '1M')
        self.refused(self.content('outside'))

    def test_vmdk_subformats(self):
        flat = self.disk('vmdk', '-o', 'subformat=monolithicFlat')
        self.refused(flat, disk_format='vmdk')
        stream = self.disk('vmdk', '-o', 'subformat=streamOptimized')
        self.assertIn(_MARK, self.run_on(stream, disk_format='vmdk'))
        conf = '[image_format]\nvmdk_allowed_types = monolithicSparse\n'
        self.refused(stream, conf, disk_format='vmdk')

    def test_damaged_disks(self):
        qcow2 = self.disk('qcow2')
        self.refused(qcow2[:100])
        self.refused(qcow2[:20] + b'\0\0\0\x3f' + qcow2[24:])

    def test_a_disk_that_does_not_fit_its_limit(self):
        self.qemu_img('create', '-f', 'qcow2', 'huge', '8G')
        self.refused(self.content('huge'), '[DEFAULT]\nimage_size_cap = 1000000\n')

    def test_what_hides_in_a_disk_is_found_afterwards(self):
        inner = self.disk('qcow2')
        with open(f'{self.directory}/inner', 'wb') as file:
            file.write(inner)
        self.qemu_img('convert', '-f', 'raw', '-O', 'qcow2', 'inner', 'outer')
        self.refused(self.content('outer'))
