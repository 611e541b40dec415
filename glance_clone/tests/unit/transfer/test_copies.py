# SPDX-License-Identifier: Apache-2.0
"""Staged data on its way into stores: adopted where that can be, hashed again where it cannot."""

import errno
import functools
import hashlib
import os
import pathlib
import time
from unittest import mock

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone.conf import api
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.stores import file_copying
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.file_writer import FileWriter
from glance_clone.stores.staging import StagingStore
from glance_clone.tests.unit.transfer.sources import Pieces
from glance_clone.transfer import pipeline
from glance_clone.transfer.concurrency import NativeThreads
from glance_clone.transfer.copies import Copier
from glance_clone.transfer.inspect import Rules
from glance_clone.transfer.staging import StagingArea

IMAGE = '11111111-2222-4333-8444-555555555555'
DATA = os.urandom(3_000_000)


class Material:
    """Staged data as a copier sees it; counts the bytes that are read."""

    def __init__(self, area, staged, share=False):
        self.size, self.checksum = staged.size, staged.checksum
        self.os_hash_algo, self.os_hash_value = staged.os_hash_algo, staged.os_hash_value
        self.path, self.share = staged.path, share
        self.read = 0
        self._area, self._staged = area, staged

    def open(self):
        return Counted(self, self._area.open(self._staged))


class Slow(Pieces):
    """A source during whose last read something happens."""

    def __init__(self, data, meanwhile):
        super().__init__(data)
        self._meanwhile = meanwhile

    def read(self, size):
        piece = super().read(size)
        if not piece:
            self._meanwhile()
        return piece


class Signed:
    """A verifier that accepts one text."""

    def __init__(self, signed):
        self.signed, self.seen = signed, b''

    def update(self, block):
        self.seen += block

    def finish(self):
        if self.seen != self.signed:
            raise errors.SignatureRefused('no')


class Counted:
    def __init__(self, material, opened):
        self.size = opened.size
        self.fileobj = getattr(opened, 'fileobj', None)
        self._material, self._opened = material, opened

    def __iter__(self):
        for block in self._opened:
            self._material.read += len(block)
            yield block

    def go_on(self):
        """Yield the data as if it came from another file."""
        yield from self._opened
        self.fileobj = None

    def close(self):
        self._opened.close()


class CopierTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        api.register_opts(self.conf)
        self.conf([])
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        for name in ('staging', 'store'):
            (root / name).mkdir()
        self.staging, self.stored_in = root / 'staging', root / 'store'
        self.area = StagingArea(self.conf, StagingStore('staging', Directory(str(self.staging))), NativeThreads())
        self.store = FileStore('fast', [Directory(str(self.stored_in))])
        self.copier = Copier(Rules(), 1 << 40, NativeThreads())
        self.image = Image(IMAGE, disk_format='raw', container_format='bare')

    def stage(self, *pieces, **kwargs):
        return self.area.write(IMAGE, 'attempt', Pieces(*pieces), **kwargs)

    def copy(self, material, store=None):
        return self.copier.copy(self.image, material, store or self.store, 'attempt')

    def test_staged_data_is_known(self):
        staged = self.stage(DATA[:1000], DATA[1000:])
        self.assertEqual((IMAGE, len(DATA)), (staged.name, staged.size))
        self.assertEqual(hashlib.md5(DATA).hexdigest(), staged.checksum)
        self.assertEqual(('sha512', hashlib.sha512(DATA).hexdigest()), (staged.os_hash_algo, staged.os_hash_value))
        self.assertEqual([IMAGE], os.listdir(self.staging))

    def test_refused_data_leaves_nothing(self):
        for error, kwargs in (
            (errors.SizeMismatch, {'size': 3}),
            (errors.HashMismatch, {'expected': {'sha256': '0' * 64}}),
        ):
            self.assertRaises(error, self.stage, DATA, **kwargs)
            self.assertEqual([], os.listdir(self.staging))

    def test_what_is_announced_as_too_large_is_not_a_matter_of_room(self):
        self.conf.set_override('image_size_cap', 1 << 60)
        self.addCleanup(self.conf.clear_override, 'image_size_cap')
        self.assertRaises(errors.StoreFull, self.stage, DATA, size=1 << 60)
        error = self.assertRaises(errors.LimitExceeded, self.stage, DATA, size=(1 << 60) + 1)
        self.assertNotIsInstance(error, errors.StoreFull)

    def test_a_hash_of_another_algorithm_can_be_expected(self):
        self.stage(DATA, expected={'sha256': hashlib.sha256(DATA).hexdigest().upper()})

    def test_a_leftover_of_the_name_makes_room(self):
        (self.staging / IMAGE).write_bytes(b'left over')
        self.assertEqual(len(DATA), self.stage(DATA).size)
        self.assertEqual(DATA, (self.staging / IMAGE).read_bytes())

    def test_a_writer_that_was_given_up_for_dead_publishes_nothing(self):
        def take_over():
            self.area.clear(IMAGE, 'attempt')
            (self.staging / IMAGE).write_bytes(b'staged anew')

        self.assertRaises(errors.LeaseLost, self.area.write, IMAGE, 'attempt', Slow(DATA, take_over))
        self.assertEqual([IMAGE], os.listdir(self.staging))
        self.assertEqual(b'staged anew', (self.staging / IMAGE).read_bytes())

    def test_a_file_of_another_size_is_not_adopted(self):
        for share in (True, False):
            material = Material(self.area, self.stage(DATA), share)
            (self.staging / IMAGE).write_bytes(b'staged anew')
            self.assertRaises(errors.StoreError, self.copy, material)
            self.assertEqual([], os.listdir(self.stored_in))

    def test_a_shared_file_becomes_the_object(self):
        material = Material(self.area, self.stage(DATA), share=True)
        location, _writer = self.copy(material)
        self.assertEqual(0, material.read)
        self.assertEqual(f'file://{self.stored_in}/{IMAGE}', location.url)
        found = (self.stored_in / IMAGE).stat()
        self.assertEqual(((self.staging / IMAGE).stat().st_ino, 0o640), (found.st_ino, found.st_mode & 0o777))
        self.assertEqual([IMAGE], os.listdir(self.stored_in))

    def test_an_unshared_file_is_copied_by_the_kernel(self):
        material = Material(self.area, self.stage(DATA))
        self.copy(material)
        self.assertEqual(0, material.read)
        self.assertNotEqual((self.staging / IMAGE).stat().st_ino, (self.stored_in / IMAGE).stat().st_ino)
        self.assertEqual(DATA, (self.stored_in / IMAGE).read_bytes())

    def test_what_is_taken_back_leaves_the_staged_file(self):
        for share in (True, False):
            _location, writer = self.copy(Material(self.area, self.stage(DATA), share))
            writer.abort()
            self.assertEqual([], os.listdir(self.stored_in))
            self.assertEqual(DATA, (self.staging / IMAGE).read_bytes())

    def test_an_object_of_the_name_is_kept(self):
        (self.stored_in / IMAGE).write_bytes(b'another')
        for share in (True, False):
            self.assertRaises(errors.BlobExists, self.copy, Material(self.area, self.stage(DATA), share))
            self.assertEqual([IMAGE], os.listdir(self.stored_in))
            self.assertEqual(b'another', (self.stored_in / IMAGE).read_bytes())

    def test_another_file_system_gets_a_stream(self):
        material = Material(self.area, self.stage(DATA), share=True)
        elsewhere = FileStore('far', [Directory(self.useFixture(fixtures.TempDir(rootdir='/dev/shm')).path)])
        self.copy(material, elsewhere)
        self.assertEqual(len(DATA), material.read)

    def test_a_file_system_without_links_and_clones(self):
        material = Material(self.area, self.stage(DATA), share=True)
        with mock.patch('os.link', side_effect=[OSError(errno.EOPNOTSUPP, 'no'), mock.DEFAULT], wraps=os.link):
            self.copy(material)
        self.assertEqual(DATA, (self.stored_in / IMAGE).read_bytes())

    def test_a_thin_store_makes_its_own_holes(self):
        material = Material(self.area, self.stage(bytes(1 << 20)), share=True)
        self.copy(material, FileStore('thin', [Directory(str(self.stored_in))], hole=65536))
        self.assertEqual(1 << 20, material.read)
        self.assertEqual(0, (self.stored_in / IMAGE).stat().st_blocks)

    def test_bytes_that_changed_since_are_not_copied(self):
        material = Material(self.area, self.stage(DATA))
        (self.staging / IMAGE).write_bytes(bytes(len(DATA)))
        material.path = ''
        self.assertRaises(errors.StoreError, self.copy, material)
        self.assertEqual([], os.listdir(self.stored_in))

    def stored(self):
        """Return material whose file has been in a store since it was hashed."""
        material = Material(self.area, self.stage(DATA))
        material.path = ''
        return material

    def clone(self, original, copy):
        """Do what FICLONE does where a file system can; not all of those that tests run on do."""
        os.pwrite(copy, os.pread(original, len(DATA), 0), 0)
        return True

    def test_a_stored_file_is_cloned_and_hashed(self):
        material = self.stored()
        with mock.patch.object(file_copying, 'clone', self.clone), mock.patch.object(FileWriter, 'write') as write:
            self.copy(material)
        write.assert_not_called()
        self.assertEqual(len(DATA), material.read)
        self.assertEqual(DATA, (self.stored_in / IMAGE).read_bytes())

    def test_a_damaged_file_is_not_cloned(self):
        material = self.stored()
        (self.staging / IMAGE).write_bytes(bytes(len(DATA)))
        with mock.patch.object(file_copying, 'clone', self.clone):
            self.assertRaises(errors.StoreError, self.copy, material)
        self.assertEqual([], os.listdir(self.stored_in))

    def test_a_stored_file_is_copied_by_the_kernel_where_no_clone_can_be_had(self):
        material = self.stored()
        with mock.patch.object(file_copying, 'clone', return_value=False), mock.patch.object(FileWriter, 'write') as write:
            self.copy(material)
        write.assert_not_called()
        self.assertEqual((len(DATA), DATA), (material.read, (self.stored_in / IMAGE).read_bytes()))

    def test_a_damaged_file_is_not_copied_by_the_kernel(self):
        material = self.stored()
        (self.staging / IMAGE).write_bytes(bytes(len(DATA)))
        self.assertRaises(errors.StoreError, self.copy, material)
        self.assertEqual([], os.listdir(self.stored_in))

    def test_a_clone_of_a_file_that_could_not_be_read_is_not_kept(self):
        """What was read in its place from another copy says nothing about it."""

        def broken(original, copy):
            os.pwrite(copy, bytes(len(DATA)), 0)
            return True

        material = self.stored()
        opened = material.open()
        material.open = lambda: opened
        elsewhere = mock.patch.object(Counted, '__iter__', lambda counted: counted.go_on())
        with mock.patch.object(file_copying, 'clone', broken), elsewhere:
            self.assertRaises(errors.StoreError, self.copy, material)
        self.assertEqual([], os.listdir(self.stored_in))

    def test_data_that_is_read_on_from_another_file_is_written_as_it_was_read(self):
        """The descriptor of the first file is closed by then, and may have become one of any other."""
        size = 3 * pipeline.BLOCK
        data = os.urandom(size)
        material = Material(self.area, self.stage(data))
        material.path = ''
        opened = material.open()
        other = open(self.useFixture(fixtures.TempDir()).path + '/other', 'w+b')  # noqa: SIM115
        self.addCleanup(other.close)
        other.write(bytes(size))
        other.flush()

        def switching(counted):
            first = counted.fileobj
            for number, block in enumerate(counted._opened):
                if number == pipeline.BLOCK >> 20:
                    counted.fileobj = object()
                    os.dup2(other.fileno(), first.fileno())
                    break
                yield block
            for start in range(pipeline.BLOCK, size, 1 << 20):
                yield data[start : start + (1 << 20)]

        material.open = lambda: opened
        with mock.patch.object(Counted, '__iter__', switching):
            self.copy(material)
        self.assertTrue(data == (self.stored_in / IMAGE).read_bytes())

    def test_a_clone_of_another_size_is_not_kept(self):
        def longer(_original, copy):
            os.pwrite(copy, bytes(len(DATA) + 1), 0)
            return True

        with mock.patch.object(file_copying, 'clone', longer):
            self.copy(self.stored())
        self.assertEqual(DATA, (self.stored_in / IMAGE).read_bytes())

    def test_a_stored_file_is_written_where_the_kernel_can_do_nothing(self):
        for code in (errno.EXDEV, errno.EIO):
            material = self.stored()
            with mock.patch('os.copy_file_range', side_effect=OSError(code, 'no')) as copy:
                self.copy(material)
            copy.assert_called_once()
            self.assertEqual((len(DATA), DATA), (material.read, (self.stored_in / IMAGE).read_bytes()))
            (self.stored_in / IMAGE).unlink()

    def test_a_full_disk_is_told_when_the_kernel_copies(self):
        with mock.patch('os.copy_file_range', side_effect=OSError(errno.ENOSPC, 'no room')):
            self.assertRaises(errors.StoreFull, self.copy, self.stored())
        self.assertEqual([], os.listdir(self.stored_in))

    def test_one_hash_is_enough(self):
        material = self.stored()
        material.checksum = 'of no interest'
        self.copy(material)
        material.os_hash_value = None
        self.assertRaises(errors.StoreError, self.copy, material)

    def test_a_stored_file_of_another_file_system_is_written(self):
        material = self.stored()
        far = self.useFixture(fixtures.TempDir(rootdir='/dev/shm')).path
        self.copy(material, FileStore('far', [Directory(far)]))
        self.assertEqual(len(DATA), material.read)
        self.assertEqual(DATA, (pathlib.Path(far) / IMAGE).read_bytes())

    def test_a_signature_needs_all_of_the_data(self):
        material = Material(self.area, self.stage(DATA))
        for signed, error in ((DATA, None), (DATA[:-1], errors.SignatureRefused)):
            material.read = 0
            verify = functools.partial(self.copier.inspect, self.image, material, [Signed(signed)])
            self.assertRaises(error, verify) if error else self.assertEqual(len(DATA), verify())
            self.assertEqual(len(DATA), material.read)

    def test_signed_data_is_inspected_too(self):
        unsafe = b'# Disk DescriptorFile\ncreateType="monolithicFlat"\n' * 100
        material = Material(self.area, self.stage(unsafe))
        self.assertRaises(errors.UnsafeContent, self.copier.inspect, self.image, material, [Signed(unsafe)])

    def test_a_copy_is_verified_on_its_way(self):
        material = Material(self.area, self.stage(DATA), share=True)
        refused = functools.partial(self.copier.copy, self.image, material, self.store, 'attempt', [Signed(b'other')])
        self.assertRaises(errors.SignatureRefused, refused)
        self.assertEqual([], os.listdir(self.stored_in))
        self.copier.copy(self.image, material, self.store, 'attempt', [Signed(DATA)])
        self.assertEqual(DATA, (self.stored_in / IMAGE).read_bytes())

    def test_the_verdict_needs_the_begin_only(self):
        material = Material(self.area, self.stage(DATA))
        self.assertEqual(len(DATA), self.copier.inspect(self.image, material))
        self.assertLess(material.read, len(DATA))

    def test_unsafe_data_is_refused(self):
        material = Material(self.area, self.stage(b'# Disk DescriptorFile\ncreateType="monolithicFlat"\n' * 100))
        self.assertRaises(errors.UnsafeContent, self.copier.inspect, self.image, material)

    def test_small_and_empty_data(self):
        for data, virtual_size in ((b'', None), (b'x', 1), (b'x' * 511, 511)):
            material = Material(self.area, self.stage(data))
            self.assertEqual(virtual_size, self.copier.inspect(self.image, material))

    def test_time_does_not_depend_on_size(self):
        size = 4 << 30
        staged = self.stage(b'x')
        with open(self.staging / IMAGE, 'r+b') as file:
            file.truncate(size)
        staged.size = size
        for share in (True, False):
            material = Material(self.area, staged, share)
            begin = time.monotonic()
            self.assertEqual(size, self.copier.inspect(self.image, material))
            _location, writer = self.copy(material)
            self.assertLess(time.monotonic() - begin, 5)
            self.assertLess(material.read, 8 << 20)
            self.assertEqual(size, (self.stored_in / IMAGE).stat().st_size)
            self.assertLess((self.stored_in / IMAGE).stat().st_blocks, 1000)
            writer.abort()

    def test_data_of_other_software(self):
        self.assertIsNone(self.area.adopt_foreign(self.image))
        (self.staging / IMAGE).write_bytes(DATA)
        self.image.size = len(DATA) + 1
        self.assertIsNone(self.area.adopt_foreign(self.image))
        self.image.size = len(DATA)
        self.assertEqual(hashlib.md5(DATA).hexdigest(), self.area.adopt_foreign(self.image).checksum)

    def test_scratch_files(self):
        path = self.area.scratch(IMAGE, 'attempt', 'raw')
        pathlib.Path(path).write_bytes(DATA)
        staged = self.area.take(IMAGE, 'attempt', 'raw')
        self.assertEqual((f'{IMAGE}.attempt.raw', len(DATA)), (staged.name, staged.size))
        self.assertEqual([staged.name], os.listdir(self.staging))

    def test_clearing(self):
        other = '99999999-2222-4333-8444-555555555555'
        names = [IMAGE, f'{IMAGE}.one.uc', f'.{IMAGE}.one.part', f'{IMAGE}.two.raw.tmp', other, 'something']
        for name in names:
            (self.staging / name).touch()
        self.area.clear(IMAGE, 'one')
        self.assertEqual(sorted([IMAGE, f'{IMAGE}.two.raw.tmp', other, 'something']), sorted(os.listdir(self.staging)))
        self.area.clear(IMAGE)
        self.assertEqual(sorted([other, 'something']), sorted(os.listdir(self.staging)))
