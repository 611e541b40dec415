# SPDX-License-Identifier: Apache-2.0
"""Runs outside tools on data of users, confined (P2): see ``jail`` for what is taken from them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import BinaryIO

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.imports import jail

LOG = logging.getLogger(__name__)

_JAIL = pathlib.Path(__file__).with_name('jail.py')
#: Seconds between two looks whether the tool is done and the work still wanted.
_INTERVAL = 0.05
_LONGEST_INTERVAL = 2.0
#: Bytes of what a tool says that are read.
_LARGEST_OUTPUT = 1 << 20


class ToolFailed(errors.UnsafeContent):
    """A tool could not do its work on this data."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a tool may use.

    :ivar cpu: seconds of processor time
    :ivar memory: bytes of address space
    :ivar file_size: bytes of the largest file
    :ivar seconds: until it is killed
    """

    cpu: int
    memory: int
    file_size: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Output:
    """What a tool said."""

    stdout: bytes
    stderr: bytes


class Runner:
    """Runs tools.

    :param interpreter: a Python to start them with, None for the one that runs this
    :param user: whom they are to run as where this process is root's
    :raises ValueError: there is no such user or interpreter
    """

    def __init__(self, interpreter: str | None = None, user: str = 'nobody'):
        self._python = interpreter or _interpreter()
        if not os.access(self._python, os.X_OK):
            raise ValueError(f'[wsgi] python_interpreter is {self._python}, which cannot be run.')
        self._user = _user(user) if os.geteuid() == 0 else None
        if self._user is None and jail.landlock_version() < 1:
            LOG.warning(
                'This kernel offers no Landlock: outside tools that are taken over by data of users could open whatever the '
                'user of this service can. Use Linux 5.13 or newer with Landlock, or take the import plugins away.'
            )

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        limits: Limits,
        reads: Sequence[int] = (),
        writes: Sequence[int] = (),
        alive: Callable[[], None] = lambda: None,
    ) -> Output:
        """Run a tool to its end, or kill it.

        :param program: its name, looked for on the path, or its absolute path
        :param reads: descriptors of files that it may read; in arguments they are ``/dev/fd/N``
        :param writes: descriptors of files that it may read and write
        :param alive: called now and then; what it raises ends the tool
        :raises ToolFailed: it failed, took too long, or said too much
        :raises StoreError: it is not installed, or cannot be confined
        """
        starter = [self._python, '-I', '-S', str(_JAIL)]
        return self._run(program, starter, [_path_of(program), *arguments], limits, reads, writes, alive)

    def run_script(
        self,
        script: pathlib.Path,
        arguments: Sequence[str],
        limits: Limits,
        reads: Sequence[int] = (),
        writes: Sequence[int] = (),
        alive: Callable[[], None] = lambda: None,
    ) -> Output:
        """Run a Python script that confines itself as ``jail`` would, after it has loaded what it needs; see :meth:`run`."""
        return self._run(script.stem, [self._python, '-I', str(script)], arguments, limits, reads, writes, alive)

    def _run(
        self,
        name: str,
        starter: Sequence[str],
        arguments: Sequence[str],
        limits: Limits,
        reads: Sequence[int],
        writes: Sequence[int],
        alive: Callable[[], None],
    ) -> Output:
        with contextlib.ExitStack() as stack:
            stdout, stderr = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
            for number in (*reads, *writes):
                stack.enter_context(self._lent(number, number in writes))
            process = subprocess.Popen(
                [*starter, self._terms(limits, reads, writes), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(*reads, *writes),
                env={},
                start_new_session=True,
            )
            stack.callback(_end, process)
            status = _wait(process, limits.seconds, alive)
            output = Output(_content(stdout), _content(stderr))
        _require_success(name, status, output)
        return output

    def _terms(self, limits: Limits, reads: Sequence[int], writes: Sequence[int]) -> str:
        uid, gid = self._user or (None, None)
        terms = jail.Confinement(limits.cpu, limits.memory, limits.file_size, list(reads), list(writes), uid, gid)
        return json.dumps(dataclasses.asdict(terms))

    @contextlib.contextmanager
    def _lent(self, number: int, to_write: bool) -> Iterator[None]:
        """Let the other user open a file again by its descriptor; no path leads there for anybody else."""
        if self._user is None:
            yield
            return
        before = os.fstat(number)
        if to_write:
            os.fchown(number, *self._user)
        else:
            os.fchmod(number, before.st_mode | 0o004)
        try:
            yield
        finally:
            os.fchown(number, before.st_uid, before.st_gid)
            os.fchmod(number, before.st_mode & 0o7777)


def _wait(process: subprocess.Popen[bytes], seconds: float, alive: Callable[[], None]) -> int:
    """Return the status of a process when it has ended."""
    end = time.monotonic() + seconds
    pause = _INTERVAL
    while True:
        try:
            return process.wait(pause)
        except subprocess.TimeoutExpired:
            pause = min(2 * pause, _LONGEST_INTERVAL)
        alive()
        if time.monotonic() > end:
            raise ToolFailed('A tool took too long to look at the data, or to convert it.')


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _content(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(_LARGEST_OUTPUT)


def _require_success(program: str, status: int, output: Output) -> None:
    if status == jail.FAILED:
        LOG.error('%s: %s', program, output.stderr[:1000].decode(errors='replace'))
        raise errors.StoreError('The service cannot run a tool that it needs; an operator must look.')
    if status:
        LOG.warning('%s ended with status %d: %r', program, status, output.stderr[:1000])
        raise ToolFailed('A tool could not read the data, or not convert it within its limits.')


def _interpreter() -> str:
    """Return the path of a Python; under uWSGI the running program is none."""
    name = os.path.basename(sys.executable or '')
    candidates = [sys.executable if name.startswith('python') else '', os.path.join(sys.prefix, 'bin', 'python3')]
    found = next((path for path in candidates if path and os.access(path, os.X_OK)), None) or shutil.which('python3')
    if not found:
        raise ValueError('There is no Python to start tools with; set [wsgi] python_interpreter.')
    return found


def _user(name: str) -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ValueError(f'[image_conversion] run_as is {name}, who is no user of this machine.') from None
    return entry.pw_uid, entry.pw_gid


def _path_of(program: str) -> str:
    path = shutil.which(program)
    if not path:
        LOG.error('%s is not installed.', program)
        raise errors.StoreError('The service lacks a tool that it needs; an operator must look.')
    return path
