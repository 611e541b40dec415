# SPDX-License-Identifier: Apache-2.0
"""Virtual environments with the tested versions of everything; shared by tools/quickstart and tools/run-tests.

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / 'constraints.txt'
OLDEST_PYTHON = (3, 11)

#: Files on which an environment depends: it is renewed when one of them changes.
_SOURCES = (
    'setup.cfg',
    'setup.py',
    'pyproject.toml',
    'requirements.txt',
    'test-requirements.txt',
    'doc/requirements.txt',
    'constraints.txt',
)
_STAMP = '.installed'


class Problem(Exception):
    """Something that the person who runs a tool has to put right; the text says what and how."""


def require_python() -> None:
    """Go on under a newer Python if this one is too old.

    :raises Problem: there is none
    """
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return
    for minor in range(19, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f'python3.{minor}')
        if newer:
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    have = '.'.join(map(str, sys.version_info[:3]))
    raise Problem(f'Python 3.11 or newer is needed, this is {have}. On Debian 12 or newer: apt-get install python3')


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, flush=True)


def prepare(directory: pathlib.Path, *requirements: str) -> pathlib.Path:
    """Make a virtual environment with the project (editable) and further requirements; quick if it is there already.

    :param requirements: arguments for pip: names, or ``-r`` and a file
    :return: the directory of its programs
    :raises Problem: it could not be made
    """
    programs = make(directory)
    stamp = directory / _STAMP
    state = _state(requirements)
    if stamp.exists() and stamp.read_text() == state:
        return programs
    stamp.unlink(missing_ok=True)
    say(f'Installing into {directory} (a minute or so; only the first time and when requirements change) ...')
    pip(programs, '-e', str(ROOT), *requirements)
    stamp.write_text(state)
    return programs


def make(directory: pathlib.Path) -> pathlib.Path:
    """Make an empty virtual environment unless it is there; return the directory of its programs.

    :raises Problem: it could not be made
    """
    programs = directory / 'bin'
    if _works(programs / 'python'):
        return programs
    shutil.rmtree(directory, ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec('ensurepip'):
        run([sys.executable, '-m', 'venv', str(directory)], 'The virtual environment could not be made')
    else:
        _make_without_ensurepip(directory)
    return programs


def pip(programs: pathlib.Path, *arguments: str) -> None:
    """Install into an environment, in the versions of constraints.txt.

    :raises Problem: pip failed; has the end of its output
    """
    command = [str(programs / 'python'), '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    run([*command, '-c', str(CONSTRAINTS), *arguments], 'The packages could not be installed')


def run(command: list[str], failure: str, **more: object) -> None:
    """Run a command without showing its output.

    :raises Problem: it failed; has the end of its output
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          text=True, errors='replace', check=False, **more)  # type: ignore[call-overload]  # fmt: skip
    if done.returncode:
        raise Problem(f'{failure}; {" ".join(command[:4])} ... ended with status {done.returncode}:\n{done.stdout[-4000:]}')


def _make_without_ensurepip(directory: pathlib.Path) -> None:
    """Make an environment where the package python3-venv is missing, with virtualenv and without touching the system.

    :raises Problem: neither virtualenv nor pip is there
    """
    if importlib.util.find_spec('virtualenv'):
        run([sys.executable, '-m', 'virtualenv', '--quiet', str(directory)], 'The virtual environment could not be made')
        return
    if not importlib.util.find_spec('pip'):
        raise Problem('Python has neither venv nor pip. On Debian: apt-get install python3-venv')
    library = directory.parent / 'virtualenv'
    install = [sys.executable, '-m', 'pip', 'install', '--quiet', '--target', str(library), '--upgrade', 'virtualenv']
    run(install, 'virtualenv could not be installed; try: apt-get install python3-venv')
    run([sys.executable, '-m', 'virtualenv', '--quiet', str(directory)], 'The virtual environment could not be made',
        env={**os.environ, 'PYTHONPATH': str(library)})  # fmt: skip


def _works(python: pathlib.Path) -> bool:
    if not python.exists():
        return False
    return subprocess.run([str(python), '-m', 'pip', '--version'], capture_output=True, check=False).returncode == 0


def _state(requirements: tuple[str, ...]) -> str:
    """Return a text that differs when an environment made now would differ."""
    state = hashlib.sha256(repr((sys.version, str(ROOT), requirements)).encode())
    for name in _SOURCES:
        state.update((ROOT / name).read_bytes())
    return state.hexdigest()
