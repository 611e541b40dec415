# SPDX-License-Identifier: Apache-2.0
"""What a confined tool cannot do (P2). The tools here do what a tool would that was taken over by hostile data."""

from __future__ import annotations

import os
import shutil
import socket
import time

import fixtures

from glance_clone.domain import errors
from glance_clone.imports import confinement
from glance_clone.imports.confinement import Limits
from glance_clone.imports.confinement import Runner
from glance_clone.imports.confinement import ToolFailed
from glance_clone.tests import base

_LIMITS = Limits(cpu=5, memory=512 << 20, file_size=1 << 20, seconds=10)


class ConfinementTest(base.TestCase):
    def setUp(self):
        super().setUp()
        for tool in ('bash', 'cat', 'sleep', 'truncate'):
            if not shutil.which(tool):
                self.skipTest(f'{tool} is not installed')
        self.directory = self.useFixture(fixtures.TempDir()).path
        os.chmod(self.directory, 0o700)
        self.runner = Runner()

    def file(self, name, content=b'given'):
        path = os.path.join(self.directory, name)
        with open(path, 'wb') as file:
            file.write(content)
        os.chmod(path, 0o600)
        number = os.open(path, os.O_RDWR)
        self.addCleanup(os.close, number)
        return path, number

    def bash(self, script, limits=_LIMITS, **given):
        return self.runner.run('bash', ['-c', script], limits, **given)

    def fails(self, script, limits=_LIMITS, **given):
        self.assertRaises(ToolFailed, self.bash, script, limits, **given)

    def test_what_it_says_is_returned(self):
        output = self.bash('echo one; echo two >&2')
        self.assertEqual((b'one\n', b'two\n'), (output.stdout, output.stderr))
        self.fails('exit 3')

    def test_a_given_file_can_be_read_and_nothing_else(self):
        path, number = self.file('a')
        self.assertEqual(b'given', self.runner.run('cat', [f'/dev/fd/{number}'], _LIMITS, reads=[number]).stdout)
        for other in ('/etc/passwd', '/etc/hostname', '/proc/self/environ', path):
            self.assertRaises(ToolFailed, self.runner.run, 'cat', [other], _LIMITS, reads=[number])
        self.fails('echo /etc/* | grep passwd')

    def test_only_files_that_are_given_to_write_can_be_written(self):
        _, number = self.file('a')
        written, writable = self.file('b')
        self.bash(f'echo new > /dev/fd/{writable}', writes=[writable])
        with open(written) as file:
            self.assertEqual('new\n', file.read())
        self.fails(f'echo new > /dev/fd/{number}', reads=[number])
        for place in (self.directory, '/tmp', '/var/tmp'):
            self.fails(f'echo x > {place}/c')
        self.assertEqual(['a', 'b'], sorted(os.listdir(self.directory)))

    def test_owner_and_permissions_of_files_are_as_before(self):
        path, number = self.file('a')
        written, writable = self.file('b')
        before = [(os.stat(each).st_mode, os.stat(each).st_uid) for each in (path, written)]
        self.bash('true', reads=[number], writes=[writable])
        self.fails('false', reads=[number], writes=[writable])
        self.assertEqual(before, [(os.stat(each).st_mode, os.stat(each).st_uid) for each in (path, written)])

    def test_there_is_no_network(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
            listener.settimeout(0.2)
            for kind in ('tcp', 'udp'):
                self.fails(f'echo x > /dev/{kind}/127.0.0.1/{port}')
            self.assertRaises(TimeoutError, listener.accept)

    def test_no_other_program_can_be_started(self):
        self.fails('/bin/cat /dev/null')
        self.fails('exec /usr/bin/env')

    def test_it_is_not_root(self):
        if os.geteuid():
            self.skipTest('this process is not root')
        self.assertNotIn(b'0\n', self.bash('echo $UID').stdout.splitlines(True))

    def test_its_environment_has_nothing_of_ours(self):
        self.useFixture(fixtures.EnvironmentVariable('OS_PASSWORD', 'secret'))
        self.assertNotIn(b'secret', self.bash('set').stdout)

    def test_memory(self):
        self.fails("x=$(printf '%0150000000d' 0)", Limits(cpu=30, memory=128 << 20, file_size=1, seconds=30))

    def test_processor_time(self):
        begin = time.monotonic()
        self.fails('while :; do :; done', Limits(cpu=1, memory=512 << 20, file_size=1, seconds=60))
        self.assertLess(time.monotonic() - begin, 30)

    def test_time(self):
        begin = time.monotonic()
        limits = Limits(cpu=60, memory=512 << 20, file_size=1, seconds=0.5)
        error = self.assertRaises(ToolFailed, self.runner.run, 'sleep', ['60'], limits)
        self.assertIn('too long', str(error))
        self.assertLess(time.monotonic() - begin, 20)

    def test_size_of_files(self):
        _, number = self.file('a')
        self.assertRaises(ToolFailed, self.runner.run, 'truncate', ['-s', '2M', f'/dev/fd/{number}'], _LIMITS, writes=[number])
        self.fails("printf '%02000000d' 0")

    def test_it_ends_when_the_work_is_not_wanted_any_more(self):
        def gone():
            raise errors.LeaseLost('gone')

        limits = Limits(cpu=60, memory=512 << 20, file_size=1, seconds=60)
        self.assertRaises(errors.LeaseLost, self.runner.run, 'bash', ['-c', 'while :; do :; done'], limits, alive=gone)

    def test_a_tool_that_is_missing_is_the_operators_problem(self):
        self.assertRaises(errors.StoreError, self.runner.run, 'no-such-tool', [], _LIMITS)
        with fixtures.MonkeyPatch('glance_clone.imports.confinement._path_of', lambda program: '/nonexistent'):
            self.assertRaises(errors.StoreError, self.runner.run, 'x', [], _LIMITS)

    def test_unknown_user(self):
        if os.geteuid():
            self.skipTest('this process is not root')
        self.assertRaises(ValueError, Runner, user='no-such-user')

    def test_interpreter(self):
        self.assertTrue(os.access(confinement._interpreter(), os.X_OK))
        with fixtures.MonkeyPatch('sys.executable', '/usr/bin/uwsgi'):
            self.assertIn('python', os.path.basename(confinement._interpreter()))
