# SPDX-License-Identifier: Apache-2.0
"""Words and exit codes of ``glance-replicator``, what it replicates, and how it guards the bytes."""

from __future__ import annotations

import hashlib
import json
import pathlib
from typing import Any

import fixtures

from glance_clone.cmd import replicator
from glance_clone.cmd.replicator import server
from glance_clone.cmd.replicator.data import CheckedData
from glance_clone.cmd.replicator.folder import Folder
from glance_clone.cmd.replicator.records import Fields
from glance_clone.tests import base
from glance_clone.tests.fixtures import process
from glance_clone.tests.unit.cmd import programs

_ID = '0f0ac6b8-6b0c-4d4c-8a5c-0d4a0f0e4c11'


class TestProgram(programs.ProgramTestCase):
    def test_help(self) -> None:
        code, printed, _ = self.run_program(replicator.main)
        self.assertEqual(0, code)
        for command in ('compare', 'dump', 'help', 'livecopy', 'load', 'size'):
            self.assertIn(f'\n  {command} ', printed)
        self.assertEqual((0, printed, ''), self.run_program(replicator.main, 'help'))
        code, printed, _ = self.run_program(replicator.main, 'help', 'dump')
        self.assertEqual((0, True), (code, '<server:port> <path>' in printed))

    def test_wrong_usage(self) -> None:
        for arguments in (
            ('nonsense',),
            ('help', 'nonsense'),
            ('size',),
            ('size', 'a:1', 'b:1'),
            ('livecopy', 'a:1'),
            ('compare', 'a', 'b:1'),
            ('dump', '127.0.0.1:1'),
            ('dump', '127.0.0.1:1', '/nonexistent'),
            ('--config-file', '/nonexistent', 'size', 'a:1'),
        ):
            code, printed, complaint = self.run_program(replicator.main, *arguments)
            self.assertEqual((1, ''), (code, printed), arguments)
            self.assertTrue(complaint.startswith('ERROR: '), complaint)
        self.assertEqual(2, self.run_program(replicator.main, '--nonsense')[0])

    def test_server_that_is_not_there(self) -> None:
        address = f'127.0.0.1:{process.free_port()}'
        code, _, complaint = self.run_program(replicator.main, 'size', address)
        self.assertEqual((1, f'ERROR: {address} cannot be asked: [Errno 111] Connection refused\n'), (code, complaint))

    def test_addresses(self) -> None:
        for address, url in (
            ('host:9292', 'http://host:9292'),
            ('[::1]:9292', 'http://[::1]:9292'),
            ('https://cloud.example.org/image/', 'https://cloud.example.org/image'),
        ):
            self.assertEqual(url, server.base_url(address))
        for address in ('', 'host', 'host:', ':9292', 'host:0', 'host:65536', '::1:9292', 'a b:1', 'ftp://h:1', 'http://'):
            self.assertRaises(ValueError, server.base_url, address)


class TestFields(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.fields = Fields(['left_out'])
        self.image: dict[str, Any] = {
            'id': _ID, 'name': 'n', 'status': 'active', 'size': 3, 'checksum': 'c',
            'os_hash_algo': 'sha512', 'os_hash_value': 'h', 'tags': ['b', 'a'],
            'created_at': 't', 'stores': 's', 'disk_format': 'raw', 'own': '1', 'left_out': 'x',
            'os_glance_failed_import': '',
        }  # fmt: skip

    def test_record(self) -> None:
        wanted = {'id': _ID, 'name': 'n', 'tags': ['a', 'b'], 'disk_format': 'raw', 'own': '1'}
        self.assertEqual(wanted, self.fields.record(self.image))
        self.assertEqual(_ID, Fields(['id']).record(self.image)['id'])

    def test_differences(self) -> None:
        other = {**self.image, 'tags': ['a', 'b'], 'created_at': 'later', 'left_out': 'y', 'stores': 'z'}
        self.assertEqual([], self.fields.differences(self.image, other))
        other.update(name='m', size=4, more='1')
        del other['own']
        self.assertEqual(['more', 'name', 'own', 'size'], self.fields.differences(self.image, other))
        self.assertEqual([], self.fields.differences(self.image, {**self.image, 'os_hash_algo': 'x', 'os_hash_value': 'y'}))

    def test_patch(self) -> None:
        wanted = {**self.image, 'name': 'm', 'a/b~c': '1', 'disk_format': 'qcow2', 'tags': ['a', 'b']}
        del wanted['own']
        operations = [
            {'op': 'add', 'path': '/a~1b~0c', 'value': '1'},
            {'op': 'replace', 'path': '/name', 'value': 'm'},
            {'op': 'remove', 'path': '/own'},
        ]
        self.assertEqual(operations, self.fields.patch(self.image, wanted))
        self.assertEqual([], self.fields.patch(self.image, self.image))
        formats = {'op': 'replace', 'path': '/disk_format', 'value': 'qcow2'}
        self.assertIn(formats, self.fields.patch({**self.image, 'status': 'queued'}, wanted))


class TestData(base.TestCase):
    def image(self, data: bytes, **more: object) -> dict[str, Any]:
        hashes = {'os_hash_algo': 'sha256', 'os_hash_value': hashlib.sha256(data).hexdigest()}
        return {'id': _ID, 'size': len(data), **hashes, **more}

    def received(self, image: dict[str, Any], blocks: list[bytes]) -> tuple[bytes, bool]:
        """Return what came through, and whether it ended well."""
        passed = b''
        try:
            for block in CheckedData(image, blocks):
                passed += block
        except server.Failure:
            return passed, False
        return passed, True

    def test_good_data(self) -> None:
        for blocks in ([b'abc', b'', b'def'], [b'abcdef'], [b'', b'a', b'bcdef', b'']):
            self.assertEqual((b'abcdef', True), self.received(self.image(b'abcdef'), blocks))
        self.assertEqual((b'', True), self.received(self.image(b''), []))

    def test_wrong_data_stay_incomplete(self) -> None:
        for blocks in ([b'abc', b'dex'], [b'abc'], [b'abc', b'def', b'g'], [b'abcdefg'], []):
            passed, good = self.received(self.image(b'abcdef'), blocks)
            self.assertFalse(good)
            self.assertLess(len(passed), 6)

    def test_hashes_that_are_not_known(self) -> None:
        checksum = hashlib.md5(b'abc', usedforsecurity=False).hexdigest()
        image = self.image(b'abc', os_hash_algo='unheard-of', checksum=checksum)
        self.assertTrue(self.received(image, [b'abc'])[1])
        self.assertFalse(self.received(image, [b'abx'])[1])
        self.assertTrue(self.received({'id': _ID, 'size': 3}, [b'abx'])[1])


class TestFolder(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.folder = Folder(str(self.path))

    def test_unfinished_data_are_removed(self) -> None:
        image = {'id': _ID, 'size': 4}
        self.assertRaises(server.Failure, self.folder.write_data, _ID, CheckedData(image, [b'abc']))
        self.assertEqual([], list(self.path.iterdir()))

    def test_records(self) -> None:
        self.folder.write_record({'id': _ID, 'name': 'ü'})
        self.assertEqual({'id': _ID, 'name': 'ü'}, self.folder.record(_ID))
        (self.path / 'notes.txt').write_text('')
        (self.path / f'{_ID}.img').write_text('abc')
        self.assertEqual([_ID], self.folder.ids())
        self.assertEqual([b'ab', b'c'], list(self.folder.blocks(_ID, 2)))

    def test_bad_records(self) -> None:
        for text in ('', '[]', json.dumps({'id': 'another'})):
            (self.path / _ID).write_text(text)
            self.assertRaises(server.Failure, self.folder.record, _ID)
