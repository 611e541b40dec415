# SPDX-License-Identifier: Apache-2.0
"""Who may do what (P9): of the matrix in ``tests/access``, so many cases that all pairs occur.

``tests/slow/test_access.py`` has the full product.
"""

from __future__ import annotations

import testscenarios

from glance_clone.api import routes
from glance_clone.tests import base
from glance_clone.tests.access import matrix
from glance_clone.tests.access.world import World

load_tests = testscenarios.load_tests_apply_scenarios


class PairwiseTest(base.TestCase):
    """Every operation under one variant of the access rules."""

    scenarios = [(name, {'variant': name}) for name in matrix.load().variants]

    variant: str

    def test_pairs(self) -> None:
        table = matrix.load()
        world = self.useFixture(World(table, self.variant))
        cases = table.pairwise(self.variant, table.operations)
        self.assertGreater(len(cases), 100)
        wrong = [found for found in map(world.judge, cases) if found]
        self.assertEqual('', '\n'.join(wrong))


class StrangersTest(base.TestCase):
    """Whoever is not confirmed gets nowhere."""

    def test_every_operation(self) -> None:
        table = matrix.load()
        world = self.useFixture(World(table, 'everything allowed'))
        cases = [next(iter(table.cases('everything allowed', operation))) for operation in table.operations]
        wrong = [found for found in map(world.judge_stranger, cases) if found]
        self.assertEqual('', '\n'.join(wrong))


class RoutesTest(base.TestCase):
    """Every route has a row in the matrix."""

    def test_no_route_is_forgotten(self) -> None:
        known = {(verb, path.template) for path in routes.TABLE for verb in path.actions}
        covered = {operation.name: _route_of(operation, known) for operation in matrix.load().operations}
        self.assertEqual([], sorted(known.difference(covered.values())))
        self.assertEqual([], [name for name, route in covered.items() if route is None])


class CoverTest(base.TestCase):
    """The choice of cases."""

    def test_all_pairs_occur(self) -> None:
        dimensions = [list('abc'), list('1234'), list('xyz')]
        chosen = matrix.cover(dimensions)
        for first, second in ((0, 1), (0, 2), (1, 2)):
            met = {(values[first], values[second]) for values in chosen}
            self.assertEqual({(one, other) for one in dimensions[first] for other in dimensions[second]}, met)
        self.assertLess(len(chosen), 20)
        self.assertEqual(chosen, matrix.cover(dimensions))


def _route_of(operation: matrix.Operation, known: set[tuple[str, str]]) -> tuple[str, str] | None:
    """Return the route that answers an operation: of those that fit, the one with the fewest variable parts."""
    verb, path = operation.route
    parts = path.split('/')
    fitting = [
        (sum(part.startswith('{') for part in template.split('/')), (method, template))
        for method, template in known
        if method == verb and len(parts) == template.count('/') + 1 and _fits(parts, template.split('/'))
    ]
    return min(fitting)[1] if fitting else None


def _fits(parts: list[str], template: list[str]) -> bool:
    return all(part == wanted or wanted.startswith('{') for part, wanted in zip(parts, template, strict=True))
