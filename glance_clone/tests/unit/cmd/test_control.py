# SPDX-License-Identifier: Apache-2.0
"""Words and exit codes of ``glance-control``, with programs that stand in for the servers."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import stat
import sys

import fixtures

from glance_clone.cmd import control
from glance_clone.tests.fixtures import process
from glance_clone.tests.unit.cmd import programs

#: Notes its arguments and the signals that it gets; ends when asked to, or with a status that a file names.
_SERVER = """#!{python}
import os, signal, sys, time
name = os.path.basename(sys.argv[0])
notes = open({directory!r} + '/' + name + '.notes', 'a', buffering=1)
def note(number, frame):
    notes.write(signal.Signals(number).name + '\\n')
    if number == signal.SIGTERM and not os.path.exists({directory!r} + '/stubborn'):
        sys.exit(0)
signal.signal(signal.SIGTERM, note)
signal.signal(signal.SIGHUP, note)
notes.write(' '.join(['started', *sys.argv[1:]]) + '\\n')
status = {directory!r} + '/status'
if os.path.exists(status):
    sys.exit(int(open(status).read()))
while True:
    time.sleep(0.05)
"""


class ControlTest(programs.ProgramTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        text = _SERVER.format(python=sys.executable, directory=str(self.directory))
        for name in ('glance-api', 'glance-scrubber'):
            self.program(name).write_text(text)
            self.program(name).chmod(stat.S_IRWXU)
        self.useFixture(fixtures.MonkeyPatch('sys.argv', [str(self.directory / 'glance-control')]))
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.control.pid_file._DIRECTORY', self.directory))
        self.addCleanup(self.end_all)

    def program(self, name: str) -> pathlib.Path:
        return self.directory / name

    def end_all(self) -> None:
        for file in self.directory.glob('*.pid'):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)

    def control(self, *arguments: str) -> tuple[int, str, str]:
        return self.run_program(control.main, *arguments)

    def pid(self, name: str = 'glance-api') -> int:
        return int((self.directory / f'{name}.pid').read_text())

    def notes(self, name: str, *wanted: str) -> list[str]:
        """Return what a server noted, once its notes are as many as those that are wanted."""
        file = self.directory / f'{name}.notes'
        process.wait_until(lambda: len(_lines(file)) >= len(wanted), 30, f'{len(wanted)} notes of {name}')
        return _lines(file)

    def assert_notes(self, *wanted: str, name: str = 'glance-api') -> None:
        self.assertEqual(list(wanted), self.notes(name, *wanted))

    def test_life_of_a_server(self) -> None:
        self.assertEqual((0, 'glance-api is stopped.\n', ''), self.control('api', 'status'))
        self.assertEqual((0, 'Starting glance-api.\n', ''), self.control('api', 'start', str(self.directory / 'some.conf')))
        self.assert_notes(f'started --config-file {self.directory}/some.conf')
        pid = self.pid()
        self.assertEqual((0, f'glance-api (pid {pid}) is running.\n', ''), self.control('glance-api', 'status'))
        code, printed, _ = self.control('api', 'start')
        self.assertEqual((0, f'glance-api is already running, as process {pid}.\n'), (code, printed))
        for number, command in enumerate(('reload', 'force-reload'), start=1):
            self.assertEqual(0, self.control('api', command)[0])
            self.assertEqual(['SIGHUP'] * number, self.notes('glance-api', *['x'] * (number + 1))[1:])
        code, printed, _ = self.control('api', 'stop')
        self.assertEqual((0, f'Sent SIGTERM to glance-api, process {pid}.\n'), (code, printed))
        self.assertNotIn(b'glance-api', _command_line(pid))
        self.assertFalse((self.directory / 'glance-api.pid').exists())
        for command in ('stop', 'shutdown'):
            self.assertEqual((0, 'glance-api is not running.\n', ''), self.control('api', command))

    def test_restart(self) -> None:
        self.control('api', 'start')
        self.assert_notes('started')
        first = self.pid()
        self.assertEqual(0, self.control('api', 'restart', str(self.directory))[0])
        self.assert_notes('started', 'SIGTERM', f'started --config-dir {self.directory}')
        self.assertNotEqual(first, self.pid())

    def test_all(self) -> None:
        self.assertEqual(0, self.control('all', 'start')[0])
        self.assert_notes('started')
        self.assert_notes('started --daemon', name='glance-scrubber')
        printed = self.control('all', 'status')[1]
        self.assertIn(f'glance-api (pid {self.pid()})', printed)
        self.assertIn(f'glance-scrubber (pid {self.pid("glance-scrubber")})', printed)
        self.assertEqual(0, self.control('all', 'shutdown')[0])
        self.assert_notes('started', 'SIGTERM')

    def test_reload_that_cannot_be(self) -> None:
        code, _, complaint = self.control('api', 'reload')
        self.assertEqual((1, True), (code, 'does not run' in complaint))
        code, _, complaint = self.control('scrubber', 'reload')
        self.assertEqual((1, True), (code, 'restart it' in complaint))

    def test_a_server_that_does_not_end_in_time(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.control._PATIENCE', 0.2))
        (self.directory / 'stubborn').touch()
        for command, signals in (('shutdown', ['SIGTERM']), ('stop', ['SIGTERM', 'SIGTERM'])):
            self.control('api', 'start')
            self.notes('glance-api', 'started')
            pid = self.pid()
            code, printed, _ = self.control('api', command)
            self.addCleanup(os.kill, pid, signal.SIGKILL)
            self.assertEqual(0, code)
            self.assertIn(f'process {pid}, takes no more requests', printed)
            self.assertEqual(signals, self.notes('glance-api', 'started', *signals)[1:])
            self.assertFalse((self.directory / 'glance-api.pid').exists())
            (self.directory / 'glance-api.notes').unlink()

    def test_status_of_a_server_that_was_awaited(self) -> None:
        (self.directory / 'status').write_text('4')
        self.assertEqual(4, self.control('--await-child', '30', 'api', 'start')[0])
        self.assertEqual((0, 'glance-api is stopped.\n', ''), self.control('api', 'status'))
        self.assertEqual(4, self.control('--await-child', '30', '--capture-output', 'api', 'start')[0])
        (self.directory / 'status').unlink()
        self.assertEqual(0, self.control('--await-child', '1', 'api', 'start')[0])

    def test_respawn(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.control.launch._SHORTEST_LIFE', 0.0))
        self.assertEqual(0, self.control('--respawn', '--capture-output', 'api', 'start')[0])
        self.assert_notes('started')
        first = self.pid()
        os.kill(first, signal.SIGKILL)
        self.assert_notes('started', 'started')
        process.wait_until(lambda: self.pid() != first, 30, 'a new process in the pid file')
        self.assertEqual(0, self.control('api', 'stop')[0])
        self.assert_notes('started', 'started', 'SIGTERM')

    def test_no_respawn_of_what_ends_at_once(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.control.launch._SHORTEST_LIFE', 60.0))
        (self.directory / 'status').write_text('4')
        self.assertEqual(0, self.control('--respawn', 'api', 'start')[0])
        self.assert_notes('started')
        process.wait_until(lambda: 'is stopped' in self.control('api', 'status')[1], 30, 'the end of the server')
        self.assert_notes('started')

    def test_pid_files(self) -> None:
        path = self.directory / 'other' / 'x.pid'
        self.assertEqual(0, self.control('--pid-file', str(path), 'api', 'start')[0])
        self.addCleanup(os.kill, int(path.read_text()), signal.SIGKILL)
        self.assertIn('is running', self.control('--pid-file', str(path), 'api', 'status')[1])
        self.assertIn('is stopped', self.control('api', 'status')[1])

    def test_a_number_that_another_program_got(self) -> None:
        for text in (str(os.getpid()), '0', 'x', '', '99999999'):
            (self.directory / 'glance-api.pid').write_text(text)
            self.assertEqual((0, 'glance-api is stopped.\n', ''), self.control('api', 'status'))

    def test_where_the_pid_file_cannot_be_written(self) -> None:
        (self.directory / 'file').touch()
        self.useFixture(fixtures.MonkeyPatch('glance_clone.cmd.control.pid_file._DIRECTORY', self.directory / 'file'))
        code, printed, _ = self.control('api', 'start')
        self.assertEqual((0, True), (code, 'cannot be written; the pid file is ' in printed))
        path = pathlib.Path(printed.split('the pid file is ')[1].split()[0].rstrip('.'))
        self.addCleanup(os.kill, int(path.read_text()), signal.SIGKILL)
        self.assertIn('is running', self.control('--pid-file', str(path), 'api', 'status')[1])

    def test_wrong_usage(self) -> None:
        for arguments in ((), ('api',), ('nonsense', 'start'), ('api', 'nonsense'), ('--nonsense', 'api', 'start')):
            self.assertEqual(2, self.control(*arguments)[0], arguments)
        for arguments, complaint in (
            (('--await-child', '1', '--respawn', 'api', 'start'), 'exclude each other'),
            (('--pid-file', '/x', 'all', 'start'), 'one server'),
        ):
            code, _, printed = self.control(*arguments)
            self.assertEqual((1, True), (code, complaint in printed), arguments)

    def test_program_that_is_not_there(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('shutil.which', lambda *_, **__: None))
        code, _, complaint = self.control('scrubber', 'start')
        self.assertEqual((1, 'ERROR: The program glance-scrubber is not installed.\n'), (code, complaint))


def _lines(file: pathlib.Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def _command_line(pid: int) -> bytes:
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return b''
