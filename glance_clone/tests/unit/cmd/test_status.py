# SPDX-License-Identifier: Apache-2.0
"""Checks and exit codes of ``glance-status``."""

from __future__ import annotations

import json
import pathlib

import fixtures

from glance_clone.cmd import status
from glance_clone.tests.unit.cmd import programs

_NAMES = [
    'Sheepdog Driver Removal',
    'Policy File JSON to YAML Migration',
    'Config option owner_is_tenant removal',
]


class StatusTest(programs.ProgramTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.config = self.directory / 'glance-api.conf'

    def check(self, text: str) -> tuple[int, list[int]]:
        """Check a configuration; return the exit code and the result of each check."""
        self.config.write_text(text)
        command = ('--config-file', str(self.config), 'upgrade', 'check', '--json')
        code, printed, _ = self.run_program(status.main, *command)
        checks = json.loads(printed)['checks']
        self.assertEqual(_NAMES, [each['check'] for each in checks])
        return code, [each['result'] for each in checks]

    def test_nothing_to_do(self) -> None:
        for text in ('', '[DEFAULT]\nenabled_backends = a:file\n', '[glance_store]\nstores = file, http\n'):
            self.assertEqual((0, [0, 0, 0]), self.check(text))

    def test_sheepdog(self) -> None:
        self.assertEqual((2, [2, 0, 0]), self.check('[DEFAULT]\nenabled_backends = a:file, b:sheepdog\n'))
        self.assertEqual((2, [2, 0, 0]), self.check('[glance_store]\nstores = file, sheepdog\n'))

    def test_policy_file(self) -> None:
        policy = self.directory / 'policy.any'
        text = f'[oslo_policy]\npolicy_file = {policy}\n'
        policy.write_text('{"get_images": "role:reader"}')
        self.assertEqual((2, [0, 2, 0]), self.check(text))
        policy.write_text('"get_images": "role:reader"\n')
        self.assertEqual((0, [0, 0, 0]), self.check(text))

    def test_owner_is_tenant(self) -> None:
        self.assertEqual((2, [0, 0, 2]), self.check('[DEFAULT]\nowner_is_tenant = False\n'))

    def test_table(self) -> None:
        self.config.write_text('')
        code, printed, _ = self.run_program(status.main, '--config-file', str(self.config), 'upgrade', 'check')
        self.assertEqual(0, code)
        for text in ('Upgrade Check Results', *_NAMES, 'Success'):
            self.assertIn(text, printed)

    def test_configuration_of_the_service_is_read(self) -> None:
        self.useFixture(fixtures.EnvironmentVariable('HOME', str(self.directory)))
        (self.directory / '.glance').mkdir()
        (self.directory / '.glance' / 'glance-api.conf').write_text('[DEFAULT]\nowner_is_tenant = False\n')
        self.assertEqual(2, self.run_program(status.main, 'upgrade', 'check')[0])

    def test_wrong_usage(self) -> None:
        self.assertEqual(2, self.run_program(status.main)[0])
        self.assertEqual(2, self.run_program(status.main, 'upgrade')[0])
        code, _, complaint = self.run_program(status.main, '--config-dir', '/nonexistent', 'upgrade', 'check')
        self.assertEqual((1, 'ERROR: Failed to read config file directory: /nonexistent\n'), (code, complaint))

    def test_a_check_that_fails(self) -> None:
        def fail(*_arguments: object) -> None:
            raise RuntimeError('something unexpected')

        self.useFixture(fixtures.MonkeyPatch('oslo_upgradecheck.common_checks.check_policy_json', fail))
        self.config.write_text('')
        code, printed, _ = self.run_program(status.main, '--config-file', str(self.config), 'upgrade', 'check')
        self.assertEqual(255, code)
        self.assertIn('something unexpected', printed)
