# SPDX-License-Identifier: Apache-2.0
"""The drivers of glance_store behind the blob contract; servers and clusters are played."""

from __future__ import annotations

import importlib.util
import logging
import sys
import tempfile
import threading
import unittest
from unittest import mock

import fixtures
from oslo_config import cfg
from oslotest import base

from glance_clone.conf import stores as options
from glance_clone.conf import tasks
from glance_clone.domain import errors
from glance_clone.domain.caller import CONTEXT
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
    tasks.register_opts(conf)
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

    def test_what_operators_are_shown(self):
        shown = {'chunk_size': 1, 'pool': 'images', 'thin_provisioning': False, 'fsid': 'the-cluster'}
        self.assertEqual(shown, self.store.properties())
        fake_ceph.cluster.away = True
        self.assertIsNone(one_store('rbd').properties()['fsid'])

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


_LIBRARIES = (
    'cinderclient',
    'cinderclient.api_versions',
    'cinderclient.apiclient',
    'cinderclient.apiclient.exceptions',
    'cinderclient.exceptions',
    'cinderclient.v3',
    'cinderclient.v3.client',
    'os_brick',
    'os_brick.initiator',
    'os_brick.initiator.connector',
    'os_brick.remotefs',
    'os_brick.remotefs.remotefs',
    'oslo_privsep',
    'oslo_privsep.priv_context',
)
_VOLUME = '6ac9bd2c-2c10-4cc6-a3f7-f39f3b5ba8d0'


class CinderTest(base.BaseTestCase):
    """The driver itself, with a client that is played."""

    def setUp(self):
        super().setUp()
        self._play(*_LIBRARIES)
        importlib.import_module('glance_store._drivers.cinder')
        self.volumes = mock.Mock()
        client = mock.Mock(volumes=self.volumes)
        self.useFixture(fixtures.MockPatch('glance_store._drivers.cinder.store.cinderclient.Client', return_value=client))
        text = '\n'.join(f'cinder_store_{name} = x' for name in ('auth_address', 'user_name', 'password', 'project_name'))
        self.store = one_store('cinder', f'{text}\ncinder_volume_type = images')

    def _play(self, *names):
        """Let the driver find libraries that are not installed, and forget it afterwards."""
        for name in (*names, *(each for each in sys.modules if each.startswith('glance_store._drivers.cinder'))):
            self.addCleanup(sys.modules.pop, name, None)
        missing = {name: mock.MagicMock() for name in names if name not in sys.modules}
        sys.modules.update(missing)

    def _volume(self, name, kind='images', status='available'):
        volume = mock.Mock(id=_VOLUME, volume_type=kind, status=status, size=2, created_at='2026-01-01T00:00:00.000000')
        volume.name = name
        volume.metadata = {'image_size': '5'}
        return volume

    def test_what_a_dead_writer_left_is_found_by_name_and_type(self):
        left, other = self._volume('image-blob', status='creating'), self._volume('image-blob', 'fast')
        self.volumes.list.return_value = [left, other]
        self.store.discard('blob', 'one')
        self.volumes.list.assert_called_with(search_opts={'name': 'image-blob'})
        left.delete.assert_called_once_with()
        other.delete.assert_not_called()

    def test_objects(self):
        self.volumes.list.return_value = [self._volume('image-blob'), self._volume('mine'), self._volume('image-x', 'fast')]
        (found,) = self.store.objects()
        self.assertEqual((_VOLUME, 'blob', 5, False), (found.name, found.blob_id, found.size, found.temporary))
        self.store.remove_object(found)
        self.volumes.delete.assert_called_once_with(_VOLUME)

    def test_locations_that_name_no_store(self):
        self.volumes.get.return_value = self._volume('image-blob')
        for _again in range(2):
            self.assertEqual(6, self.store.match(f'cinder://{_VOLUME}'))
        self.assertEqual(1, self.volumes.get.call_count)
        self.assertEqual(-1, self.store.match(f'cinder://other/{_VOLUME}'))
        self.assertLess(0, self.store.match(f'cinder://there/{_VOLUME}'))

    def test_properties(self):
        self.assertEqual({'volume_type': 'images', 'use_multipath': False}, self.store.properties())


class VmwareTest(base.BaseTestCase):
    def test_without_its_library_it_cannot_be_built(self):
        if importlib.util.find_spec('oslo_vmware') is not None:
            self.skipTest('oslo.vmware is installed')
        text = 'vmware_server_host = h\nvmware_server_username = u\nvmware_server_password = p'
        self.assertIn('oslo_vmware', str(self.assertRaises(ValueError, one_store, 'vmware', text)))


class ContextTest(base.BaseTestCase):
    def test_drivers_act_on_behalf_of_the_caller(self):
        store = one_store('s3', _S3)
        self.addCleanup(CONTEXT.reset, CONTEXT.set(None))
        self.assertEqual(('', None), (store.context().project_id, store.context().auth_token))
        caller = object()
        seen = []
        token = CONTEXT.set(caller)
        self.addCleanup(CONTEXT.reset, token)
        threads = NativeThreads()
        threads.start(lambda: seen.append(store.context())).wait()
        done = threading.Event()
        threads.detach(lambda: (seen.append(store.context()), done.set()))
        done.wait(10)
        self.assertEqual([caller, caller], seen)


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

    def test_accounts_of_users(self):
        """Whether in the group of the store or of all stores."""
        for text, shared in ((f'{_SWIFT}swift_store_multi_tenant = true', ''), (_SWIFT, 'swift_store_multi_tenant = true')):
            store = one_store('swift', text, shared=shared)
            self.assertRaises(errors.CannotList, store.objects)
            self.assertRaises(errors.StoreUnavailable, store.writer, 'x', 'one', 5)
            self.assertTrue(store._service.is_configured)

    def test_accounts_of_users_without_one_of_the_service_are_warned_of(self):
        log = self.useFixture(fixtures.FakeLogger())
        store = one_store('swift', 'swift_store_multi_tenant = true\nswift_store_container = images')
        self.assertIn('swift_store_user is not set', log.output)
        location = Location('swift+https://example.org/v1/AUTH_a/images_x/x')
        self.assertLess(0, store.match(location.url))
        self.assertRaises(errors.StoreUnavailable, store.open, location)
        store.discard_in('https://example.org/v1/AUTH_a', 'x', 'one')
        self.assertIn('in the account https://example.org/v1/AUTH_a stays', log.output)

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
