# SPDX-License-Identifier: Apache-2.0
"""Building the configured stores and finding the one that is meant."""

from __future__ import annotations

import json
import os

import fixtures
from oslo_config import cfg
from oslo_config import fixture as config_fixture
from oslotest import base

from glance_clone.conf import fetching
from glance_clone.conf import stores as options
from glance_clone.conf import tasks
from glance_clone.domain import errors
from glance_clone.domain.location import Location
from glance_clone.stores.registry import build_registry
from glance_clone.transfer.concurrency import NativeThreads

_SEVERAL_WITH_WORK_DIR = """
[DEFAULT]
enabled_backends = fast:file
[os_glance_staging_store]
filesystem_store_datadir = ROOT/staging
[os_glance_tasks_store]
filesystem_store_datadir = ROOT/tasks
[glance_store]
default_backend = fast
[fast]
filesystem_store_datadir = ROOT/store
[task]
work_dir = ROOT/work
"""


class RegistryCase(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        options.register_opts(self.conf)
        fetching.register_opts(self.conf)
        tasks.register_opts(self.conf)
        self.root = self.useFixture(fixtures.TempDir()).path
        self.log = self.useFixture(fixtures.FakeLogger())

    def build(self, text):
        path = f'{self.root}/test.conf'
        with open(path, 'w') as file:
            file.write(text.replace('ROOT', self.root))
        self.useFixture(config_fixture.Config(self.conf))
        self.conf(['--config-file', path])
        return build_registry(self.conf, NativeThreads())


class SeveralTest(RegistryCase):
    def several(self, backends='fast:file,cheap:file,web:http', default='fast', more=''):
        return self.build(f"""
[DEFAULT]
enabled_backends = {backends}
[os_glance_staging_store]
filesystem_store_datadir = ROOT/staging
[os_glance_tasks_store]
filesystem_store_datadir = ROOT/tasks
[glance_store]
default_backend = {default}
[fast]
filesystem_store_datadir = ROOT/store
store_description = Quick
weight = 5
[cheap]
filesystem_store_datadir = ROOT/store2
filesystem_store_file_perm = 600
weight = 10
{more}
""")

    def test_order_and_attributes(self):
        stores = self.several()
        self.assertTrue(stores.multiple)
        self.assertEqual(['fast', 'cheap', 'web'], [store.id for store in stores.all()])
        self.assertEqual(('Quick', 5), (stores.get('fast').description, stores.get('fast').weight))
        self.assertEqual([True, True, False], [store.writable for store in stores.all()])
        self.assertTrue(os.path.isdir(f'{self.root}/store2'))

    def test_options_of_all_stores_apply_where_a_store_has_none(self):
        options = ('filesystem_store_file_perm = 644', 'filesystem_thin_provisioning = true', 'https_insecure = true')
        stores = self.several(more='\n'.join(('[backend_defaults]', *options)))
        for store_id, mode in (('fast', 0o644), ('cheap', 0o600)):
            stores.get(store_id).writer('blob', 'one', 1).commit()
            store = stores.get(store_id)
            self.assertEqual(mode, os.stat(f'{store.directories[0].path}/blob').st_mode & 0o777)
            self.assertTrue(store.properties()['thin_provisioning'])
        self.assertIn('The store web believes every https server', self.log.output)

    def test_file_systems_are_waited_for_as_long_as_the_options_say(self):
        stores = self.several(more='[backend_defaults]\nfilesystem_store_timeout = 7\n[web]\nweight = 1')
        for store_id in ('fast', 'cheap'):
            self.assertEqual(7, stores.get(store_id)._timeout._seconds)
        error = self.assertRaises(ValueError, self.several, more='[backend_defaults]\nfilesystem_store_timeout = -1')
        self.assertIn('filesystem_store_timeout', str(error))

    def test_default(self):
        stores = self.several(default='cheap')
        self.assertEqual('cheap', stores.default.id)
        self.assertIs(stores.default, stores.get(None))

    def test_unknown_ids(self):
        stores = self.several()
        for store_id in ('nowhere', '', 'os_glance_staging_store'):
            self.assertRaises(errors.StoreUnknown, stores.get, store_id)

    def test_locations_are_found_by_name_then_by_whole_parts_of_the_path(self):
        stores = self.several()
        for url, metadata, expected in (
            (f'file://{self.root}/store2/x', {}, 'cheap'),
            (f'file://{self.root}/store/x', {}, 'fast'),
            (f'filesystem://{self.root}/store/x', {}, 'fast'),
            (f'file://{self.root}/store/x', {'store': 'gone'}, 'fast'),
            (f'file://{self.root}/store/x', {'store': 'cheap'}, 'cheap'),
            (f'file://{self.root}/store2/x', {'store': ['fast']}, 'cheap'),
            (f'file://{self.root}/store2/x', {'store': {}}, 'cheap'),
            ('https://example.org/x', {}, 'web'),
        ):
            self.assertEqual(expected, stores.of(Location(url, metadata)).id)
        for url in (f'file://{self.root}/store3/x', 'rbd://x', f'file://{self.root}/store/../store2/x'):
            self.assertRaises(errors.StoreUnknown, stores.of, Location(url))

    def test_weight(self):
        stores = self.several()
        locations = [Location('x://', {'store': each}) for each in ('web', 'fast', 'gone', 'cheap', 'fast')]
        self.assertEqual(['cheap', 'fast', 'fast', 'web', 'gone'], [each.store for each in stores.by_weight(locations)])

    def test_preferred_stores_come_first_in_their_order(self):
        stores = self.several()
        locations = [Location('x://', {'store': each}) for each in ('web', 'fast', 'gone', 'cheap')]
        for prefer, expected in (
            (['web'], ['web', 'cheap', 'fast', 'gone']),
            (['web', 'fast'], ['web', 'fast', 'cheap', 'gone']),
            (['fast', 'web', 'fast'], ['fast', 'web', 'cheap', 'gone']),
        ):
            self.assertEqual(expected, [each.store for each in stores.by_weight(locations, prefer)])

    def test_locations_are_attributed_where_their_store_is_missing_or_gone(self):
        stores = self.several()
        for url, metadata, expected in (
            (f'file://{self.root}/store2/x', {}, {'store': 'cheap'}),
            (f'file://{self.root}/store/x', {'store': 'old', 'more': 1}, {'store': 'fast', 'more': 1}),
            (f'file://{self.root}/store/x', {'store': 'cheap'}, {'store': 'cheap'}),
            ('rbd://x', {'store': 'old'}, {'store': 'old'}),
        ):
            location = Location(url, metadata)
            stores.attribute([location])
            self.assertEqual(expected, location.metadata)

    def test_what_operators_are_shown(self):
        stores = self.several()
        shown = {'data_dir': f'{self.root}/store', 'chunk_size': 65536, 'thin_provisioning': False}
        self.assertEqual(('file', shown), (stores.get('fast').kind, stores.get('fast').properties()))
        self.assertEqual(('http', {}), (stores.get('web').kind, stores.get('web').properties()))

    def test_reserved_stores_are_private_and_not_for_images(self):
        stores = self.several()
        for store, name in ((stores.staging, 'staging'), (stores.tasks, 'tasks')):
            location = store.writer('x', 'one', None).commit()
            self.assertEqual(f'file://{self.root}/{name}/x', location.url)
            self.assertEqual(0o40700, os.stat(f'{self.root}/{name}').st_mode)
            self.assertRaises(errors.StoreUnknown, stores.get, store.id)
            self.assertRaises(errors.StoreUnknown, stores.of, location)
            self.assertNotIn(store, stores.all())

    def test_a_staging_directory_open_to_others_is_warned_about(self):
        os.mkdir(f'{self.root}/staging', 0o755)
        self.several()
        self.assertIn('Others have access', self.log.output)
        self.assertNotIn(f'{self.root}/tasks', self.log.output)

    def test_file_permissions_are_octal(self):
        stores = self.several()
        location = stores.get('cheap').writer('x', 'one', None).commit()
        self.assertEqual(0o100600, os.stat(location.url[7:]).st_mode)

    def test_contradictions_are_refused(self):
        for arguments in (
            {'default': 'nowhere'},
            {'default': ''},
            {'backends': 'fast:file,os_glance_tasks_store:file'},
            {'backends': 'fast:tape'},
        ):
            self.assertRaises(ValueError, self.several, **arguments)

    def test_shared_directories_are_refused(self):
        os.symlink('store', f'{self.root}/link')
        for path in ('store', 'store/below', 'link', 'store/', 'staging', 'tasks/below'):
            more = f'[third]\nfilesystem_store_datadir = ROOT/{path}'
            self.assertRaises(ValueError, self.several, 'fast:file,third:file', more=more)

    def test_a_directory_that_cannot_be_made_disables_its_store_only(self):
        with open(f'{self.root}/file', 'w'):
            pass
        stores = self.several('fast:file,third:file', more='[third]\nfilesystem_store_datadir = ROOT/file/x')
        self.assertIn('cannot be created', self.log.output)
        self.assertRaises(errors.StoreReadOnly, stores.get('third').writer, 'x', 'one', 1)
        stores.get('fast').writer('x', 'one', 1).commit()

    def test_the_http_store_takes_and_gives_nothing(self):
        web = self.several().get('web')
        location = Location('http://example.org/x')
        self.assertRaises(errors.StoreReadOnly, web.writer, 'x', 'one', None)
        self.assertRaises(errors.StoreUnavailable, web.open, location)
        self.assertRaises(errors.StoreUnavailable, web.size, location)
        web.remove(location)
        web.discard('x', 'one')


class ClassicTest(RegistryCase):
    def classic(self, text, staging='file://ROOT/staging/'):
        return self.build(f'[DEFAULT]\nnode_staging_uri = {staging}\n[glance_store]\n{text}\n')

    def test_one_store_without_id(self):
        stores = self.classic('filesystem_store_datadir = ROOT/a')
        self.assertFalse(stores.multiple)
        self.assertIsNone(stores.default.id)
        self.assertIs(stores.default, stores.of(Location(f'file://{self.root}/a/x')))
        self.assertEqual(('http', 'https'), stores.of(Location('http://example.org')).schemes)
        self.assertRaises(errors.StoreUnknown, stores.get, 'file')

    def test_staging(self):
        stores = self.classic('filesystem_store_datadir = ROOT/a')
        self.assertEqual(f'file://{self.root}/staging/x', stores.staging.writer('x', 'one', None).commit().url)
        self.assertIsNone(stores.tasks)
        self.assertRaises(errors.StoreUnknown, stores.of, Location(f'file://{self.root}/staging/x'))

    def test_a_directory_for_tasks(self):
        store = 'filesystem_store_datadir = ROOT/all/a\n'
        for place in ('work', 'all'):
            stores = self.classic(f'{store}[task]\nwork_dir = ROOT/{place}')
            self.assertEqual(f'{self.root}/{place}/x', stores.tasks.path('x'))
        self.assertEqual(0o40700, os.stat(f'{self.root}/work').st_mode)
        os.symlink(f'{self.root}/all/a', f'{self.root}/link')
        for place in ('ROOT/all/a', 'ROOT/all/a/below', 'ROOT/staging', 'ROOT/link/below', 'work'):
            error = self.assertRaises(ValueError, self.classic, f'{store}[task]\nwork_dir = {place}')
            self.assertIn('work_dir', str(error))

    def test_tasks_do_not_work_where_everybody_may_write(self):
        os.mkdir(f'{self.root}/work')
        os.chmod(f'{self.root}/work', 0o1777)
        self.assertIsNone(self.classic('filesystem_store_datadir = ROOT/a\n[task]\nwork_dir = ROOT/work').tasks)
        self.assertIn('Everybody may write', self.log.output)

    def test_with_several_stores_tasks_have_a_directory_anyway(self):
        self.assertEqual(f'{self.root}/tasks/x', self.build(_SEVERAL_WITH_WORK_DIR).tasks.path('x'))
        self.assertFalse(os.path.exists(f'{self.root}/work'))

    def test_bad_staging(self):
        for uri in ('http://ROOT/staging', 'ROOT/staging', 'file:///', 'file://ROOT/a/below'):
            self.assertRaises(ValueError, self.classic, 'filesystem_store_datadir = ROOT/a', uri)

    def test_unknown_default(self):
        self.assertRaises(ValueError, self.classic, 'stores = file, tape\nfilesystem_store_datadir = ROOT/a')

    def test_bad_permissions(self):
        self.assertRaises(ValueError, self.classic, 'filesystem_store_file_perm = 989\nfilesystem_store_datadir = ROOT/a')

    def test_several_directories_are_used_by_priority_and_room(self):
        stores = self.classic(
            'filesystem_store_datadirs = ROOT/a:10\nfilesystem_store_datadirs = ROOT/b:20\nfilesystem_store_datadirs = ROOT/c'
        )
        self.assertEqual(f'file://{self.root}/b/x', stores.default.writer('x', 'one', 5).commit().url)
        os.rename(f'{self.root}/b', f'{self.root}/away')
        self.assertEqual(f'file://{self.root}/a/y', stores.default.writer('y', 'one', 5).commit().url)
        self.assertRaises(errors.StoreFull, stores.default.writer, 'z', 'one', 1 << 60)

    def test_bad_priority(self):
        self.assertRaises(ValueError, self.classic, 'filesystem_store_datadirs = ROOT/a:high')

    def test_metadata_file(self):
        entries = [{'id': 'no', 'mountpoint': f'{self.root}/other'}, {'id': 'yes', 'mountpoint': self.root}]
        with open(f'{self.root}/meta', 'w') as file:
            json.dump(entries, file)
        stores = self.classic('filesystem_store_datadir = ROOT/a\nfilesystem_store_metadata_file = ROOT/meta')
        self.assertEqual(entries[1], stores.default.writer('x', 'one', None).commit().metadata)

    def test_bad_metadata_file(self):
        for content in ('{', '[1]', '{"id": 5, "mountpoint": "/"}'):
            with open(f'{self.root}/meta', 'w') as file:
                file.write(content)
            self.assertRaises(
                ValueError, self.classic, 'filesystem_store_datadir = ROOT/a\nfilesystem_store_metadata_file = ROOT/meta'
            )
