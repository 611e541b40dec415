# SPDX-License-Identifier: Apache-2.0
"""The small application of ``trivial`` under the standalone server, uWSGI, and gunicorn."""

from __future__ import annotations

import os
import pathlib
import re
import socket
import sys
import unittest
from collections.abc import Mapping

import fixtures

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service

STANDALONE = 'standalone'
UWSGI = 'uwsgi'
GUNICORN = 'gunicorn'

_MODULE = 'glance_clone.tests.functional.server.trivial'
_HTTPD = pathlib.Path(__file__).parents[4] / 'httpd'
TIMEOUT = 30


class Server(fixtures.Fixture):
    """A server on a port of loopback.

    :param options: of the standalone server
    :param environ: further environment variables
    :param port: a free one if it is not given
    """

    def __init__(
        self,
        launcher: str = STANDALONE,
        options: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        port: int = 0,
    ):
        super().__init__()
        self.launcher = launcher
        self.options = dict(options or {})
        self.port = port or process.free_port()
        self._environ = dict(environ or {})

    def _setUp(self) -> None:
        self.state = pathlib.Path(process.temporary_directory())
        self.seen_file = self.state / 'seen'
        self.file = self.state / 'file'
        self.configure()
        commands = {STANDALONE: self._standalone, UWSGI: self._uwsgi, GUNICORN: self._gunicorn}
        env = {
            **service.environment(),
            **self._environ,
            'SEEN': str(self.seen_file),
            'FILE': str(self.file),
            'HOME': str(self.state),
        }
        self.process = self.useFixture(
            process.Process(
                commands[self.launcher](), str(self.state / 'log'), self.listens, env=env, cwd=str(self.state), grace=30
            )
        )

    def configure(self, **options: object) -> None:
        """Write the configuration file; further options replace earlier ones."""
        self.options.update(options)
        fixed = {'bind_host': '127.0.0.1', 'bind_port': self.port, 'use_stderr': True, 'workers': 1}
        (self.state / 'server.conf').write_text(service.render({'DEFAULT': {**fixed, **self.options}}))

    def _standalone(self) -> list[str]:
        return standalone(self.state / 'server.conf')

    def _uwsgi(self) -> list[str]:
        """Return the command for uWSGI with the shipped file, but for address and application."""
        text = (_HTTPD / 'glance-api-uwsgi.ini').read_text()
        text = text.replace('127.0.0.1:60999', f'127.0.0.1:{self.port}').replace('glance_clone.wsgi.api:', f'{_MODULE}:')
        text = text.replace('processes = 4', 'processes = 1').replace('socket-timeout = 30', 'socket-timeout = 3')
        ini = self.state / 'uwsgi.ini'
        ini.write_text(text)
        return [_program('uwsgi'), '--ini', str(ini), '--virtualenv', sys.prefix]

    def _gunicorn(self) -> list[str]:
        settings = _HTTPD / 'gunicorn-glance-api.conf.py'
        bind = ['--bind', f'127.0.0.1:{self.port}', '--workers', '1']
        return [_program('gunicorn'), '--config', str(settings), *bind, f'{_MODULE}:application']

    def listens(self) -> bool:
        """Tell whether the server listens."""
        return process.listening(self.port)

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(('127.0.0.1', self.port), timeout=TIMEOUT)

    def talk(self, raw: bytes) -> bytes:
        """Send bytes on a new connection, and return all that comes back until the server ends it."""
        with self.connect() as connection:
            connection.sendall(raw)
            return everything(connection)

    def seen(self) -> list[str]:
        """Return what requests the application has had, and what it told of them."""
        return self.seen_file.read_text().splitlines() if self.seen_file.exists() else []

    def log(self) -> str:
        """Return what the server has logged."""
        return self.process.output()

    def workers(self) -> list[int]:
        """Return the ids of the worker processes."""
        children = pathlib.Path(f'/proc/{self.process.pid}/task/{self.process.pid}/children')
        return [int(pid) for pid in children.read_text().split()]


def standalone(config: pathlib.Path) -> list[str]:
    """Return the command that runs the standalone server."""
    return [sys.executable, '-m', _MODULE, '--config-file', str(config)]


def everything(connection: socket.socket) -> bytes:
    """Return all that comes until the other side ends the connection, or breaks it."""
    received = bytearray()
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        pass
    return bytes(received)


def statuses(answers: bytes) -> list[int]:
    """Return the statuses of answers, in their order."""
    return [int(status) for status in re.findall(rb'HTTP/1\.[01] (\d{3}) ', answers)]


def _program(name: str) -> str:
    path = os.path.join(os.path.dirname(sys.executable), name)
    if not os.path.exists(path):
        raise unittest.SkipTest(f'{name} is not installed beside Python')
    return path
