# SPDX-License-Identifier: Apache-2.0
"""The drivers of glance_store behind the blob contract; servers and clusters are played."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
import unittest
from unittest import mock

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone.conf import stores as options
from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.stores import glance_store_options
from glance_clone.stores.glance_store_adapter import without_credentials
from glance_clone.stores.glance_store_config import build_store
from glance_clone.stores.glance_store_errors import translation
from glance_clone.stores.registry import build_registry
from glance_clone.tests.unit.stores import contract
from glance_clone.transfer.concurrency import NativeThreads

if importlib.util.find_spec('glance_store') is None:
    raise unittest.SkipTest('glance_store is not installed; test-requirements.txt names it')

from glance_store import exceptions

from glance_clone.tests.unit.stores import fake_ceph

_SWIFT = """
swift_store_auth_version = 3
swift_store_auth_address = http://keystone.example.org/v3
swift_store_user = service:glance
swift_store_key = hidden
swift_store_container = images
"""
_S3 = """
s3_store_host = http://s3.example.org
s3_store_access_key = hidden
s3_store_secret_key = hidden
s3_store_bucket = images
"""


def configured(text):
    """Return a configuration that was read from a file."""
    conf = cfg.ConfigOpts()
    options.register_opts(conf)
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
        file.write(text)
        file.flush()
        conf(['--config-file', file.name], default_config_files=[], default_config_dirs=[])
    return conf


def one_store(kind, text='', store_id='there', shared=''):
    """Return a store with options."""
    conf = configured(f'[DEFAULT]\nenabled_backends = {store_id}:{kind}\n[{store_id}]\n{text}\n[backend_defaults]\n{shared}\n')
    options.register_backend_opts(conf, store_id)
    return build_store(conf, kind, store_id, NativeThreads())


class RbdTest(contract.BlobContract, base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.useFixture(fake_ceph.Ceph())
        self.store = one_store('rbd', 'rbd_store_pool = images\nrbd_store_chunk_size = 1')

    def objects(self):
        return sorted(fake_ceph.cluster.images)

    def test_locations(self):
        location = self._put()
        self.assertEqual(('rbd://the-cluster/images/blob/snap', {}), (location.url, location.metadata))
        self.assertEqual(len('rbd://the-cluster/images'), self.store.match(location.url))
        self.assertEqual((-1, 3), (self.store.match('rbd://other/images/x/snap'), self.store.match('rbd://blob')))
        self.assertEqual(contract.DATA, self._get(Location('rbd://blob'))[0])

    def test_data_in_use_stays(self):
        location = self._put()
        fake_ceph.cluster.images['blob'].clones = 1
        self.assertRaises(errors.BlobInUse, self.store.remove, location)
        self.assertEqual(contract.DATA, self._get(location)[0])

    def test_a_full_cluster(self):
        fake_ceph.cluster.full = True
        writer = self.store.writer('blob', 'one', len(contract.DATA))
        writer.write(contract.DATA)
        self.assertRaises(errors.StoreFull, writer.commit)
        writer.abort()
        self.assertEqual([], self.objects())

    def test_an_unfinished_image_is_temporary(self):
        fake_ceph.cluster.images['blob'] = fake_ceph.Stored(10)
        (found,) = self.store.objects()
        self.assertEqual(('blob', 10, True), (found.blob_id, found.size, found.temporary))
        self.store.remove_object(found)
        self.assertEqual([], self.objects())

    def test_a_cluster_that_is_away_and_comes_back(self):
        location = self._put()
        fake_ceph.cluster.away = True
        self.assertRaises(errors.StoreUnavailable, self.store.open, location)
        store = one_store('rbd')
        self.assertRaises(errors.StoreUnavailable, store.writer, 'x', 'one', None)
        fake_ceph.cluster.away = False
        writer = store.writer('x', 'one', None)
        writer.write(b'data')
        self.assertEqual(b'data', self._get(writer.commit())[0])


class OptionsTest(base.BaseTestCase):
    def test_options_of_all_stores_apply_where_a_store_has_none(self):
        store = one_store('s3', _S3, shared='s3_store_large_object_size = 7\ns3_store_thread_pools = 3')
        shown = {'s3_store_large_object_size': 7, 's3_store_large_object_chunk_size': 10, 's3_store_thread_pools': 3}
        self.assertEqual(shown, store.properties())

    def test_the_configuration_is_left_as_it_is(self):
        store = one_store('swift', _SWIFT)
        self.assertEqual({'there': 'swift'}, store._conf.enabled_backends)
        self.assertEqual({'container': 'images', 'large_object_size': 5120, 'large_object_chunk_size': 200}, store.properties())

    def test_the_classic_store(self):
        root = self.useFixture(fixtures.TempDir()).path
        text = f'node_staging_uri = file://{root}/staging\n[glance_store]\nstores = file, s3\ndefault_store = s3\n{_S3}'
        conf = configured(f'[DEFAULT]\n{text}\nfilesystem_store_datadir = {root}/images')
        stores = build_registry(conf, NativeThreads())
        self.assertEqual(('s3', None, False), (stores.default.kind, stores.default.id, stores.multiple))
        locations = [Location('s3://key:secret@s3.example.org/images/x'), Location(f'file://{root}/images/x')]
        stores.attribute(locations)
        self.assertEqual('s3://s3.example.org/images/x', locations[0].url)
        self.assertEqual(['s3', 'file'], [stores.of(location).kind for location in locations])

    def test_a_driver_that_is_not_installed(self):
        self.useFixture(fixtures.MonkeyPatch('importlib.import_module', mock.Mock(side_effect=ImportError('no module'))))
        error = self.assertRaises(ValueError, one_store, 'swift', _SWIFT)
        self.assertIn('glance-clone[swift]', str(error))

    def test_a_store_that_cannot_be_set_up_reads_on(self):
        store = one_store('swift')
        self.assertFalse(store.writable)
        self.assertRaises(errors.StoreReadOnly, store.writer, 'x', 'one', None)

    def test_accounts_of_users_and_a_file_of_accounts_contradict_each_other(self):
        text = 'swift_store_multi_tenant = true\nswift_store_config_file = /x'
        self.assertRaises(ValueError, one_store, 'swift', text)

    def test_all_drivers_can_be_built(self):
        self.assertEqual(['swift+https', 'swift', 'swift+http', 'swift+config'], list(one_store('swift', _SWIFT).schemes))
        self.assertEqual(('s3', 's3+http', 's3+https'), one_store('s3', _S3).schemes)


class LocationTest(base.BaseTestCase):
    def test_swift(self):
        store = one_store('swift', _SWIFT)
        url = store.location_of('x').url
        self.assertEqual('swift+config://ref1/images/x', url)
        for ours in (url, 'swift+http://service%3Aglance:hidden@keystone.example.org/v3/images/x'):
            self.assertLess(0, store.match(ours), ours)
        for other in ('swift+config://ref1/images2/x', 'swift+config://ref2/images/x', 'swift+http://example.org/images/x'):
            self.assertEqual(-1, store.match(other), other)

    def test_swift_with_several_containers(self):
        store = one_store('swift', f'{_SWIFT}swift_store_multiple_containers_seed = 2')
        url = store.location_of('0a1b').url
        self.assertEqual('swift+config://ref1/images_0a/0a1b', url)
        self.assertLess(0, store.match(url))

    def test_s3(self):
        store = one_store('s3', _S3)
        url = store.location_of('x').url
        self.assertEqual('s3://s3.example.org/images/x', url)
        self.assertEqual(url, store.canonical('s3://key:sec/ret@s3.example.org/images/x'))
        self.assertEqual('file:///a@b', store.canonical('file:///a@b'))
        self.assertEqual(-1, store.match('s3://s3.example.org/images2/x'))

    def test_credentials_are_cut_out(self):
        for url in ('s3://a:b@h/c', 's3://a:b/c@h/c', 's3://h/c'):
            self.assertEqual('s3://h/c', without_credentials(url))


class ErrorTest(base.BaseTestCase):
    def test_meanings(self):
        for error, expected in (
            (exceptions.NotFound(), errors.BlobNotFound),
            (exceptions.Duplicate(), errors.BlobExists),
            (exceptions.StorageFull(), errors.StoreFull),
            (exceptions.StorageWriteDenied(), errors.StoreUnavailable),
            (exceptions.StoreAddDisabled(), errors.StoreReadOnly),
            (exceptions.StoreRandomGetNotSupported(), errors.Invalid),
            (exceptions.HasSnapshot(), errors.BlobInUse),
            (exceptions.InUseByStore(), errors.BlobInUse),
            (exceptions.Forbidden(), errors.Forbidden),
            (exceptions.TimeoutError(timeout=5), errors.StoreUnavailable),
            (exceptions.RemoteServiceUnavailable(), errors.StoreUnavailable),
            (exceptions.BackendException('any'), errors.StoreUnavailable),
            (ConnectionRefusedError(), errors.StoreUnavailable),
            (KeyError('bug'), errors.StoreError),
        ):
            self.assertIs(expected, type(translation(error)), error)

    def test_users_are_told_no_secrets(self):
        error = exceptions.BadStoreUri(uri='swift+http://user:hidden@example.org/x')
        self.assertNotIn('hidden', str(translation(error)))

    def test_logs_have_no_secrets(self):
        log = self.useFixture(fixtures.FakeLogger(level=logging.DEBUG))
        one_store('swift', _SWIFT)
        logging.getLogger('glance_store._drivers.swift.store').error('at %s', 'swift+http://user:hidden@example.org/x')
        self.assertIn('swift+http://***@example.org/x', log.output)
        self.assertNotIn('hidden', log.output)
        self.assertEqual('at s3://***@h/x', glance_store_options.masked('at s3://a:b@h/x'))
