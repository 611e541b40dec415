# SPDX-License-Identifier: Apache-2.0
"""Who may do what (P9): the whole product of persona, visibility, status and operation under each variant of the rules."""

from __future__ import annotations

import testscenarios

from glance_clone.tests import base
from glance_clone.tests.access import matrix
from glance_clone.tests.access.world import World

load_tests = testscenarios.load_tests_apply_scenarios


class WholeTest(base.TestCase):
    """Every case of every operation."""

    scenarios = [(name, {'variant': name}) for name in matrix.load().variants]

    variant: str

    def test_all(self) -> None:
        table = matrix.load()
        world = self.useFixture(World(table, self.variant))
        cases = [case for operation in table.operations for case in table.cases(self.variant, operation)]
        self.assertGreater(len(cases), 1000)
        wrong = [found for found in map(world.judge, cases) if found]
        self.assertEqual('', '\n'.join(wrong))
