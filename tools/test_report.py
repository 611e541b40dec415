# SPDX-License-Identifier: Apache-2.0
"""Count the results of a test run and name what failed and what was skipped.

Usage: test_report.py SUBUNIT_FILE TOTALS_FILE; writes {"passed": n, "failed": n, "skipped": n} to the second.
"""

from __future__ import annotations

import collections
import json
import pathlib
import sys
from typing import Any

import subunit
import testtools

_PASSED = ('success', 'xfail')


class Collector(testtools.StreamToDict):  # type: ignore[misc]
    """Sorts finished tests by what became of them."""

    def __init__(self) -> None:
        super().__init__(self._on_test)
        self.passed = 0
        self.failed: list[str] = []
        self.skipped: dict[str, list[str]] = collections.defaultdict(list)

    def _on_test(self, test: dict[str, Any]) -> None:
        if test['status'] in _PASSED:
            self.passed += 1
        elif test['status'] == 'skip':
            reason = test['details'].get('reason')
            self.skipped[reason.as_text().strip() if reason else 'no reason given'].append(test['id'])
        elif test['status'] != 'exists':
            # Also tests that never ended, because their process died.
            self.failed.append(f'{test["id"]} ({test["status"]})')


def collect(path: str) -> Collector:
    """Read a subunit stream."""
    collector = Collector()
    collector.startTestRun()
    with open(path, 'rb') as stream:
        subunit.ByteStreamToStreamResult(stream, non_subunit_name='output').run(collector)
    collector.stopTestRun()
    return collector


def main(source: str, target: str) -> None:
    """Print the report and write the totals."""
    found = collect(source)
    for reason, tests in sorted(found.skipped.items()):
        print(f'\nskipped, {len(tests)}: {reason}')
        for test in sorted(tests):
            print(f'    {test}')
    if found.failed:
        print(f'\nfailed, {len(found.failed)} (details above):')
        for test in sorted(found.failed):
            print(f'    {test}')
    skipped = sum(map(len, found.skipped.values()))
    totals = {'passed': found.passed, 'failed': len(found.failed), 'skipped': skipped}
    pathlib.Path(target).write_text(json.dumps(totals))


if __name__ == '__main__':
    main(*sys.argv[1:])
