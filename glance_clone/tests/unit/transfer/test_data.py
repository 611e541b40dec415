# SPDX-License-Identifier: Apache-2.0
"""The byte path from a source to a file store and back."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from unittest import mock

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone.conf import api
from glance_clone.conf import downloads
from glance_clone.conf import image_format
from glance_clone.conf import stores as store_options
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.domain.incoming import Incoming
from glance_clone.domain.location import Location
from glance_clone.stores.file import FileStore
from glance_clone.stores.file_directory import Directory
from glance_clone.stores.http import HttpStore
from glance_clone.stores.registry import Registry
from glance_clone.tests.unit.transfer import disks
from glance_clone.tests.unit.transfer.sources import Pieces
from glance_clone.tests.unit.transfer.sources import Zeros
from glance_clone.transfer.concurrency import NativeThreads
from glance_clone.transfer.data import StoreData

DATA = bytes(range(256)) * 20_000


class Signed:
    """Verifiers that accept one text; no image but ``signed`` ones is verified."""

    def __init__(self, signed):
        self.signed, self.seen, self.submitters = signed, b'', []

    def of(self, image, submitter):
        self.submitters.append(submitter)
        self.seen = b''
        return self if 'img_signature' in image.properties else None

    def update(self, block):
        self.seen += block

    def finish(self):
        if self.seen != self.signed:
            raise errors.SignatureRefused('no')


class Nowhere:
    """A fetcher that reaches nothing."""

    def open(self, url, *args, **kwargs):
        raise errors.FetchError('The server does not answer.')


class StoreDataTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        for module in (api, downloads, image_format, store_options):
            module.register_opts(self.conf)
        self.conf([])
        self.log = self.useFixture(fixtures.FakeLogger())
        self.roots = [self.useFixture(fixtures.TempDir()).path for _ in range(2)]
        self.fast = FileStore('fast', [Directory(self.roots[0])])
        self.cheap = FileStore('cheap', [Directory(self.roots[1])], weight=10)
        self.stores = Registry([self.fast, self.cheap, HttpStore('web', Nowhere())], self.fast, True, self.fast, None)
        self.data = StoreData(self.conf, self.stores, NativeThreads(), None)
        self.image = Image('i', disk_format='raw', container_format='bare')

    def write(self, *pieces, size=None, store_id=None, broken=False):
        self.data.write(self.image, Incoming(Pieces(*pieces, broken=broken), size, store_id, attempt='attempt'))

    def read(self, *span):
        reader = self.data.read(self.image, *span)
        try:
            return b''.join(reader)
        finally:
            reader.close()

    def assert_nothing_left(self):
        self.assertEqual([[], []], [os.listdir(root) for root in self.roots])
        self.assertEqual((None, None, []), (self.image.size, self.image.checksum, self.image.locations))

    def test_the_image_describes_its_data(self):
        self.write(DATA[:1000], DATA[1000:], size=len(DATA))
        image = self.image
        self.assertEqual((len(DATA), len(DATA)), (image.size, image.virtual_size))
        self.assertEqual(hashlib.md5(DATA).hexdigest(), image.checksum)
        self.assertEqual(('sha512', hashlib.sha512(DATA).hexdigest()), (image.os_hash_algo, image.os_hash_value))
        (location,) = image.locations
        self.assertEqual((f'file://{self.roots[0]}/i', {'store': 'fast'}), (location.url, location.metadata))
        self.assertEqual(DATA, self.read())
        self.assertEqual(DATA[5:15], self.read(5, 10))

    def test_other_hash_other_store(self):
        self.conf.set_override('hashing_algorithm', 'sha256')
        self.write(DATA, store_id='cheap')
        self.assertEqual(('sha256', hashlib.sha256(DATA).hexdigest()), (self.image.os_hash_algo, self.image.os_hash_value))
        self.assertEqual('cheap', self.image.locations[0].store)

    def test_signed_images(self):
        signed = Signed(DATA)
        self.data = StoreData(self.conf, self.stores, NativeThreads(), None, verifiers=signed)
        self.image.properties['img_signature'] = 'x'
        for data in (DATA[:-1], DATA[:1000], b''):
            self.assertRaises(errors.SignatureRefused, self.write, data)
            self.assert_nothing_left()
        self.write(DATA)
        self.assertEqual(DATA, self.read())

    def test_a_signature_that_cannot_be_verified_is_refused_before_a_byte_is_read(self):
        verifiers = mock.Mock()
        verifiers.of.side_effect = errors.SignatureRefused('no')
        self.data = StoreData(self.conf, self.stores, NativeThreads(), None, verifiers=verifiers)
        source, me = mock.Mock(), Submitter(token='t')
        self.assertRaises(errors.SignatureRefused, self.data.write, self.image, Incoming(source, submitter=me))
        verifiers.of.assert_called_once_with(self.image, me)
        self.assertEqual([], source.mock_calls)
        self.assert_nothing_left()

    def test_no_data(self):
        self.write()
        self.assertEqual((0, hashlib.md5(b'').hexdigest()), (self.image.size, self.image.checksum))
        self.assertIsNone(self.image.virtual_size)
        self.assertEqual(b'', self.read())

    def test_the_classic_store_leaves_no_id(self):
        classic = FileStore(None, [Directory(self.roots[0])])
        self.data = StoreData(self.conf, Registry([classic], classic, False, classic, None), NativeThreads(), None)
        self.write(DATA)
        self.assertEqual({}, self.image.locations[0].metadata)
        self.assertEqual(DATA, self.read())

    def test_failures_leave_nothing(self):
        self.conf.set_override('image_size_cap', 1 << 21)
        cases = [
            (errors.SizeMismatch, {'size': 5}),
            (errors.SizeMismatch, {'size': (1 << 20) + 1}),
            (errors.LimitExceeded, {'size': (1 << 21) + 1}),
            (errors.ClientDisconnected, {'broken': True}),
            (errors.StoreUnknown, {'store_id': 'nowhere'}),
            (errors.StoreReadOnly, {'store_id': 'web'}),
        ]
        for expected, arguments in cases:
            self.assertRaises(expected, self.write, DATA[: 1 << 20], **arguments)
            self.assert_nothing_left()
        self.assertRaises(errors.LimitExceeded, self.write, DATA)
        self.assert_nothing_left()
        self.assertRaises(errors.UnsafeContent, self.write, disks.qcow2(backing=1))
        self.assert_nothing_left()
        self.write(DATA[: 1 << 20])

    def test_a_store_that_fills_up(self):
        with mock.patch('os.pwrite', side_effect=OSError(28, 'full')):
            self.assertRaises(errors.StoreFull, self.write, DATA)
        self.assert_nothing_left()

    def test_unexpected_failures_leave_nothing(self):
        with mock.patch('os.fsync', side_effect=ZeroDivisionError):
            self.assertRaises(ZeroDivisionError, self.write, DATA)
        self.assertEqual([], os.listdir(self.roots[0]))

    def test_cleaning_up_never_hides_the_reason(self):
        with mock.patch('os.pwrite', side_effect=OSError(28, 'full')), mock.patch('os.unlink', side_effect=OSError(5, 'io')):
            self.assertRaises(errors.StoreFull, self.write, DATA)
        self.assertIn('could not be removed', self.log.output)

    def test_an_object_of_the_name_is_kept(self):
        with open(f'{self.roots[0]}/i', 'w') as file:
            file.write('other')
        self.assertRaises(errors.BlobExists, self.write, DATA)
        self.assertEqual(['i'], os.listdir(self.roots[0]))

    def test_memory_is_bounded(self):
        self.write(DATA)
        self.data.remove(self.image)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        self.data.write(self.image, Incoming(Zeros(96 << 20)))
        self.assertLess(tracemalloc.get_traced_memory()[1], 12 << 20)

    def _add_copy(self):
        other = Image('i', disk_format='raw', container_format='bare')
        self.data.write(other, Incoming(Pieces(DATA), store_id='cheap'))
        self.image.locations.append(Location(other.locations[0].url, {'store': 'cheap'}))

    def test_the_preferred_copy_is_read_first(self):
        self.write(DATA)
        self.image.locations.insert(0, Location(f'file://{self.roots[1]}/nothing', {'store': 'cheap'}))
        opened = []
        self.useFixture(fixtures.MonkeyPatch('glance_clone.stores.file.FileReader', lambda *args: opened.append(args)))
        self.assertRaises(AttributeError, self.data.read, self.image, prefer=['fast'])
        self.assertEqual('i', opened[0][1])

    def test_one_copy_is_removed(self):
        self.write(DATA)
        kept = self.image.locations[0]
        location = self.cheap.writer('i', 'x', None).commit()
        self.image.locations.append(location)
        for _again in range(2):
            self.data.remove_copy(self.image, location)
            self.assertEqual(([kept], ['i'], []), (self.image.locations, *(os.listdir(root) for root in self.roots)))
            self.image.locations.append(location)

    def test_the_heaviest_copy_is_read_then_the_others(self):
        self.write(DATA)
        self._add_copy()
        opened = []
        for store in (self.fast, self.cheap):
            real = store.open
            store.open = lambda *args, real=real, store=store: opened.append(store.id) or real(*args)
        self.assertEqual(DATA, self.read())
        os.unlink(f'{self.roots[1]}/i')
        self.assertEqual(DATA, self.read())
        self.assertEqual(['cheap', 'cheap', 'fast'], opened)

    def test_copies_of_another_size_are_passed_over(self):
        self.write(DATA)
        self._add_copy()
        os.truncate(f'{self.roots[1]}/i', 5)
        self.assertEqual(DATA, self.read())
        self.assertIn('instead of', self.log.output)

    def test_no_copy_is_left(self):
        self.write(DATA)
        os.unlink(f'{self.roots[0]}/i')
        self.assertRaises(errors.DataMissing, self.data.read, self.image)
        self.image.locations = [Location('rbd://x')]
        self.assertRaises(errors.DataMissing, self.data.read, self.image)
        self.image.locations = [Location('http://example.org/x')]
        self.assertRaises(errors.StoreUnavailable, self.data.read, self.image)
        self.assertNotIn('example.org', self.log.output)

    def test_announced_hashes_are_checked_before_anything_is_kept(self):
        sound = hashlib.sha256(DATA).hexdigest()
        for wrong in ('0' * 64, sound[:-1] + ('0' if sound[-1] != '0' else '1')):
            source = Pieces(DATA)
            self.assertRaises(
                errors.HashMismatch, self.data.write, self.image, Incoming(source, None, 'fast', {'sha256': wrong})
            )
            self.assert_nothing_left()
        self.data.write(self.image, Incoming(Pieces(DATA), None, 'fast', {'sha256': sound}, attempt='a'))
        self.assertEqual(DATA, self.read())
        self.assertEqual('sha512', self.image.os_hash_algo)

    def test_remove(self):
        self.write(DATA)
        self._add_copy()
        os.unlink(f'{self.roots[0]}/i')
        self.image.locations += [Location('rbd://x'), Location('http://example.org/x')]
        self.data.remove(self.image)
        self.assertEqual([[], []], [os.listdir(root) for root in self.roots])
        self.assertEqual([], self.image.locations)

    def test_after_a_failed_removal_the_rest_stays_listed(self):
        self.write(DATA)
        self._add_copy()
        _first, second = self.image.locations
        with mock.patch.object(self.cheap, 'remove', side_effect=errors.BlobInUse('In use.')):
            self.assertRaises(errors.BlobInUse, self.data.remove, self.image)
        self.assertEqual([second], self.image.locations)
        self.assertEqual(([], ['i']), tuple(os.listdir(root) for root in self.roots))

    def test_taking_back_spares_what_another_attempt_put_there(self):
        self.write(DATA)
        self.fast.discard('i', 'attempt')
        late, self.image = self.image, Image('i', disk_format='raw', container_format='bare')
        self.write(b'the winner')
        self.data.remove(late)
        self.assertEqual(b'the winner', self.read())
