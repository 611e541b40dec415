# SPDX-License-Identifier: Apache-2.0
"""Every command on imports, stores and tasks of the ``openstack`` and ``glance`` commands, and of openstacksdk."""

from __future__ import annotations

import json
import pathlib
import shlex
import uuid
from typing import Any

import fixtures

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.functional import clients

_DATA = b'import' * 2000
_RAW = '--disk-format raw --container-format bare'


class ImportClientsTest(clients.ClientTestCase):
    """As in a cloud: uWSGI on MariaDB, and two stores."""

    database = 'mariadb'

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        directory = process.temporary_directory()
        cls.options = {
            'DEFAULT': {'enabled_backends': 'fast:file,cheap:file'},
            'cheap': {'filesystem_store_datadir': directory},
            'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
        }
        return super().make_service(database_url)

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.file = self.directory / 'data'
        self.file.write_bytes(_DATA)
        self.name = f'image-{uuid.uuid4().hex[:8]}'
        self.web = self.useFixture(HostileServer({'/data': sends(answer(_DATA))}))

    def _openstack(self, *commands: str, user: keystone.User = keystone.ALICE) -> list[Any]:
        printed = self.batch('openstackclient.shell', [shlex.split(command) for command in commands], user)
        return [json.loads(text) if text.startswith(('{', '[')) else text for text in printed]

    def _glance(self, *commands: str, user: keystone.User = keystone.ALICE) -> list[str]:
        return self.batch('glanceclient.shell', [shlex.split(command) for command in commands], user)

    def _wait(self, image_id: str, stores: str) -> dict[str, Any]:
        """Wait until an image is active and in these stores; return it."""
        images = self.connection().image

        def arrived() -> Any:
            image = images.get(f'/images/{image_id}').json()
            there = set(filter(None, image.get('stores', '').split(',')))
            done = 'os_glance_import_task' not in image and there == set(stores.split(','))
            return image if done and image['status'] == 'active' else None

        return dict(process.wait_until(arrived, 30, f'image {image_id} in {stores}', interval=0.2))  # type: ignore[call-overload]

    def test_glance_command(self) -> None:
        ids = [str(uuid.uuid4()) for _ in range(3)]
        direct, web, staged = ids
        *_, stores, methods = self._glance(
            f'image-create-via-import --id {direct} {_RAW} --file {self.file} --import-method glance-direct --name {self.name}',
            f'image-create-via-import --id {web} {_RAW} --import-method web-download --uri {self.web.url}/data'
            ' --stores fast,cheap',
            f'image-create --id {staged} {_RAW}',
            f'image-stage --file {self.file} {staged}',
            f'image-import {staged} --import-method glance-direct --all-stores true',
            'stores-info',
            'import-info',
        )
        self.assertIn('cheap', stores)
        self.assertIn('web-download', methods)
        self.assertEqual(len(_DATA), self._wait(direct, 'fast')['size'])
        self._wait(web, 'fast,cheap')
        self._wait(staged, 'fast,cheap')
        got = self.directory / 'got'
        self._glance(
            f'! image-import {direct} --import-method copy-image --stores cheap',
            f'image-download {web} --file {got}',
            f'! stores-delete --store cheap {staged}',
            f'image-tasks {staged}',
            f'! image-import {staged} --import-method glance-direct',
            'usage',
        )
        self._glance(
            f'image-import {direct} --import-method copy-image --stores cheap',
            f'stores-delete --store cheap {staged}',
            user=keystone.ADMIN,
        )
        self._wait(direct, 'fast,cheap')
        self._wait(staged, 'fast')
        self.assertEqual(_DATA, got.read_bytes())
        tasks, _ = self._glance('task-list', f'image-delete {" ".join(ids)}', user=keystone.ADMIN)
        self.assertIn('success', tasks)

    def test_openstack_command(self) -> None:
        created, _, _, stores, methods = self._openstack(
            f'image create {self.name} {_RAW} --file {self.file} --import -f json',
            f'image create {self.name}-staged {_RAW} -f json',
            f'image stage {self.name}-staged --file {self.file}',
            'image stores list -f json',
            'image import info -f json',
        )
        self.assertEqual({'fast', 'cheap'}, {each['ID'] for each in stores})
        self.assertIn('glance-direct', json.dumps(methods))
        self._wait(created['id'], 'fast')
        saved = self.directory / 'saved'
        shown, *_ = self._openstack(
            f'image show {self.name}-staged -f json',
            f'image import {self.name}-staged --method glance-direct --store cheap',
            f'image save {self.name} --file {saved}',
        )
        self.assertEqual('uploading', shown['status'])
        self._openstack(f'image import {created["id"]} --method copy-image --all-stores', user=keystone.ADMIN)
        self._wait(shown['id'], 'cheap')
        self._wait(created['id'], 'fast,cheap')
        self.assertEqual(_DATA, saved.read_bytes())
        tasks, *_ = self._openstack('image task list -f json', user=keystone.ADMIN)
        task, *_ = self._openstack(f'image task show {tasks[0]["ID"]} -f json', user=keystone.ADMIN)
        self.assertEqual('api_image_import', task['type'])
        self._openstack(f'image delete --store cheap {created["id"]}', f'image delete {shown["id"]}', user=keystone.ADMIN)
        self._wait(created['id'], 'fast')

    def test_sdk(self) -> None:
        images = self.connection().image
        image = images.create_image(
            self.name, filename=str(self.file), disk_format='raw', container_format='bare', use_import=True, wait=True
        )
        self.assertEqual(('active', len(_DATA)), (self._wait(image.id, 'fast')['status'], images.get_image(image.id).size))
        self.assertEqual(_DATA, images.download_image(image).content)
        other = images.create_image(f'{self.name}-web', disk_format='raw', container_format='bare')
        images.import_image(other, method='web-download', uri=f'{self.web.url}/data', stores=['fast', 'cheap'])
        self._wait(other.id, 'fast,cheap')
        self.assertEqual({'fast', 'cheap'}, {store.id for store in images.stores()})
        self.assertIn('web-download', images.get_import_info().import_methods['value'])
        self.assertEqual(['success'], [task['status'] for task in images.get(f'/images/{other.id}/tasks').json()['tasks']])
        self.connection(keystone.ADMIN).image.delete_image(other, store='cheap')
        self._wait(other.id, 'fast')
        images.delete_image(other)
        images.delete_image(image)
