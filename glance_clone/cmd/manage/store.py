# SPDX-License-Identifier: Apache-2.0
"""Actions on the stores: compare what they hold with the database."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from glance_clone import bootstrap
from glance_clone.cmd.manage.actions import Action
from glance_clone.cmd.manage.actions import Kind
from glance_clone.cmd.manage.actions import Option
from glance_clone.cmd.progress import Progress
from glance_clone.jobs import audit
from glance_clone.jobs.audit import Finding


class StoreAction(Action):
    """An action that works with the stores, and is called with the configuration."""

    def perform(self, conf: cfg.ConfigOpts, given: Any, in_order: Any) -> int:
        """Do it; see :meth:`Action.perform`."""
        return self.run(conf, **self.values(conf, given, in_order))


def _audit(conf: cfg.ConfigOpts, repair: bool = False, verify: bool = False, **more: bool) -> int:
    as_json = bool(more.get('json'))
    findings: list[Finding] = []
    with bootstrap.auditing(conf) as parts, Progress('Looking at', parts.count(), 'object') as progress:
        for finding in parts.audit(progress.advance, repair, verify).run():
            findings.append(finding)
            if not as_json:
                done = ' (repaired)' if finding.is_repaired else ''
                print(f'{finding.kind}: {finding.what} in {finding.where}: {finding.reason}{done}')
    if as_json:
        print(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=1))
    else:
        print(_summary(findings))
    return 0 if audit.is_well(findings) else 1


def _summary(findings: list[Finding]) -> str:
    if not findings:
        return 'All is well.'
    counts = collections.Counter(finding.kind for finding in findings)
    repaired = sum(finding.is_repaired for finding in findings)
    kinds = ', '.join(f'{count} {kind}' for kind, count in sorted(counts.items()))
    return f'Found {len(findings)}: {kinds}. Repaired {repaired}.'


ACTIONS: Mapping[str, Action] = {
    'audit': StoreAction(
        _audit,
        'Compare what stores, staging directory and cache of this node hold with the database, both ways. Ends with status 0 '
        'if all is well, or was repaired, and with 1 otherwise. The service may run meanwhile.',
        (
            Option('repair', Kind.FLAG, 'Remove what belongs to nothing, and take missing copies off images that have others.'),
            Option('verify', Kind.FLAG, 'Read all data and compare its hashes; this takes long.'),
            Option('json', Kind.FLAG, 'Print what was found as a JSON list.'),
        ),
    ),
}
