# SPDX-License-Identifier: Apache-2.0
"""The access rules: defaults, the operator's policy file, and what they say about a caller and a target."""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg
from oslo_policy import policy

from glance_clone import policies

#: One leaf of a rule as text, ``kind:match``; a quoted kind is a constant.
_LEAF = re.compile(r"""(['"]?)([\w.]+)['"]?:((?:%\([^)]*\)s|[^\s()])*)""")
_TARGET_NAME = re.compile(r'%\(([^)]*)\)s')
#: What is left of a rule without its leaves.
_REST = re.compile(r'(?:and|or|not|[\s()@!])*')
_CONSTANTS = ('None', 'True', 'False')

#: Seconds for which a change of the policy files may go unnoticed.
_RELOAD_INTERVAL = 1.0
#: Decisions that are remembered; when there are more, all are forgotten.
_MOST_DECISIONS = 8192
#: What the enforcer reads of every caller before it looks at a rule: the scope of the token.
_SCOPE = ('system_scope', 'domain_id')


def get_enforcer() -> policy.Enforcer:
    """Return an enforcer of the default rules; entry point of the oslo.policy tools."""
    conf = cfg.CONF
    if not conf.config_file:
        conf([], project='glance')
    return build_enforcer(conf)


def build_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """Return an enforcer of the default rules and of the operator's policy file, which is re-read when it changes."""
    enforcer = policy.Enforcer(conf, use_conf=True)
    enforcer.register_defaults(policies.list_rules())
    return enforcer


class Rules:
    """Evaluates rules, each only once for all callers and targets that are alike to it.

    A rule is a function of those attributes of the caller and of the target which it names, so its decision is
    remembered by these. Rules that ask a remote server, or are of a kind that this module does not know, are evaluated
    every time. Changed policy files count within a second.
    """

    def __init__(self, enforcer: policy.Enforcer):
        self._enforcer = enforcer
        self._checks: list[Any] = []
        self._next_load = 0.0
        self._reads: dict[str, tuple[tuple[str, ...], tuple[str, ...]] | None] = {}
        self._decisions: dict[Any, bool] = {}

    def knows(self, name: str) -> bool:
        """Tell whether there is a rule of that name; others are judged by the rule ``default``."""
        self._refresh()
        return name in self._enforcer.rules

    def allows(self, name: str, target: Mapping[str, Any], credentials: dict[str, Any]) -> bool:
        """Tell whether a rule lets a caller do something to a target.

        :param credentials: what rules may know of the caller, as oslo.context's ``to_policy_values`` names it
        """
        self._refresh()
        if name not in self._reads:
            self._reads[name] = self._find_reads(name, credentials)
        reads = self._reads[name]
        if reads is None:
            return self._evaluate(name, target, credentials)
        of_target, of_caller = reads
        key = (name, *[target.get(each) for each in of_target], *[_hashable(credentials.get(each)) for each in of_caller])
        decision = self._decisions.get(key)
        if decision is None:
            decision = self._evaluate(name, target, credentials)
            if len(self._decisions) >= _MOST_DECISIONS:
                self._decisions.clear()
            self._decisions[key] = decision
        return decision

    def _evaluate(self, name: str, target: Mapping[str, Any], credentials: dict[str, Any]) -> bool:
        return bool(self._enforcer.enforce(name, target, credentials))

    def _refresh(self) -> None:
        """Read changed policy files now and then, and forget what was decided by other rules."""
        now = time.monotonic()
        if now < self._next_load:
            return
        self._next_load = now + _RELOAD_INTERVAL
        self._enforcer.load_rules()
        checks = list(self._enforcer.rules.values())
        if len(checks) != len(self._checks) or not all(map(operator.is_, checks, self._checks)):
            self._checks, self._reads, self._decisions = checks, {}, {}

    def _find_reads(self, name: str, credentials: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return which attributes of the target and of the caller a rule reads; None if that cannot be told."""
        of_target: set[str] = set()
        of_caller = {*_SCOPE}
        waiting, seen = [name], set()
        while waiting:
            current = waiting.pop()
            seen.add(current)
            if current not in self._enforcer.rules:
                return None
            text = str(self._enforcer.rules[current])
            if not _REST.fullmatch(_LEAF.sub('', text)):
                return None
            for quote, kind, match in _LEAF.findall(text):
                of_target.update(_TARGET_NAME.findall(match))
                if kind == 'rule':
                    waiting.extend({match} - seen)
                elif kind == 'role':
                    of_caller.add('roles')
                elif kind in credentials:
                    of_caller.add(kind)
                elif not quote and kind not in _CONSTANTS:
                    return None
        return tuple(sorted(of_target)), tuple(sorted(of_caller))


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
