# SPDX-License-Identifier: Apache-2.0
"""Tasks that make their own image: OVAs of good and bad people, conversion, and where they keep their data."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import tarfile
import unittest
from typing import Any

from glance_clone.tests.fixtures import hostile
from glance_clone.tests.fixtures import ovas
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_SOON = 30
_OVA = {'disk_format': 'vmdk', 'container_format': 'ova'}
_SAMPLE = pathlib.Path(__file__).parents[3] / 'etc' / 'ovf-metadata.json.sample'
#: Lets everybody use the tasks API.
_POLICY = 'tasks_api_access: ""\n'
_PROTECTIONS = ''.join(
    f'[{names}]\ncreate = {who}\nread = @\nupdate = {who}\ndelete = {who}\n\n'
    for names, who in (('^CIM_', '!'), ('^secret', 'admin'), ('.*', '@'))
)
_BILLION = ''.join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))


class TaskCase(base.ServiceTestCase):
    """Imports by tasks, from a server of the test's own."""

    options: service.Options = {
        'import_filtering_opts': {'allowed_hosts': '[127.0.0.1]', 'allowed_ports': '[]'},
        'DEFAULT': {'property_protection_file': '${STATE_DIR}/etc/protections.conf', 'image_property_quota': 4},
        'oslo_policy': {'policy_file': '${STATE_DIR}/etc/policy.yaml'},
    }

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        """Return the service with files of the operator beside its configuration."""
        beside = {'ovf-metadata.json': _SAMPLE.read_text(), 'policy.yaml': _POLICY, 'protections.conf': _PROTECTIONS}
        return service.Service(database_url, cls.launcher, cls.options, beside=beside)

    def ask(self, data: bytes, who: str = 'admin', **properties: Any) -> Any:
        """Ask for an import of data; return the answer."""
        web = self.useFixture(hostile.HostileServer({'/data': hostile.sends(hostile.answer(data))}))
        wanted = {'import_from': f'{web.url}/data', 'import_from_format': 'raw', 'image_properties': properties}
        return self.request(who, 'POST', '/v2/tasks', json={'type': 'import', 'input': wanted})

    def run_task(self, data: bytes, who: str = 'admin', **properties: Any) -> dict[str, Any]:
        """Import data by a task; return the task as it ended."""
        accepted = self.ask(data, who, **properties)
        self.assertEqual(201, accepted.status_code, accepted.text)
        path = accepted.json()['self']
        process.wait_until(lambda: 'expires_at' in self.request(who, 'GET', path).json(), _SOON, f'{path} ends', interval=0.1)
        return dict(self.request(who, 'GET', path).json())

    def made(self, data: bytes, who: str = 'admin', **properties: Any) -> dict[str, Any]:
        """Import data; return the image that was made of it."""
        task = self.run_task(data, who, **properties)
        self.assertEqual('success', task['status'], task['message'])
        self.assert_nothing_under_way()
        return self.show(task['result']['image_id'], who)

    def refused(self, reason: str, data: bytes, who: str = 'admin', **properties: Any) -> None:
        """Import data that is refused, and see that nothing is left."""
        task = self.run_task(data, who, **properties)
        self.assertEqual(('failure', None), (task['status'], task['result']))
        self.assertIn(reason, task['message'])
        project = self.personas.project(who)
        self.assertEqual([], self.request('admin', 'GET', f'/v2/images?owner={project}').json()['images'])
        if 'image_id' in task:
            self.assertEqual(404, self.request('admin', 'GET', f'/v2/images/{task["image_id"]}').status_code)
            self.assertEqual([], [name for name in self.service.files() if task['image_id'] in name])
        self.assert_nothing_under_way()

    def assert_nothing_under_way(self) -> None:
        """Assert that no directory of data on its way holds any."""
        for directory in ('staging', 'tasks', 'work'):
            self.assertEqual([], self.service.files(directory), directory)

    def assert_holds(self, image: dict[str, Any], data: bytes) -> None:
        """Assert that an image has data, with the size and the hashes of that."""
        hashes = (hashlib.md5(data).hexdigest(), hashlib.sha512(data).hexdigest())
        self.assertEqual(('active', len(data), *hashes), tuple(image[name] for name in _KNOWN))
        self.assertEqual(data, self.download(image['id'], 'admin').content)


_KNOWN = ('status', 'size', 'checksum', 'os_hash_value')


class OvaTest(TaskCase):
    """OVAs, in a service with several stores."""

    def setUp(self) -> None:
        super().setUp()
        self.disk = os.urandom(2_000_000)

    def test_the_disk_becomes_the_image(self) -> None:
        image = self.made(ovas.sound(self.disk), **{**_OVA, 'disk_format': 'raw', 'colour': 'blue'})
        self.assert_holds(image, self.disk)
        self.assertEqual(('bare', 'raw', 2_000_000), (image['container_format'], image['disk_format'], image['virtual_size']))
        # Nobody may create these but the service itself.
        self.assertEqual('x86:SSE3,x86:AVX2', image['CIM_PASD_InstructionSetExtensionName'])
        self.assertEqual('blue', image['colour'])

    def test_hostile_ovas(self) -> None:
        link = ovas.special('disk.vmdk', tarfile.SYMTYPE, '/etc/passwd')
        huge = tarfile.TarInfo('x')
        huge.type, huge.size = tarfile.XHDTYPE, 1 << 20
        for reason, data in (
            ('leads elsewhere', ovas.sound(self.disk, ovas.plain('../../etc/cron.d/x', b'x'))),
            ('plain files only', ovas.pack(ovas.plain('vm.ovf', ovas.descriptor()), link)),
            ('far too large', huge.tobuf() + bytes(1 << 20) + ovas.sound(self.disk)),
            ('2 disks', ovas.pack(ovas.plain('vm.ovf', ovas.descriptor(disks=ovas.DISK * 2)), ovas.plain('disk.vmdk', b'x'))),
            ('entities', ovas.pack(ovas.plain('vm.ovf', ovas.descriptor(prolog=f'<!DOCTYPE x [{_BILLION}]>')))),
            ('middle of a file', ovas.sound(self.disk)[:100_000]),
            ('no OVA', self.disk),
            ('sparse', _sparse(1 << 40)),
        ):
            with self.subTest(reason=reason):
                self.refused(reason, data, **_OVA)
        self.assert_no_traceback()

    def test_the_disk_is_inspected(self) -> None:
        self.refused('vmdk', ovas.sound(self.disk), **_OVA)

    def test_ovas_are_for_administrators(self) -> None:
        self.refused('Only administrators', ovas.sound(self.disk), 'alice', **_OVA)
        raw = {'disk_format': 'raw', 'container_format': 'bare'}
        self.assertEqual(self.personas.project('alice'), self.made(self.disk, 'alice', **raw)['owner'])

    def test_what_users_may_not_make_is_refused_at_once(self) -> None:
        for properties in ({'visibility': 'public'}, {'owner': self.personas.project('bob')}, {'secret': 'x'}, {'CIM_x': 'y'}):
            self.assertEqual(403, self.ask(b'', 'alice', **properties).status_code, properties)
        self.assertEqual([], self.request('alice', 'GET', '/v2/tasks').json()['tasks'])

    def test_what_is_wrong_with_an_image_the_task_tells(self) -> None:
        raw = {'disk_format': 'raw', 'container_format': 'bare'}
        for reason, properties in (
            ('image_property_quota', {**raw, **{f'p{number}': '' for number in range(5)}}),
            ('visibility', {**raw, 'visibility': ['public']}),
            ('owner', {**raw, 'owner': {}}),
            ('os_glance_x', {**raw, 'os_glance_x': 'y'}),
            ('disk_format', {'name': 'x'}),
            ('disk_format', {**raw, 'disk_format': 'nonsense'}),
        ):
            self.refused(reason, self.disk, **properties)

    def test_bad_urls(self) -> None:
        for url in ('http://[', 'https://[::1', 'http://', 'http:/x', 'HTTP://127.0.0.1:99999/', 'x' * 5000, 5, None):
            wanted = {'import_from': url, 'import_from_format': 'raw', 'image_properties': {}}
            answer = self.request('admin', 'POST', '/v2/tasks', json={'type': 'import', 'input': wanted})
            self.assertEqual(400, answer.status_code, url)


def _sparse(size: int) -> bytes:
    """Return an OVA whose disk is nothing but a hole of that size."""
    info = tarfile.TarInfo('disk.vmdk')
    info.pax_headers = {'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': str(size)}
    return ovas.pack(ovas.plain('vm.ovf', ovas.descriptor()), (info, b''), form=tarfile.PAX_FORMAT)


@unittest.skipUnless(shutil.which('qemu-img'), 'qemu-img is not installed')
class ConversionTest(TaskCase):
    """A service with one classic store, which makes raw disks of all that tasks import, in a directory of their own."""

    options: service.Options = {
        **TaskCase.options,
        'DEFAULT': {'enabled_backends': '', 'property_protection_file': '${STATE_DIR}/etc/protections.conf'},
        'glance_store': {'filesystem_store_datadir': '${STATE_DIR}/fast', 'default_backend': ''},
        'taskflow_executor': {'conversion_format': 'raw'},
    }

    def setUp(self) -> None:
        super().setUp()
        self.disk = os.urandom(1 << 20) + bytes(1 << 20)

    def of(self, kind: str, *options: str) -> bytes:
        """Return the disk in another format."""
        directory = pathlib.Path(process.temporary_directory())
        (directory / 'raw').write_bytes(self.disk)
        command = ['qemu-img', 'convert', '-f', 'raw', '-O', kind, *options, 'raw', 'new']
        subprocess.run(command, cwd=directory, check=True, capture_output=True)
        return (directory / 'new').read_bytes()

    def test_disks_are_converted(self) -> None:
        image = self.made(self.of('qcow2'), disk_format='qcow2', container_format='bare')
        self.assert_holds(image, self.disk)
        self.assertEqual(('raw', 2 << 20), (image['disk_format'], image['virtual_size']))

    def test_so_are_those_in_ovas(self) -> None:
        image = self.made(ovas.sound(self.of('vmdk', '-o', 'subformat=streamOptimized')), **_OVA)
        self.assert_holds(image, self.disk)
        self.assertEqual(('raw', 'bare'), (image['disk_format'], image['container_format']))

    def test_what_cannot_be_converted(self) -> None:
        self.refused('disk_format', self.disk, disk_format='qcow2', container_format='bare')
        backed = bytearray(self.of('qcow2'))
        backed[8:20] = (512).to_bytes(8, 'big') + (4).to_bytes(4, 'big')
        self.refused('not safe', bytes(backed), disk_format='qcow2', container_format='bare')

    def test_the_work_directory_is_used(self) -> None:
        piece = hostile.answer(b'x' * 100_000, length=200_000)
        web = self.useFixture(hostile.HostileServer({'/slow': hostile.sends(piece, wait=3)}))
        properties = {'disk_format': 'raw', 'container_format': 'bare'}
        wanted = {'import_from': f'{web.url}/slow', 'import_from_format': 'raw', 'image_properties': properties}
        path = self.request('admin', 'POST', '/v2/tasks', json={'type': 'import', 'input': wanted}).json()['self']
        process.wait_until(lambda: self.service.files('work'), _SOON, 'a file in the work directory', interval=0.1)
        self.assertEqual([], self.service.files('staging'))
        process.wait_until(lambda: 'expires_at' in self.request('admin', 'GET', path).json(), _SOON, 'its end', interval=0.1)
        self.assert_nothing_under_way()
