# SPDX-License-Identifier: Apache-2.0
"""The file store."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from unittest import mock

import fixtures
from oslotest import base

from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.tests.unit.stores import contract


class FileStoreTest(contract.BlobContract, base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.store = FileStore('fast', [Directory(self.root)])

    def objects(self):
        return sorted(os.listdir(self.root))

    def test_locations_and_permissions(self):
        self.addCleanup(os.umask, os.umask(0o077))
        location = self._put()
        self.assertEqual(f'file://{self.root}/blob', location.url)
        self.assertEqual(0o640, stat.S_IMODE(os.stat(f'{self.root}/blob').st_mode))

    def test_temporary_names_tell_the_attempt(self):
        self.store.writer('blob', 'one', None)
        self.assertEqual(['.blob.one.part'], self.objects())

    def test_both_schemes_are_read(self):
        url = self._put().url
        self.assertEqual(contract.DATA, self._get(Location(url.replace('file:', 'filesystem:')))[0])

    def test_a_reader_lends_its_file_at_the_wanted_byte(self):
        reader = self.store.open(self._put(), 5, 10)
        self.addCleanup(reader.close)
        self.assertEqual((5, 10), (os.lseek(reader.fileobj.fileno(), 0, os.SEEK_CUR), reader.length))

    def test_files_in_directories_below_are_read(self):
        os.makedirs(f'{self.root}/a/b')
        with open(f'{self.root}/a/b/c', 'wb') as file:
            file.write(b'deep')
        location = Location(f'file://{self.root}/a/b/c')
        self.assertEqual(b'deep', self._get(location)[0])
        self.store.remove(location)
        self.assertRaises(errors.BlobNotFound, self.store.open, location)
        self.assertRaises(errors.BlobNotFound, self.store.open, Location(f'file://{self.root}/x/y'))

    def test_an_empty_directory_is_believed_only_if_data_was_kept_in_it(self):
        elsewhere = Location(f'file://{self.root}/elsewhere')
        for work in (self.store.open, self.store.size, self.store.remove):
            error = self.assertRaises(errors.StoreUnavailable, work, elsewhere)
            self.assertIn('not there', str(error))
        location = self._put()
        self.assertRaises(errors.BlobNotFound, self.store.remove, elsewhere)
        self.store.remove(location)
        self.assertEqual([], self.objects())
        for work in (self.store.open, self.store.size, self.store.remove):
            self.assertRaises(errors.BlobNotFound, work, location)

    def test_a_directory_that_others_filled_is_marked_as_soon_as_it_is_used(self):
        with open(f'{self.root}/one', 'wb'):
            pass
        location = Location(f'file://{self.root}/one')
        for work in (self.store.size, self.store.remove):
            work(location)
            self.assertEqual(b'1', os.getxattr(self.root, 'user.glance_clone.store'))
        self.assertRaises(errors.BlobNotFound, FileStore('x', [Directory(self.root)]).size, location)

    def test_file_systems_without_room_for_notes_are_believed(self):
        refusal = OSError(errno.ENOTSUP, 'not supported')
        with mock.patch('os.setxattr', side_effect=refusal), mock.patch('os.getxattr', side_effect=refusal):
            self.store.remove(self._put())
            self.assertRaises(errors.BlobNotFound, self.store.size, Location(f'file://{self.root}/blob'))

    def test_commit_is_durable_before_it_is_visible(self):
        calls = []
        for name in ('fsync', 'link'):
            real = getattr(os, name)
            self.useFixture(
                fixtures.MockPatchObject(
                    os, name, side_effect=lambda *args, real=real, name=name, **kw: calls.append(name) or real(*args, **kw)
                )
            )
        self._put()
        self.assertEqual(['fsync', 'link', 'fsync'], calls)

    def test_a_file_that_shrinks_is_an_error(self):
        location = self._put()
        reader = self.store.open(location)
        self.addCleanup(reader.close)
        os.truncate(f'{self.root}/blob', 10)
        self.assertRaises(errors.StoreError, list, reader)

    def test_metadata_of_the_directory(self):
        self.store = FileStore('fast', [Directory(self.root)], metadata={self.root: {'id': 'x'}})
        self.assertEqual({'id': 'x'}, self._put().metadata)


class ThinTest(contract.BlobContract, base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.store = FileStore('fast', [Directory(self.root)], hole=4096)

    def objects(self):
        return os.listdir(self.root)

    def test_zeros_take_no_space(self):
        data = bytes(1 << 20) + b'x' + bytes((1 << 20) - 1)
        location = self._put(data=data)
        self.assertEqual(data, self._get(location)[0])
        self.assertLess(os.stat(f'{self.root}/blob').st_blocks * 512, 100_000)


class EscapeTest(base.BaseTestCase):
    """Nothing outside the directory is ever touched."""

    def setUp(self):
        super().setUp()
        self.outside = self.useFixture(fixtures.TempDir()).path
        self.root = os.path.join(self.outside, 'root')
        os.mkdir(self.root)
        with open(f'{self.outside}/secret', 'wb') as file:
            file.write(b'secret')
        self.store = FileStore('fast', [Directory(self.root)])

    def _refused(self, path):
        location = Location(f'file://{path}')
        for call in (self.store.open, self.store.size, self.store.remove):
            self.assertRaises(errors.StoreUnavailable, call, location)
        self.assertTrue(os.path.exists(f'{self.outside}/secret'))

    def test_paths_elsewhere(self):
        for path in (
            f'{self.outside}/secret',
            f'{self.root}/../secret',
            f'{self.root}2/x',
            self.root,
            f'{self.root}/',
            '/etc/passwd',
        ):
            self._refused(path)

    def test_other_schemes(self):
        self.assertRaises(errors.StoreUnavailable, self.store.open, Location(f'rbd://{self.root}/x'))

    def test_symbolic_links_are_not_followed(self):
        os.symlink(f'{self.outside}/secret', f'{self.root}/link')
        self.assertRaises(errors.StoreUnavailable, self.store.open, Location(f'file://{self.root}/link'))
        os.symlink(self.outside, f'{self.root}/up')
        self._refused(f'{self.root}/up/secret')

    def test_a_link_in_place_of_a_new_file_is_not_followed(self):
        os.symlink(f'{self.outside}/new', f'{self.root}/.blob.one.part')
        self.assertRaises(errors.StoreError, self.store.writer, 'blob', 'one', None)
        self.assertFalse(os.path.exists(f'{self.outside}/new'))
        os.symlink(f'{self.outside}/secret', f'{self.root}/blob')
        writer = self.store.writer('blob', 'two', None)
        self.assertRaises(errors.BlobExists, writer.commit)

    def test_a_pipe_does_not_hang_the_reader(self):
        os.mkfifo(f'{self.root}/pipe')
        self.assertRaises(errors.StoreUnavailable, self.store.open, Location(f'file://{self.root}/pipe'))

    def test_names_that_are_paths(self):
        for name in ('', '.', '..', 'a/b', '.hidden', 'a\0b'):
            self.assertRaises(errors.StoreError, self.store.writer, name, 'one', None)
            self.assertRaises(errors.StoreError, self.store.writer, 'blob', name, None)
            self.assertRaises(errors.StoreError, self.store.discard, name, 'one')


class FailureTest(base.BaseTestCase):
    """What the operating system says becomes an error of the domain, and nothing is left behind."""

    def setUp(self):
        super().setUp()
        self.root = self.useFixture(fixtures.TempDir()).path
        self.store = FileStore('fast', [Directory(self.root)])

    def _failing(self, name, number):
        return mock.patch.object(os, name, side_effect=OSError(number, os.strerror(number)))

    def _check(self, function, number, expected):
        writer = self.store.writer('blob', 'one', None)
        with self._failing(function, number):
            self.assertRaises(expected, lambda: (writer.write(b'data'), writer.commit()))
        writer.abort()
        self.assertEqual([], os.listdir(self.root))

    def test_no_room(self):
        for function in ('pwrite', 'fsync', 'link'):
            for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                self._check(function, number, errors.StoreFull)

    def test_refusals(self):
        for function in ('pwrite', 'fsync', 'link'):
            for number in (errno.EACCES, errno.EPERM, errno.EROFS):
                self._check(function, number, errors.StoreUnavailable)

    def test_other_failures(self):
        for function in ('pwrite', 'fsync', 'link'):
            self._check(function, errno.EIO, errors.StoreError)

    def test_failure_after_publishing(self):
        writer = self.store.writer('blob', 'one', None)
        with self._failing('unlink', errno.EIO):
            self.assertRaises(errors.StoreError, writer.commit)
        writer.abort()
        self.assertEqual([], os.listdir(self.root))

    def test_messages_name_no_path(self):
        writer = self.store.writer('blob', 'one', None)
        with self._failing('pwrite', errno.ENOSPC):
            error = self.assertRaises(errors.StoreFull, writer.write, b'data')
        self.assertNotIn(self.root, str(error))

    def test_announced_size_does_not_fit(self):
        self.assertRaises(errors.StoreFull, self.store.writer, 'blob', 'one', 1 << 60)
        self.assertEqual([], os.listdir(self.root))

    def test_directory_that_is_away(self):
        location = Location(f'file://{self.root}/blob')
        os.rmdir(self.root)
        self.addCleanup(os.mkdir, self.root)
        for call in (
            lambda: self.store.writer('blob', 'one', 3),
            lambda: self.store.open(location),
            lambda: self.store.remove(location),
            lambda: self.store.discard('blob', 'one'),
        ):
            self.assertRaises(errors.StoreUnavailable, call)

    def test_a_directory_that_could_not_be_made(self):
        """Such a store takes no data, but one that is mended does, without a restart of the service."""
        with open(f'{self.root}/in-the-way', 'wb'):
            directory = Directory(f'{self.root}/in-the-way/data')
            directory.prepare()
        store = FileStore('slow', [directory])
        self.assertRaises(errors.StoreReadOnly, store.writer, 'blob', 'one', 3)
        os.unlink(f'{self.root}/in-the-way')
        os.makedirs(directory.path)
        store.writer('blob', 'one', 3).abort()

    def test_partial_writes_are_continued(self):
        real = os.pwrite
        with mock.patch.object(os, 'pwrite', side_effect=lambda fd, data, at: real(fd, data[:3], at)):
            writer = self.store.writer('blob', 'one', None)
            writer.write(b'0123456789')
            location = writer.commit()
        self.assertEqual(10, self.store.size(location))

    def test_descriptors_are_given_back(self):
        before = len(os.listdir('/proc/self/fd'))
        for number in (errno.EIO, errno.ENOSPC):
            self._check('fsync', number, errors.ImageServiceError)
        writer = self.store.writer('blob', 'one', None)
        location = writer.commit()
        self.store.open(location, 1).close()
        self.store.size(location)
        self.store.remove(location)
        self.assertRaises(errors.BlobNotFound, self.store.open, location)
        self.assertEqual(before, len(os.listdir('/proc/self/fd')))


_WRITE_FOREVER = """
import sys
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
writer = FileStore(None, [Directory(sys.argv[1])]).writer('blob', 'one', None)
while True:
    writer.write(bytes(65536))
    print('.', flush=True)
"""


class KillTest(base.BaseTestCase):
    def test_what_a_killed_writer_leaves_is_discarded(self):
        root = self.useFixture(fixtures.TempDir()).path
        process = subprocess.Popen([sys.executable, '-c', _WRITE_FOREVER, root], stdout=subprocess.PIPE, cwd=os.getcwd())
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        process.stdout.read(10)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(['.blob.one.part'], os.listdir(root))
        store = FileStore(None, [Directory(root)])
        store.discard('blob', 'one')
        self.assertEqual([], os.listdir(root))
        store.writer('blob', 'two', 0).commit()
