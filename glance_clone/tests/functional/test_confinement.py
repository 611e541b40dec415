# SPDX-License-Identifier: Apache-2.0
"""What a confined tool cannot do (P2). The tools here do what a tool would that was taken over by hostile data."""

from __future__ import annotations

import ctypes
import os
import pwd
import resource
import shutil
import signal
import socket
import tempfile
import threading
import time
import traceback
import unittest

import fixtures

from glance_clone.domain import errors
from glance_clone.imports import confinement
from glance_clone.imports import jail
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
        _, number = self.file('a')
        another, _ = self.file('another')
        self.assertEqual(b'given', self.runner.run('cat', [f'/dev/fd/{number}'], _LIMITS, reads=[number]).stdout)
        for other in ('/etc/passwd', '/etc/hostname', '/proc/self/environ', another):
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

    def test_other_processes_are_out_of_reach(self):
        self.fails('kill -0 $PPID')
        self.fails('cat /proc/$PPID/environ')
        self.fails(f'ulimit -c 0; kill -9 {os.getpid()}')

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


class OrdinaryUserTest(base.TestCase):
    """The same where the service is not root's, as it should be: tools then run as the user of the service."""

    def test_as_an_ordinary_user(self):
        if os.geteuid():
            self.skipTest('this process is no root, so that the other tests are those of an ordinary user')
        place = self.useFixture(fixtures.TempDir()).path
        for directory in (place, os.path.dirname(place)):
            os.chmod(directory, 0o711)
        nobody = pwd.getpwnam('nobody')
        home = os.path.join(place, 'home')
        os.mkdir(home, 0o700)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        self.useFixture(fixtures.EnvironmentVariable('TMPDIR', home))
        self.assertEqual('', in_child(lambda: _results_of(ConfinementTest, nobody, home)))

    def test_calls_that_reach_other_processes_are_refused_whatever_landlock_does(self):
        for call in (
            lambda: os.kill(os.getppid(), 0),
            lambda: os.pidfd_open(os.getppid()),
            lambda: resource.prlimit(os.getppid(), resource.RLIMIT_CORE),
            socket.socket,
        ):
            self.assertEqual('PermissionError', in_child(lambda call=call: _outcome_of(call)))
        for call in (
            lambda: resource.prlimit(0, resource.RLIMIT_CORE),
            lambda: resource.prlimit(os.getpid(), resource.RLIMIT_CORE),
            lambda: signal.pthread_kill(threading.get_ident(), signal.SIGCONT),
        ):
            self.assertEqual('done', in_child(lambda call=call: _outcome_of(call)))


def in_child(work):
    """Return what a function returns, or raises, in a process of its own."""
    receiver, sender = os.pipe()
    child = os.fork()
    if not child:
        try:
            answer = work()
        except BaseException:
            answer = traceback.format_exc()
        os.write(sender, answer.encode()[-60_000:])
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, 'rb') as file:
        answer = file.read().decode()
    os.waitpid(child, 0)
    return answer


def _outcome_of(call):
    """Return what comes of a call in a process whose system calls are filtered."""
    ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)
    if not jail.filter_calls():
        return 'no seccomp'
    try:
        call()
    except OSError as error:
        return type(error).__name__
    return 'done'


def _results_of(case, user, home):
    """Become a user and run the tests of a class; return what failed, '' if nothing did."""
    os.setgroups([])
    os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
    os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
    tempfile.tempdir = home
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(case)
    result = unittest.TestResult()
    tests.run(result)
    assert result.testsRun > 10, 'the tests were found'
    return '\n'.join(f'{test}: {text}' for test, text in result.errors + result.failures)
