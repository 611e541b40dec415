# SPDX-License-Identifier: Apache-2.0
"""Master and workers: start, respawn, reload, stop, and the exit statuses of each (R12, F26)."""

from __future__ import annotations

import functools
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import requests

from glance_clone.tests import base
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional.server import fixture


def _gone(pid: int) -> bool:
    return not pathlib.Path(f'/proc/{pid}').exists()


def _common(wanted: set[int], found: list[int]) -> set[int]:
    return wanted & set(found)


class _Case(base.TestCase):
    """What the cases have in common."""

    def serve(self, **options: object) -> fixture.Server:
        server = self.useFixture(fixture.Server(options=options))
        self.url = f'http://127.0.0.1:{server.port}'
        return server

    def pid_and_word(self) -> tuple[int, str]:
        """Return the worker that answers, and an option as it knows it."""
        pid, word, _eventlet = requests.get(f'{self.url}/pid', timeout=10).text.split()
        return int(pid), word

    def wait_for_workers(self, server: fixture.Server, count: int, without: set[int] | None = None) -> set[int]:
        """Wait until so many workers have begun, none of which is among others."""

        def begun() -> set[int] | None:
            alive = {pid for pid in server.workers() if f'start {pid}' in server.seen()} - (without or set())
            return alive if len(alive) == count else None

        return set(process.wait_until(begun, 10, f'{count} workers'))  # type: ignore[call-overload]


class WorkersTest(_Case):
    """Workers come and go."""

    def test_killed_workers_are_replaced(self) -> None:
        server = self.serve(workers=2)
        before = self.wait_for_workers(server, 2)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        self.wait_for_workers(server, 2, before)
        self.assertIn(self.pid_and_word()[0], server.workers())

    def test_workers_that_are_told_to_end_are_replaced(self) -> None:
        server = self.serve(workers=1)
        before = self.wait_for_workers(server, 1)
        os.kill(min(before), signal.SIGTERM)
        self.wait_for_workers(server, 1, before)

    def test_workers_end_with_their_master(self) -> None:
        server = self.serve(workers=2)
        workers = self.wait_for_workers(server, 2)
        os.kill(server.process.pid, signal.SIGKILL)
        process.wait_until(lambda: all(map(_gone, workers)), 10, 'workers end')

    def test_one_process(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.serve(workers=0)
            self.assertEqual(server.process.pid, self.pid_and_word()[0])
            self.assertEqual([], server.workers())
            self.assertEqual(0, server.process.stop(number))
            self.assertIn(f'stop {self._started(server)}', server.seen())

    def _started(self, server: fixture.Server) -> int:
        return int(server.seen()[0].split()[1])

    def test_address_in_use_is_waited_for(self) -> None:
        other = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(other.close)
        threading.Timer(2, other.close).start()
        server = self.useFixture(fixture.Server(port=other.getsockname()[1]))
        process.wait_until(lambda: 'Listening on' in server.log(), 10, 'the server listens')
        self.assertEqual(-1, other.fileno())


class StopTest(_Case):
    """A signal to stop: no new work, what runs is finished."""

    def _stop_during(self, number: int, grace: int = 60) -> tuple[requests.Response, float]:
        server = self.serve(workers=2, graceful_shutdown_timeout=grace)
        uploads: list[requests.Response] = []

        def body() -> Iterator[bytes]:
            for _number in range(20):
                yield b'x' * 1000
                time.sleep(0.1)

        upload = threading.Thread(target=lambda: uploads.append(requests.put(f'{self.url}/read', data=body(), timeout=30)))
        upload.start()
        download = requests.get(f'{self.url}/drip/20', stream=True, timeout=30)
        process.wait_until(lambda: 'PUT /read' in server.seen(), 10, 'upload begins')
        os.kill(server.process.pid, number)
        process.wait_until(lambda: not server.listens(), 5, 'nobody listens')
        self.assertEqual('19', download.text.split()[-1])
        upload.join(10)
        self.assertTrue(uploads[0].text.startswith('20000 '), uploads[0].text)
        begin = time.monotonic()
        self.assertEqual(0, server.process.process.wait(10))  # type: ignore[union-attr]
        return uploads[0], time.monotonic() - begin

    def test_sigterm_during_transfers(self) -> None:
        answer, rest = self._stop_during(signal.SIGTERM)
        self.assertEqual('close', answer.headers['Connection'])
        self.assertLess(rest, 3)

    def test_sigint_during_transfers(self) -> None:
        self._stop_during(signal.SIGINT)

    def test_grace_ends(self) -> None:
        server = self.serve(graceful_shutdown_timeout=1)
        connection = server.connect()
        self.addCleanup(connection.close)
        connection.sendall(b'PUT /read HTTP/1.1\r\nHost: image\r\nContent-Length: 100000\r\n\r\n' + b'x' * 70000)
        process.wait_until(lambda: 'PUT /read' in server.seen(), 10, 'upload begins')
        begin = time.monotonic()
        self.assertEqual(0, server.process.stop())
        self.assertLess(time.monotonic() - begin, 6)
        self.assertIn('ClientDisconnected after 65536', server.seen())
        self.assertIn('1 connections are cut', server.log())

    def test_second_signal_does_not_wait(self) -> None:
        server = self.serve()
        with server.connect() as connection:
            connection.sendall(b'PUT /read HTTP/1.1\r\nHost: image\r\nContent-Length: 100000\r\n\r\n')
            process.wait_until(lambda: 'PUT /read' in server.seen(), 10, 'upload begins')
            os.kill(server.process.pid, signal.SIGINT)
            process.wait_until(lambda: not server.listens(), 5, 'nobody listens')
            self.assertEqual(0, server.process.stop(signal.SIGINT))

    def test_request_on_an_idle_connection_is_answered(self) -> None:
        server = self.serve()
        session = requests.Session()
        session.get(f'{self.url}/first', timeout=10)
        os.kill(server.process.pid, signal.SIGTERM)
        time.sleep(0.2)
        answer = session.get(f'{self.url}/second', timeout=10)
        self.assertEqual((200, 'close'), (answer.status_code, answer.headers['Connection']))


class ReloadTest(_Case):
    """SIGHUP: new workers with the new configuration, nobody is dropped."""

    def test_new_configuration(self) -> None:
        server = self.serve(workers=1, client_body_timeout=11)
        before = self.wait_for_workers(server, 1)
        self.assertEqual('11', self.pid_and_word()[1])
        download = requests.get(f'{self.url}/drip/20', stream=True, timeout=30)
        server.configure(client_body_timeout=12, workers=2)
        os.kill(server.process.pid, signal.SIGHUP)
        after = self.wait_for_workers(server, 2, before)
        self.assertEqual('19', download.text.split()[-1])
        process.wait_until(lambda: set(server.workers()) == after, 5, 'the old worker ends')
        self.assertEqual('12', self.pid_and_word()[1])

    def test_no_request_fails(self) -> None:
        server = self.serve(workers=2)
        failures: list[object] = []
        answered: list[int] = []
        done = threading.Event()

        def ask(keep: bool) -> None:
            session = requests.Session()
            while not done.is_set():
                try:
                    headers = {} if keep else {'Connection': 'close'}
                    answered.append(int(session.get(f'{self.url}/pid', headers=headers, timeout=10).text.split()[0]))
                except Exception as error:
                    failures.append(error)

        threads = [threading.Thread(target=ask, args=(keep,)) for keep in (True, False)]
        for thread in threads:
            thread.start()
        workers: set[int] = set()
        for _number in range(3):
            new = self.wait_for_workers(server, 2, workers)
            process.wait_until(functools.partial(_common, new, answered), 10, 'new workers answer')
            workers |= new
            os.kill(server.process.pid, signal.SIGHUP)
        time.sleep(1)
        done.set()
        for thread in threads:
            thread.join(15)
        self.assertEqual([], failures)
        self.assertGreater(len(answered), 20)

    def test_bad_configuration_changes_nothing(self) -> None:
        server = self.serve(workers=1, client_body_timeout=11)
        before = self.wait_for_workers(server, 1)
        server.configure(workers='many')
        os.kill(server.process.pid, signal.SIGHUP)
        process.wait_until(lambda: 'The configuration stays as it was' in server.log(), 10, 'refusal')
        self.assertEqual(before, set(server.workers()))
        server.configure(workers=1, pydev_worker_debug_host='runtime')
        os.kill(server.process.pid, signal.SIGHUP)
        process.wait_until(lambda: 'The new configuration does not work' in server.log(), 10, 'fallback')
        self.assertEqual(before, {self.pid_and_word()[0]})
        server.configure(pydev_worker_debug_host='', client_body_timeout=13)
        server.options.pop('pydev_worker_debug_host')
        server.configure()
        os.kill(server.process.pid, signal.SIGHUP)
        self.wait_for_workers(server, 1, before)
        process.wait_until(lambda: self.pid_and_word()[1] == '13', 5, 'new configuration')

    def test_new_address(self) -> None:
        server = self.serve(workers=1)
        self.wait_for_workers(server, 1)
        old, server.port = server.port, process.free_port()
        server.configure()
        os.kill(server.process.pid, signal.SIGHUP)
        process.wait_until(server.listens, 10, 'the new port is served')
        process.wait_until(lambda: not process.listening(old), 10, 'the old port is closed')


class StatusTest(base.TestCase):
    """Exit statuses of a server that cannot start."""

    def _status(self, options: dict[str, object], failure: str = '') -> tuple[int, str]:
        state = pathlib.Path(process.temporary_directory())
        config = state / 'server.conf'
        fixed = {'bind_host': '127.0.0.1', 'bind_port': process.free_port(), 'workers': 2, 'use_stderr': False}
        config.write_text(service.render({'DEFAULT': {**fixed, **options}}))
        done = subprocess.run(
            fixture.standalone(config),
            env={**service.environment(), 'FAIL': failure},
            capture_output=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stderr.decode()

    def test_statuses(self) -> None:
        for failure, status in (('runtime', 1), ('store', 3), ('value', 4), ('option', 5), ('other', 99)):
            for workers in (0, 2):
                found, message = self._status({'workers': workers}, failure)
                self.assertEqual(status, found, failure)
                self.assertIn('ERROR: ', message)

    def test_bad_options(self) -> None:
        self.assertEqual(5, self._status({'workers': 'many'})[0])
        status, message = self._status({'cert_file': '/nonesuch', 'key_file': '/nonesuch'})
        self.assertEqual(1, status)
        self.assertIn('cert_file', message)
        self.assertEqual(1, self._status({'bind_host': '192.0.2.1'})[0])

    def test_unknown_option_on_the_command_line(self) -> None:
        done = subprocess.run(
            [*fixture.standalone(pathlib.Path('x')), '--nonesuch'], env=service.environment(), capture_output=True, check=False
        )
        self.assertEqual(2, done.returncode)
