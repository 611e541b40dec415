# SPDX-License-Identifier: Apache-2.0
"""The commands in ``tools/``, as far as they can be tested without running them."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import os
import pathlib
import socket
import stat
import subprocess
import sys
import unittest
from types import ModuleType
from unittest import mock

import fixtures
import subunit
import testtools

from glance_clone.tests import base

_TOOLS = pathlib.Path(__file__).parents[3] / 'tools'


def load(name: str) -> ModuleType:
    """Return a tool as a module."""
    path = _TOOLS / name
    if not path.exists():
        raise unittest.SkipTest('tools are only in the source tree')
    loader = importlib.machinery.SourceFileLoader(f'tool_{path.stem}', str(path))
    spec = importlib.util.spec_from_file_location(loader.name, path, loader=loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, 'path', [str(_TOOLS), *sys.path]):
        loader.exec_module(module)
    return module


class TestQuickstart(base.TestCase):
    """What ``tools/quickstart`` writes before it starts anything."""

    def setUp(self) -> None:
        super().setUp()
        self.quickstart = load('quickstart')
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path, 'state')

    def state(self, port: int = 9292) -> object:
        state = self.quickstart.State(self.directory, pathlib.Path(sys.executable).parent, port)
        state.write()
        return state

    def test_files_are_private(self) -> None:
        self.state()
        for path in (self.directory, *self.directory.iterdir()):
            self.assertEqual(0, stat.S_IMODE(path.stat().st_mode) & 0o077, path)

    def test_password_is_kept_and_configuration_renewed(self) -> None:
        first = self.state()
        second = self.state(port=9393)
        self.assertEqual(first.password, second.password)
        self.assertIn('bind_port = 9393', second.config.read_text())

    def test_openrc_is_for_a_shell(self) -> None:
        state = self.state()
        command = ['sh', '-c', f'. {self.directory}/openrc && env']
        env = {'PATH': os.environ['PATH'], 'OS_CLOUD': 'other', 'OS_AUTH_URL': 'http://other'}
        found = dict(
            line.split('=', 1)
            for line in subprocess.check_output(command, env=env, text=True).splitlines()
            if line[:3] == 'OS_'
        )
        wanted = {
            'OS_AUTH_TYPE': 'http_basic',
            'OS_ENDPOINT': f'{state.url}/v2',
            'OS_USERNAME': 'admin',
            'OS_PASSWORD': state.password,
        }
        self.assertEqual(wanted, found)

    def test_port_in_use(self) -> None:
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            port = taken.getsockname()[1]
            error = self.assertRaises(self.quickstart.Problem, self.quickstart._free_port, port)
        self.assertIn('--port', str(error))


class TestReport(base.TestCase):
    """How results are counted."""

    def count(self, *results: tuple[str, str | None]) -> object:
        report = load('test_report.py')
        stream = io.BytesIO()
        writer = subunit.StreamResultToBytes(stream)
        for number, (status, reason) in enumerate(results):
            extra = {'file_name': 'reason', 'file_bytes': reason.encode(), 'mime_type': 'text/plain'} if reason else {}
            writer.status(test_id=f'test-{number}', test_status='inprogress')
            if status != 'inprogress':
                writer.status(test_id=f'test-{number}', test_status=status, **extra)
        path = self.useFixture(fixtures.TempDir()).join('results')
        pathlib.Path(path).write_bytes(stream.getvalue())
        return report.collect(path)

    def test_every_outcome_counts(self) -> None:
        found = self.count(
            ('success', None), ('xfail', None), ('fail', None), ('uxsuccess', None), ('inprogress', None),
            ('skip', 'no qemu-img'), ('skip', 'no qemu-img'), ('skip', None),
        )  # fmt: skip
        self.assertEqual(2, found.passed)
        self.assertEqual(['test-2 (fail)', 'test-3 (uxsuccess)', 'test-4 (inprogress)'], found.failed)
        self.assertEqual({'no qemu-img': ['test-5', 'test-6'], 'no reason given': ['test-7']}, dict(found.skipped))

    def test_nothing_ran(self) -> None:
        found = self.count()
        self.assertEqual((0, [], {}), (found.passed, found.failed, dict(found.skipped)))


class TestEnvironment(base.TestCase):
    """When an environment is made anew."""

    def test_state_depends_on_requirements(self) -> None:
        environment = load('environment.py')
        self.assertEqual(environment._state(('a',)), environment._state(('a',)))
        self.assertNotEqual(environment._state(('a',)), environment._state(('b',)))

    def test_failure_is_explained(self) -> None:
        environment = load('environment.py')
        command = [sys.executable, '-c', 'print("because"); raise SystemExit(3)']
        error = self.assertRaises(environment.Problem, environment.run, command, 'It failed')
        self.assertIn('It failed', str(error))
        self.assertIn('status 3', str(error))
        self.assertIn('because', str(error))

    def test_old_python_without_a_newer_one(self) -> None:
        environment = load('environment.py')
        with mock.patch.object(environment.sys, 'version_info', (3, 9, 1)), mock.patch('shutil.which', return_value=None):
            error = self.assertRaises(environment.Problem, environment.require_python)
        self.assertThat(str(error), testtools.matchers.Contains('3.9.1'))
