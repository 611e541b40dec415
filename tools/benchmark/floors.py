# SPDX-License-Identifier: Apache-2.0
"""What the machine can do at best, measured in the same run."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator

from benchmark import client
from benchmark import processes
from benchmark import workloads
from benchmark.client import Target
from benchmark.report import Row
from benchmark.workloads import Session

_HERE = pathlib.Path(__file__).parent
_BLOCK = 1 << 20
_EVENTLET = (
    'import sys, eventlet; eventlet.monkey_patch(); from eventlet import wsgi; import floor_app; '
    'wsgi.server(eventlet.listen(("127.0.0.1", int(sys.argv[1]))), floor_app.application, log_output=False)'
)


def hash_all(size: int) -> None:
    """Compute MD5 and SHA-512 of as many bytes at the same time, in two threads."""
    block = bytes(_BLOCK)
    threads = [threading.Thread(target=_hash, args=(name, block, size // _BLOCK)) for name in ('md5', 'sha512')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _hash(name: str, block: bytes, count: int) -> None:
    digest = hashlib.new(name, usedforsecurity=False)
    for _ in itertools.repeat(None, count):
        digest.update(block)


class Static:
    """A file that nginx sends with sendfile.

    :ivar pids: the processes of nginx
    """

    def __init__(self, port: int, size: int):
        self.url = f'http://127.0.0.1:{port}/data'
        self.pids = processes.serving(port)
        self._target = Target(port, {})
        self._size = size

    def download(self) -> None:
        """Download all of it."""
        self._get({})

    def download_half(self) -> None:
        """Download the half in its middle."""
        self._get({'Range': f'bytes={self._size // 4}-{self._size // 4 + self._size // 2 - 1}'})

    def _get(self, headers: dict[str, str]) -> None:
        with client.Connection(self._target.port) as link:
            link.download(self._target.head('GET', '/data', 0, headers))


@contextlib.contextmanager
def static_file(size: int, port: int) -> Iterator[Static | None]:
    """Lend a file of a size that nginx serves; None where nginx is not installed."""
    nginx = shutil.which('nginx', path=f'{os.environ.get("PATH", "")}:/usr/sbin')
    if nginx is None:
        print(NO_NGINX, file=sys.stderr)
        yield None
        return
    with tempfile.TemporaryDirectory(dir=_shared_memory()) as directory:
        os.chmod(directory, 0o755)  # noqa: S103 - nginx's workers have another user
        with open(f'{directory}/data', 'wb') as file:
            for _ in range(size // _BLOCK):
                file.write(bytes(_BLOCK))
        pathlib.Path(f'{directory}/nginx.conf').write_text(_NGINX.format(directory=directory, port=port))
        with _running([nginx, '-c', f'{directory}/nginx.conf', '-e', f'{directory}/error.log'], port):
            yield Static(port, size)


NO_NGINX = 'nginx is not installed (Debian: nginx-light)'
_NGINX = """
daemon off; worker_processes 2; pid {directory}/pid; error_log {directory}/error.log;
events {{ }}
http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{port}; root {directory}; }} }}
"""


def queries(session: Session, database: str, launcher: str, port: int) -> Iterator[Row]:
    """Yield what a bare function needs for the SQL of show, list, create and patch, under the same launcher."""
    plan = session.plan
    with _running(_floor_command(launcher, port), port, BENCH_DATABASE=database, PYTHONPATH=str(_HERE)):
        target = Target(port, {})
        body = json.dumps(session.document('floor')).encode()
        requests = {
            'show': target.head('GET', f'/show/{session.images[0]}', 0),
            'list': target.head('GET', '/list', 0),
            'create': target.head('POST', '/create', len(body)) + body,
            'patch': target.head('POST', f'/patch/{session.images[0]}', 2) + b'{}',
        }
        for name, request in requests.items():
            yield workloads.measure_requests('floor', name, port, itertools.repeat(request), plan)


def _floor_command(launcher: str, port: int) -> list[str]:
    if launcher == 'standalone':
        return [sys.executable, '-c', _EVENTLET, str(port)]
    return [
        os.path.join(os.path.dirname(sys.executable), 'uwsgi'),
        '--http-socket', f'127.0.0.1:{port}', '--module', 'floor_app:application', '--master', '--processes', '2',
        '--threads', '4', '--enable-threads', '--lazy-apps', '--need-app', '--die-on-term', '--disable-logging',
        '--thunder-lock', '--add-header', 'Connection: close', '--virtualenv', sys.prefix,
    ]  # fmt: skip


@contextlib.contextmanager
def _running(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """Run a server for the time of the block."""
    server = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                processes.serving(port)
                break
            except LookupError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f'{command[0]} does not start') from None
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait(20)


def _shared_memory() -> str | None:
    return '/dev/shm' if os.access('/dev/shm', os.W_OK) else None  # noqa: S108
