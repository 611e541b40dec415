# SPDX-License-Identifier: Apache-2.0
"""Recorded exchanges with a reference service, replayed.

The recordings are in a kit apart from this repository, found by ``IMAGE_CONFORMANCE_KIT`` (by default
``../shared/conformance`` beside the checkout). ``conformance/expected.yaml`` lists the scenarios that pass;
``conformance/deviations.yaml`` has the steps in which the service differs on purpose. Which scenarios pass now, and what
is wrong with the others, is printed by::

    python -m glance_clone.tests.functional.test_conformance [PROFILE | SCENARIO] ...
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from typing import Any

import testscenarios
import yaml

from glance_clone.tests import base
from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import service

load_tests = testscenarios.load_tests_apply_scenarios

_DATA = pathlib.Path(__file__).parent / 'conformance'
_DEVIATIONS = _DATA / 'deviations.yaml'
_BESIDE_CHECKOUT = pathlib.Path(__file__).parents[4] / 'shared' / 'conformance'

#: Steps that fail on one database by what its columns can keep: TEXT ends at 65,535 bytes there.
_TOO_LONG = {'mariadb': {'images/create-long': 2, 'patch/malformed': 4}}

EXPECTED: dict[str, list[str]] = yaml.safe_load((_DATA / 'expected.yaml').read_text())


def find_kit() -> pathlib.Path:
    """Return the directory of the kit.

    :raises unittest.SkipTest: it is not here
    """
    kit = pathlib.Path(os.environ.get('IMAGE_CONFORMANCE_KIT', _BESIDE_CHECKOUT))
    if not (kit / 'replay.py').exists():
        raise unittest.SkipTest(f'no conformance kit in {kit}; set IMAGE_CONFORMANCE_KIT')
    return kit


def configuration(kit: pathlib.Path, profile: str, database_url: str | None = None) -> str:
    """Return the configuration of a profile, with a place for state and port, as ``Service`` takes it."""
    text = (kit / 'profiles' / f'{profile}.conf').read_text().replace('${PROFILE_DIR}', str(kit / 'profiles'))
    text = text.replace('[DEFAULT]', '[DEFAULT]\nbind_host = 127.0.0.1\nbind_port = ${PORT}\nuse_stderr = true', 1)
    lines = [
        f'connection = {database_url}' if database_url and line.startswith('connection =') else line
        for line in text.splitlines()
    ]
    return '\n'.join([*lines, '', '[oslo_concurrency]', 'lock_path = ${STATE_DIR}/tmp', ''])


def replay(kit: pathlib.Path, profile: str, url: str, names: list[str]) -> tuple[dict[str, int], str]:
    """Replay scenarios against a service; return the number of failed steps of each, and the report in words."""
    with tempfile.TemporaryDirectory() as directory:
        results = pathlib.Path(directory) / 'results.json'
        command = [sys.executable, str(kit / 'replay.py'), '--endpoint', url, '--profile', profile]
        command += ['--deviations', str(_DEVIATIONS), '--json', str(results), '--jobs', '4', *names]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        scenarios = json.loads(results.read_text())['scenarios'] if results.exists() else []
        return {scenario['name']: _failures(scenario) for scenario in scenarios}, done.stdout


def _failures(scenario: dict[str, Any]) -> int:
    return sum(not step['ok'] for step in scenario['steps'])


class ConformanceTest(base.TestCase):
    """The scenarios of one profile, on one database."""

    scenarios = [
        *((profile, {'profile': profile, 'database': 'sqlite'}) for profile, names in EXPECTED.items() if names),
        ('single on MariaDB', {'profile': 'single', 'database': 'mariadb'}),
        ('single on PostgreSQL', {'profile': 'single', 'database': 'postgresql'}),
    ]

    profile: str
    database: str

    def test_scenarios(self) -> None:
        kit = find_kit()
        expected = EXPECTED[self.profile]
        url = None if self.database == 'sqlite' else self.useFixture(database.KINDS[self.database]()).url
        server = self.useFixture(service.Service('', config=configuration(kit, self.profile, url)))
        found, report = replay(kit, self.profile, server.url, expected)
        failures = {**dict.fromkeys(expected, 0), **_TOO_LONG.get(self.database, {})}
        self.assertEqual(failures, {name: found.get(name) for name in expected}, report)
        self.assertNotIn('Traceback', server.log())


class ListTest(base.TestCase):
    """The data files name what is in the kit."""

    def test_deviations_have_reasons(self) -> None:
        for entry in yaml.safe_load(_DEVIATIONS.read_text()):
            self.assertEqual({'scenario', 'step', 'reason', 'expect'}, set(entry), entry)

    def test_no_scenario_twice(self) -> None:
        for profile, names in EXPECTED.items():
            self.assertEqual(sorted(set(names)), names, f'{profile}: each once, and in order')


def _profiles(kit: pathlib.Path, wanted: list[str]) -> dict[str, list[str]]:
    """Return which scenarios to run under which profile: those that are asked for, or all."""
    command = [sys.executable, str(kit / 'replay.py'), '--list']
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    chosen: dict[str, list[str]] = {}
    for name, profile in (line.split()[:2] for line in lines):
        if not wanted or profile in wanted or any(part in name for part in wanted):
            chosen.setdefault(profile, []).append(name)
    return chosen


def main(wanted: list[str]) -> None:
    """Print what fails, and the scenarios that pass in the form of ``expected.yaml``."""
    kit = find_kit()
    passed: dict[str, list[str]] = {}
    for profile, names in _profiles(kit, wanted).items():
        with service.Service('', config=configuration(kit, profile)) as server:
            failures, report = replay(kit, profile, server.url, names)
            print(f'--- {profile}\n{report}', file=sys.stderr)
            print(server.log() if 'Traceback' in server.log() else '', file=sys.stderr)
        passed[profile] = sorted(name for name, failed in failures.items() if not failed)
        lost = set(EXPECTED.get(profile, ())) & set(names) - set(passed[profile])
        print(f'# {profile}: {len(passed[profile])} of {len(names)} pass; expected ones that fail: {sorted(lost)}')
    print(yaml.safe_dump(passed))


if __name__ == '__main__':
    main(sys.argv[1:])
