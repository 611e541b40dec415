# SPDX-License-Identifier: Apache-2.0
"""Command lines that scripts of operators use, flag by flag, as the facts list them."""

from __future__ import annotations

import inspect
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone.cmd import control
from glance_clone.cmd import manage
from glance_clone.cmd import replicator
from glance_clone.cmd import status
from glance_clone.tests import facts
from glance_clone.tests.unit.cmd import programs


class FactsTest(programs.ProgramTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.scripts = facts.load('commands.json')['scripts']

    def assert_usage(self, main: Any, usage: str, *arguments: str) -> None:
        """Assert that the help of a program has a text."""
        code, printed, _ = self.run_program(main, *arguments)
        self.assertEqual(0, code, arguments)
        self.assertIn(usage, printed)

    def test_actions_of_manage(self) -> None:
        known = self.scripts['glance-manage']
        actions = known['tree']['subcommands']['db']['subcommands']
        self.assertLessEqual(set(known['tree']['actions_listed_by_bare_db']), set(manage.ACTIONS))
        for name, wanted in actions.items():
            self.assert_usage(manage.main, f'db {name}', 'db', name, '--help')
            flags = [flag for argument in wanted['args'] for flag in argument.get('flags', ())]
            kinds = [argument.get('type', argument.get('kind')) for argument in wanted['args'] if 'flags' in argument]
            options = manage.ACTIONS[name].options[: len(flags)]
            self.assertEqual(flags, [f'--{option.name}' for option in options], name)
            wanted_kinds = [{'int': 'number', 'StoreTrue': 'flag', None: 'text'}[kind] for kind in kinds]
            self.assertEqual(wanted_kinds, [option.kind.value for option in options], name)

    def test_defaults_of_manage(self) -> None:
        for name, defaults in self.scripts['glance-manage']['python_defaults'].items():
            parameters = inspect.signature(manage.ACTIONS[name].run).parameters
            for option, value in defaults.items():
                # Where they have none, the configuration has.
                if value is not None:
                    self.assertEqual(value, parameters[option].default, f'{name} {option}')

    def test_joined_spellings_of_manage(self) -> None:
        known = self.scripts['glance-manage']
        for joined in known['legacy_aliases']:
            self.assert_usage(manage.main, joined, joined, '--help')
        for joined, values in known['legacy_alias_positionals'].items():
            names = [option.name for option in manage.ACTIONS[known['legacy_aliases'][joined]].positional]
            self.assertEqual([value.rstrip('?') for value in values], names[: len(values)])

    def test_options_of_replicator(self) -> None:
        known = self.scripts['glance-replicator']
        conf = cfg.ConfigOpts()
        conf.register_cli_opts(replicator.CLI_OPTS)
        conf.register_opts(replicator.TOKEN_OPTS)
        logging.register_options(conf)
        conf([], default_config_files=[])
        printed = self.run_program(replicator.main, '--help')[1]
        for option in known['cli_opts']:
            for flag in option['flags']:
                self.assertIn(flag, printed)
            if option['flags'] and option['name'] != 'shell_completion':
                self.assertEqual(option['default'], conf[option['name'].replace('-', '_')], option['name'])
        for name in known['config_only_opts']:
            self.assertEqual('', conf[name])
        wanted = {name: tuple(arguments) for name, arguments in known['commands'].items() if name != 'help'}
        self.assertEqual(wanted, {name: arguments for name, (_, arguments) in replicator.COMMANDS.items()})

    def test_options_of_control(self) -> None:
        known = self.scripts['glance-control']
        printed = self.run_program(control.main, '--help')[1]
        for option in known['options']:
            for flag in filter(None, (option['flag'], option.get('negated'))):
                self.assertIn(flag, printed)
        self.assertEqual(set(known['commands']), set(control.COMMANDS))
        for server in known['servers']:
            self.assertEqual(2, self.run_program(control.main, server, 'nonsense')[0])
            self.assertIn('no command', self.run_program(control.main, server, 'nonsense')[2])

    def test_checks_of_status(self) -> None:
        known = self.scripts['glance-status']['tree']
        self.assertEqual(known['check_names'], [name for name, _ in status.Checks._upgrade_checks])
        self.assert_usage(status.main, '--json', 'upgrade', '--help')
