# SPDX-License-Identifier: Apache-2.0
"""Every command on images of the ``openstack`` and ``glance`` commands, and what openstacksdk has for it."""

from __future__ import annotations

import json
import pathlib
import re
import shlex
import uuid
from typing import Any

import fixtures
from openstack import exceptions

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.fixtures.hostile import HostileServer
from glance_clone.tests.fixtures.hostile import answer
from glance_clone.tests.fixtures.hostile import sends
from glance_clone.tests.functional import clients

DATA = b'client' * 2000


class ImageClientsTest(clients.ClientTestCase):
    """As in a cloud: uWSGI on MariaDB; locations are shown."""

    database = 'mariadb'

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        cls.options = {
            'DEFAULT': {'enabled_backends': 'fast:file,web:http', 'show_multiple_locations': True},
            'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
        }
        return super().make_service(database_url)

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.file = self.directory / 'data'
        self.file.write_bytes(DATA)
        self.bobs = self.keystone.session(keystone.BOB).get_project_id()
        self.name = f'image-{uuid.uuid4().hex[:8]}'

    def _openstack(self, *commands: str, user: keystone.User = keystone.ALICE) -> list[Any]:
        """Run ``openstack image`` commands; return the documents that they print."""
        split = [shlex.split(command) for command in commands]
        full = [[*words[: words[0] == '!'], 'image', *words[words[0] == '!' :]] for words in split]
        printed = self.batch('openstackclient.shell', full, user)
        return [json.loads(text) if text.startswith(('{', '[')) else text for text in printed]

    def _glance(self, *commands: str, user: keystone.User = keystone.ALICE) -> list[str]:
        return self.batch('glanceclient.shell', [shlex.split(command) for command in commands], user)

    def test_openstack_command(self) -> None:
        name, saved = self.name, self.directory / 'saved'
        created, listed, shown, *_, hidden, changed = self._openstack(
            f'create {name} --file {self.file} --property a=1 --property b=2 --tag x --min-disk 1 --shared -f json',
            f'list --name {name} --long -f json',
            f'show {name} -f json',
            f'set {name} --name {name}x --property a=3 --tag y --min-ram 64 --protected --hidden --os-distro debian',
            f'! delete {name}x',
            f'list --hidden --name {name}x -f json',
            f'show {name}x -f json',
        )
        image_id = created['id']
        self.assertEqual(('active', 1), (shown['status'], shown['min_disk']))
        self.assertEqual([[image_id]] * 2, [[row['ID'] for row in rows] for rows in (listed, hidden)])
        self.assertEqual(('3', 'debian', True), (
            changed['properties']['a'], changed['properties']['os_distro'], changed['protected']))  # fmt: skip
        *_, tagged, by_property, last, _, _ = self._openstack(
            f'unset {image_id} --tag x --property b',
            f'set {image_id} --unprotected --unhidden --deactivate',
            f'! save {image_id} --file {saved}.not',
            f'set {image_id} --activate',
            f'save {image_id} --file {saved}',
            f'! set {image_id} --public',
            f'set {image_id} --private',
            f'list --tag y --name {name}x -f json',
            f'list --property a=3 --name {name}x -f json',
            f'show {image_id} -f json',
            f'delete {image_id}',
            f'! show {image_id}',
        )
        self.assertEqual(DATA, saved.read_bytes())
        self.assertEqual([[image_id]] * 2, [[row['ID'] for row in rows] for rows in (tagged, by_property)])
        self.assertEqual((['y'], False, 'private'), (last['tags'], 'b' in last['properties'], last['visibility']))
        self.assert_no_traceback()

    def test_sharing_by_the_openstack_command(self) -> None:
        image_id, name = self._queued(visibility='shared'), f'--name {self.name}'
        offered = self.openstack_json('image', 'add', 'project', image_id, self.bobs)
        members, member, *_ = self._openstack(
            f'member list {image_id} -f json',
            f'member get {image_id} {self.bobs} -f json',
            'import info -f json',
            'stores list -f json',
        )
        self.assertEqual([self.bobs], [row['Member ID'] for row in members])
        self.assertEqual(['pending'] * 2, [found['status'] for found in (offered, member)])
        pending, nothing = self._openstack(
            f'list --shared --member-status pending {name} -f json', f'list {name} -f json', user=keystone.BOB
        )
        self.assertEqual(([image_id], []), ([row['ID'] for row in pending], nothing))
        self.openstack('image', 'set', '--accept', image_id, user=keystone.BOB)
        rows, _ = self._openstack(f'list {name} -f json', f'! set {image_id} --name taken', user=keystone.BOB)
        self.assertEqual([image_id], [row['ID'] for row in rows])
        self.openstack('image', 'remove', 'project', image_id, self.bobs)
        self._openstack(f'! show {image_id}', user=keystone.BOB)

    def test_glance_command(self) -> None:
        image_id, other, got = str(uuid.uuid4()), self._queued(), self.directory / 'got'
        raw = '--disk-format raw --container-format bare'
        *_, shown, listed, _, _, _, _, _, explained, methods, stores = self._glance(
            f'image-create --id {image_id} --name {self.name} {raw} --file {self.file} --property a=1 --tags x',
            f'image-upload --file {self.file} {other}',
            f'image-update {image_id} --name {self.name}x --property b=2 --remove-property a --min-disk 2 --hidden true',
            f'image-tag-update {image_id} y',
            f'image-tag-delete {image_id} x',
            f'! image-tag-delete {image_id} x',
            f'image-show {image_id}',
            'image-list --hidden true',
            f'image-update {image_id} --hidden false',
            f'image-deactivate {image_id}',
            f'! image-download {image_id} --file {got}.not',
            f'image-reactivate {image_id}',
            f'image-download {image_id} --file {got}',
            'explain image',
            'import-info',
            'stores-info',
        )
        rows = dict(re.findall(r'^\| (\w+) +\| (.*?) +\|$', shown, re.MULTILINE))
        self.assertEqual(('active', f'{self.name}x', '2', '2'), tuple(rows[n] for n in ('status', 'name', 'b', 'min_disk')))
        self.assertNotIn('a', rows)
        for words, text in ((image_id, listed), ('container_format', explained), ('import-methods', methods), ('fast', stores)):
            self.assertIn(words, text)
        self.assertEqual(DATA, got.read_bytes())
        self._glance(f'image-delete {image_id} {other}', f'! image-show {image_id}')
        self.assert_no_traceback()

    def test_lists_by_the_glance_command(self) -> None:
        names = [f'{self.name}-{number}' for number in range(5)]
        for name in names:
            self._queued(name=name, mark=self.name, tags=[self.name])
        printed = self._glance(
            f'image-list --property-filter mark={self.name} --page-size 2',
            f'image-list --property-filter mark={self.name} --sort name:asc',
            f'image-list --tag {self.name}',
            f'image-list --property-filter mark={self.name} --limit 3',
            f'image-list --visibility shared --property-filter mark={self.name} --member-status all',
        )
        found = [re.findall(rf'{self.name}-\d', text) for text in printed]
        self.assertEqual([5, 5, 5, 3, 5], [len(set(rows)) for rows in found])
        self.assertEqual(names, found[1])

    def test_sharing_by_the_glance_command(self) -> None:
        image_id = self._queued(visibility='shared')
        _, got, listed = self._glance(
            f'member-create {image_id} {self.bobs}',
            f'member-get {image_id} {self.bobs}',
            f'member-list --image-id {image_id}',
        )
        self.assertIn('pending', got)
        self.assertIn(self.bobs, listed)
        (accepted,) = self._glance(f'member-update {image_id} {self.bobs} accepted', user=keystone.BOB)
        self.assertIn('accepted', accepted)
        self._glance(f'! member-update {image_id} {self.bobs} rejected', f'member-delete {image_id} {self.bobs}')
        self._glance(f'! image-show {image_id}', user=keystone.BOB)

    def test_locations_by_the_glance_command(self) -> None:
        server = self.useFixture(HostileServer({path: sends(answer(DATA)) for path in ('/a', '/b', '/c')}))
        first, second, third = (f'{server.url}/{path}' for path in 'abc')
        image_id, other = self._queued(), self._queued()
        *_, updated = self._glance(
            f'location-add {image_id} --url {first}',
            f'location-add {image_id} --url {second}',
            f"""location-update {image_id} --url {second} --metadata '{{"k": "v"}}'""",
            f'! location-add {image_id} --url file:///etc/passwd',
            f'add-location {other} --url {third}',
            f'image-show {image_id}',
        )
        self.assertIn(second, updated)
        self._glance(f'location-delete {image_id} --url {first}', user=keystone.ADMIN)
        alice = self.connection().image
        process.wait_until(lambda: alice.get_image(other).hash_value is not None, 20, 'hash of the image', interval=0.2)
        self.assertEqual([second], [location['url'] for location in alice.get_image(image_id).locations])
        (tasks,) = self._glance(f'image-tasks {other}')
        self.assertIn('success', tasks)

    def _queued(self, **values: Any) -> str:
        """Create an image without data."""
        values = {'name': self.name, 'disk_format': 'raw', 'container_format': 'bare', **values}
        return str(self.connection().image.create_image(values.pop('name'), **values).id)

    def test_sdk(self) -> None:
        images, admin = self.connection().image, self.connection(keystone.ADMIN).image
        image = images.create_image(self.name, disk_format='raw', container_format='bare', a='1')
        image.data = DATA
        image.upload(images)
        image = images.update_image(image.id, name=f'{self.name}x', b='2', min_ram=32, tags=['t'])
        self.assertEqual((f'{self.name}x', 32, ['t']), (image.name, image.min_ram, image.tags))
        images.add_tag(image, 'u')
        images.remove_tag(image, 't')
        images.deactivate_image(image)
        self.assertRaises(exceptions.SDKException, images.download_image, image)
        images.reactivate_image(image)
        self.assertEqual(DATA, images.download_image(image).content)
        found = images.get_image(image.id)
        self.assertEqual((['u'], '1', '2'), (found.tags, found.properties['a'], found.properties['b']))
        images.add_member(image, member=self.bobs)
        self.assertEqual([self.bobs], [member.member_id for member in images.members(image)])
        images.remove_member(self.bobs, image)
        self.assertEqual([found.id], [each.id for each in images.images(name=found.name, limit=1)])
        self.assertEqual('image', images.get_image_schema().name)
        self.assertEqual('member', images.get_member_schema().name)
        images.update_image(image.id, is_protected=True)
        self.assertRaises(exceptions.ForbiddenException, admin.delete_image, image.id)
        images.update_image(image.id, is_protected=False)
        images.delete_image(image.id)
        self.assertIsNone(images.find_image(image.id))
        self.assert_no_traceback()
