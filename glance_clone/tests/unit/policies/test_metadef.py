# SPDX-License-Identifier: Apache-2.0
"""The rules of metadata definitions are those that operators' policy files were written for."""

from glance_clone import policies
from glance_clone.tests import base
from glance_clone.tests import facts


def _known(rule):
    deprecated = rule.deprecated_rule
    old = deprecated and {
        'name': deprecated.name,
        'check_str': deprecated.check_str,
        'deprecated_since': deprecated.deprecated_since,
    }
    return (rule.check_str, rule.scope_types, getattr(rule, 'operations', []), old)


def _found(node):
    """Yield what is written about rules, wherever in the facts."""
    if isinstance(node, dict):
        if 'check_str' in node and 'scope_types' in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _found(part)


class MetadefRulesTest(base.TestCase):
    def test_rules_are_the_known_ones(self):
        mine = {rule.name: _known(rule) for rule in policies.list_rules() if 'metadef' in rule.name}
        known = {
            rule['name']: (rule['check_str'], rule['scope_types'], rule['operations'], rule['deprecated_rule'])
            for rule in _found(facts.load('policies.json'))
            if 'metadef' in rule['name']
        }
        self.assertEqual(28, len(known))
        self.assertEqual(known, mine)
