# SPDX-License-Identifier: Apache-2.0
"""The file that says which process a server is."""

from __future__ import annotations

import os
import pathlib
import tempfile

_DIRECTORY = pathlib.Path('/var/run/glance')


class PidFile:
    """Names the process of a server.

    :param server: name of the program
    :param path: where the file is; None for the usual place
    """

    def __init__(self, server: str, path: str | None = None):
        self.server = server
        self.path = pathlib.Path(path) if path else _DIRECTORY / f'{server}.pid'

    def pid(self) -> int | None:
        """Return the process if it is there and still the server; a number that another program got since is not."""
        try:
            pid = int(self.path.read_text())
        except (OSError, ValueError):
            return None
        return pid if self.is_server(pid) else None

    def is_server(self, pid: int) -> bool:
        """Tell whether a process runs the program of this server."""
        try:
            command = pathlib.Path('/proc', str(pid), 'cmdline').read_bytes().split(b'\0')
        except OSError:
            return False
        return any(os.path.basename(word) == self.server.encode() for word in command)

    def prepare(self) -> None:
        """Make sure that the file can be written; in a new directory for temporary files if not where it should be."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, 'a'):
                return
        except OSError:
            directory = tempfile.mkdtemp(prefix=f'{self.server}-')
        refused, self.path = self.path, pathlib.Path(directory, f'{self.server}.pid')
        print(f'{refused} cannot be written; the pid file is {self.path}. Name it by --pid-file from now on.')

    def write(self, pid: int) -> None:
        """Name a process, at once."""
        fresh = self.path.with_name(f'{self.path.name}.new')
        fresh.write_text(f'{pid}\n')
        fresh.replace(self.path)

    def remove(self) -> None:
        """Name no process any more."""
        self.path.unlink(missing_ok=True)
