# SPDX-License-Identifier: Apache-2.0
"""The clients that people use, through a real Keystone: the ``openstack`` command and openstacksdk."""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import unittest
from typing import Any
from typing import ClassVar

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import clients

_MIB = 1024 * 1024
_GIB = 1024 * _MIB


def _sha512(path: pathlib.Path) -> str:
    with path.open('rb') as file:
        return hashlib.file_digest(file, 'sha512').hexdigest()


def make_qcow2(path: pathlib.Path, virtual_size: int = 64 * _MIB) -> None:
    """Write a real qcow2 with some data in it."""
    qemu_img = process.find_program('qemu-img', 'qemu-utils')
    raw = path.with_suffix('.raw')
    with raw.open('wb') as disk:
        disk.write(b'\0' * 512 + os.urandom(5 * _MIB))
        disk.truncate(virtual_size)
    subprocess.run([qemu_img, 'convert', '-f', 'raw', '-O', 'qcow2', str(raw), str(path)], check=True)
    raw.unlink()


def make_raw(path: pathlib.Path, size: int = _GIB) -> None:
    """Write a sparse file with data at its start, in its middle and at its end."""
    with path.open('wb') as disk:
        # A first sector of zeros, so that chance makes no partition table.
        disk.write(b'\0' * 512)
        for position in (512, size // 2, size - _MIB):
            disk.seek(position)
            disk.write(os.urandom(_MIB))


class _Clients:
    """The tests; the classes below say where they run."""

    disks: ClassVar[pathlib.Path]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.disks = pathlib.Path(process.temporary_directory())
        cls.addClassCleanup(shutil.rmtree, cls.disks)
        make_qcow2(cls.disks / 'disk.qcow2')

    def _image(self, *arguments: str) -> Any:
        return self.openstack_json('image', *arguments)

    def test_command_line(self) -> None:
        disk, saved = self.disks / 'disk.qcow2', self.disks / 'saved.qcow2'
        created = self._image(
            'create', 'from the command line', '--file', str(disk), '--disk-format', 'qcow2',
            '--property', 'os_distro=debian', '--tag', 'web', '--min-ram', '512',
        )  # fmt: skip
        shown = self._image('show', created['id'])
        self.assertEqual(('active', 'qcow2', disk.stat().st_size), (
            shown['status'], shown['disk_format'], shown['size']))  # fmt: skip
        self.assertEqual((['web'], 512), (shown['tags'], shown['min_ram']))
        self.assertEqual('debian', shown['properties']['os_distro'])
        self.assertEqual(_sha512(disk), shown['properties']['os_hash_value'])
        self.assertIn(created['id'], [image['ID'] for image in self._image('list')])
        self.assertEqual(shown['id'], self._image('show', 'from the command line')['id'])
        self.openstack('image', 'save', '--file', str(saved), created['id'])
        self.assertEqual(_sha512(disk), _sha512(saved))
        self.openstack('image', 'delete', created['id'])
        self.assertEqual([], self._image('list'))
        self.assertNotIn(created['id'], ' '.join(self.service.files()))
        self.assert_no_traceback()

    def _through_sdk(self, disk: pathlib.Path, disk_format: str, virtual_size: int) -> None:
        """Assert that an image survives its life in the hands of the SDK."""
        images = self.connection().image
        saved = self.disks / 'saved.sdk'
        image = images.create_image(
            'from the SDK', filename=str(disk), disk_format=disk_format, container_format='bare', wait=True,
            validate_checksum=True, os_distro='debian',
        )  # fmt: skip
        image = images.get_image(image.id)
        self.assertEqual(('active', disk.stat().st_size), (image.status, image.size))
        self.assertEqual(virtual_size, image.virtual_size)
        self.assertEqual(_sha512(disk), image.hash_value)
        self.assertEqual([image.id], [found.id for found in images.images(name='from the SDK')])
        self.assertEqual([], [found.id for found in self.connection(keystone.BOB).image.images()])
        images.download_image(image, output=str(saved), stream=True)
        self.assertEqual(_sha512(disk), _sha512(saved))
        saved.unlink()
        images.delete_image(image, ignore_missing=False)
        self.assertIsNone(images.find_image(image.id))
        self.assertNotIn(image.id, ' '.join(self.service.files()))
        self.assert_no_traceback()

    def test_sdk_with_qcow2(self) -> None:
        self._through_sdk(self.disks / 'disk.qcow2', 'qcow2', 64 * _MIB)

    def test_sdk_with_a_gibibyte(self) -> None:
        if shutil.disk_usage(self.disks).free < 4 * _GIB:
            raise unittest.SkipTest(f'less than 4 GiB are free in {self.disks}')
        disk = self.disks / 'disk.raw'
        make_raw(disk)
        self.addCleanup(disk.unlink)
        self._through_sdk(disk, 'raw', _GIB)


class UwsgiMariaDBTest(_Clients, clients.ClientTestCase):
    """As in a cloud: uWSGI on MariaDB."""

    database = 'mariadb'


class StandaloneSQLiteTest(_Clients, clients.ClientTestCase):
    """As on one machine: the standalone server on SQLite."""

    launcher = service.STANDALONE
