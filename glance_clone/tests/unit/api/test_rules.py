# SPDX-License-Identifier: Apache-2.0
"""Access rules: what is remembered, and for whom."""

from __future__ import annotations

import pathlib
from typing import Any

import fixtures
from oslo_config import cfg
from oslo_policy import policy

from glance_clone.api import rules
from glance_clone.api.context import RequestContext
from glance_clone.tests import base


class RulesTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.policy_file = self.directory / 'policy.yaml'
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[])
        self.enforcer = policy.Enforcer(conf, policy_file=str(self.policy_file), use_conf=True)
        self.evaluated = 0
        enforce = self.enforcer.enforce

        def counted(*args: Any) -> bool:
            self.evaluated += 1
            return bool(enforce(*args))

        self.enforcer.enforce = counted
        self.rules = rules.Rules(self.enforcer)

    def _write(self, **checks: str) -> None:
        self.policy_file.write_text(''.join(f'{name}: {check!r}\n' for name, check in checks.items()))

    def _allows(self, target: dict[str, Any] | None = None, name: str = 'act', **caller: Any) -> bool:
        return self.rules.allows(name, target or {}, RequestContext(**caller).policy_values)

    def _count(self, wanted: int) -> None:
        self.assertEqual(wanted, self.evaluated)

    def test_alike_callers_and_targets_are_judged_once(self) -> None:
        self._write(act='role:member and project_id:%(owner)s')
        for user in ('alice', 'amy'):
            for name in ('one', 'two'):
                self.assertTrue(self._allows({'owner': 'a', 'name': name}, user_id=user, project_id='a', roles=['member']))
        self._count(1)

    def test_what_the_rule_reads_tells_callers_apart(self) -> None:
        self._write(act='role:member and project_id:%(owner)s')
        self.assertTrue(self._allows({'owner': 'a'}, project_id='a', roles=['member']))
        self.assertFalse(self._allows({'owner': 'b'}, project_id='a', roles=['member']))
        self.assertFalse(self._allows({'owner': 'a'}, project_id='b', roles=['member']))
        self.assertFalse(self._allows({'owner': 'a'}, project_id='a', roles=['reader']))
        self._count(4)

    def test_what_other_rules_read_counts(self) -> None:
        self._write(act='rule:mine or (not rule:open and user_id:%(user)s)', mine='project_id:%(owner)s', open="'x':%(y.z)s")
        self.assertTrue(self._allows({'owner': 'a'}, project_id='a', user_id='u'))
        self.assertFalse(self._allows({'owner': 'b', 'user': 'u', 'y.z': 'x'}, project_id='a', user_id='u'))
        self.assertTrue(self._allows({'owner': 'b', 'user': 'u', 'y.z': 'w'}, project_id='a', user_id='u'))

    def test_a_changed_file_counts(self) -> None:
        self._write(act='@')
        self.assertTrue(self._allows())
        self._write(act='role:nobody-has-this')
        self.rules._next_load = 0.0
        self.assertFalse(self._allows())

    def test_kinds_that_are_not_known_are_asked_every_time(self) -> None:
        self._write(act='something_else:%(owner)s')
        for _ in range(2):
            self.assertFalse(self._allows({'owner': 'a'}, project_id='a'))
        self._count(2)

    def test_rules_that_do_not_exist(self) -> None:
        self._write(act='rule:missing')
        self.assertFalse(self._allows())
        self.assertFalse(self._allows(name='missing'))
        self.assertFalse(self.rules.knows('missing'))
        self.assertTrue(self.rules.knows('act'))

    def test_memory_is_bounded(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.api.rules._MOST_DECISIONS', 10))
        self._write(act='project_id:%(owner)s')
        for number in range(25):
            self.assertFalse(self._allows({'owner': str(number)}, project_id='a'))
        self.assertTrue(len(self.rules._decisions) <= 10)
