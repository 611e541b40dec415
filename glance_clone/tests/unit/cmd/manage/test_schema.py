# SPDX-License-Identifier: Apache-2.0
"""Words, outputs and exit codes of ``glance-manage``, and its actions on the schema."""

from __future__ import annotations

import os

import fixtures

from glance_clone.cmd import manage
from glance_clone.tests.unit.cmd.manage import base

_HEAD = '2024_1_contract01\n'


class ManageTest(base.ManageTestCase):
    def test_a_rolling_upgrade(self) -> None:
        def code(*arguments: str) -> int:
            return self.manage('db', *arguments)[0]

        self.assertEqual([3, 1, 1], [code('check'), code('migrate'), code('contract')])
        self.assertEqual([0, 0, 5], [code('expand'), code('migrate'), code('check')])
        self.assertEqual((0, '2024_1_expand01\n'), self.manage('db', 'version'))
        self.assertEqual([0, 0], [code('contract'), code('check')])
        self.assertEqual((0, _HEAD), self.manage('db', 'version'))
        self.assertEqual([0] * 4, [code(step) for step in ('expand', 'migrate', 'contract', 'sync')])

    def test_messages_name_the_next_step(self) -> None:
        self.assertIn('db expand', self.manage('db', 'check')[1])
        self.manage('db', 'expand')
        self.assertIn('db contract', self.manage('db', 'check')[1])

    def test_sync(self) -> None:
        code, empty = self.manage('db', 'version')
        self.assertEqual((0, 1), (code, len(empty.splitlines())))
        for arguments in (
            ('db', 'sync'),
            ('db', 'sync', 'ignored'),
            ('db', 'sync', '--version', 'x'),
            ('db_sync',),
            ('db_sync', 'x'),
        ):
            self.assertEqual(0, self.manage(*arguments)[0], arguments)
        self.assertIn('up to date', self.manage('db', 'sync')[1])
        self.assertEqual((0, _HEAD), self.manage('db_version'))

    def test_upgrade(self) -> None:
        self.assertEqual(1, self.manage('db', 'upgrade', 'nope')[0])
        self.assertEqual(1, self.manage('db', 'upgrade', '--version', 'nope')[0])
        self.assertEqual(0, self.manage('db_upgrade', '2024_1_expand01')[0])
        code, printed = self.manage('db_upgrade')
        self.assertEqual((0, True), (code, '2024_1_contract01' in printed))

    def test_version_control(self) -> None:
        for arguments, wanted in (
            (('db', 'version_control'), 'liberty'),
            (('db', 'version_control', '--version', 'zed_expand01'), 'zed_expand01'),
            (('db_version_control', '2024_1_expand01'), '2024_1_expand01'),
        ):
            code, printed = self.manage(*arguments)
            self.assertEqual((0, True), (code, wanted in printed))
            self.assertEqual((0, f'{wanted}\n'), self.manage('db', 'version'))

    def test_an_old_database(self) -> None:
        self.manage('db', 'version_control', 'zed_contract01')
        code, _, complaint = self.run_main('--config-file', str(self.config), 'db', 'sync')
        self.assertEqual(1, code)
        self.assertIn('zed_contract01', complaint)
        self.assertIn('2024.1', complaint)

    def test_wrong_usage(self) -> None:
        self.assertEqual(2, self.run_main()[0])
        self.assertIn('usage', self.run_main()[1])
        code, actions = self.manage('db')
        self.assertEqual(2, code)
        for action in manage.ACTIONS:
            self.assertIn(action, actions)
        for arguments in ((), ('foo',), ('db', 'foo'), ('db', 'check', '--foo'), ('db', 'sync', 'a', 'b')):
            self.assertEqual(2, self.manage(*arguments)[0], arguments)

    def test_no_database(self) -> None:
        for url, complaint in (
            ('', 'connection is not set'),
            ('nonsense', 'connection is not the URL'),
            ('mysql+pymysql://u:secret@127.0.0.1:1/d', "Can't connect"),
            ('postgresql://u:secret@127.0.0.1:1/d', 'Connection refused'),
            ('sqlite:////nonexistent/images.sqlite', 'unable to open database file'),
        ):
            self.configure(url)
            for arguments in (('db', 'sync'), ('db', 'version')):
                code, _, complaints = self.run_main('--config-file', str(self.config), *arguments)
                self.assertEqual(1, code, url)
                self.assertIn(complaint, complaints)
                self.assertNotIn('secret', complaints)

    def test_default_files_in_order(self) -> None:
        home = self.directory / '.glance'
        home.mkdir()
        self.useFixture(fixtures.EnvironmentVariable('HOME', str(self.directory)))
        for name in ('glance.conf', 'glance-api.conf', 'glance-manage.conf'):
            (home / name).write_text(f'[database]\nconnection = sqlite:///{self.directory}/{name}.sqlite\n')
            self.assertEqual(0, self.run_main('db', 'sync')[0])
            self.assertTrue(os.path.exists(f'{self.directory}/{name}.sqlite'), name)
