# SPDX-License-Identifier: Apache-2.0
"""The application for other servers: where its configuration comes from, and that it is there or nothing is."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

from glance_clone.tests import base
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service

_LOAD = """
import sys
from glance_clone.wsgi import api
loaded = {name.partition('.')[0] for name in sys.modules} & {unwanted}
assert not loaded, loaded
found = []
body = api.application({environ}, lambda status, headers, exc_info=None: found.append(status))
print(found[0])
"""
#: Nothing of these is needed by a service that does not name them in its configuration: they cost time and memory.
_UNWANTED = {
    'boto3', 'botocore', 'castellan', 'cursive', 'eventlet', 'glance_store', 'keystoneclient', 'kombu', 'lhafile', 'lxml',
    'memcache', 'oslo_limit', 'oslo_messaging', 'oslo_service', 'prometheus_client', 'psycopg', 'pymysql', 'swiftclient',
    'taskflow',
}  # fmt: skip
_ENVIRON = {
    'REQUEST_METHOD': 'GET',
    'PATH_INFO': '/versions',
    'SCRIPT_NAME': '',
    'SERVER_NAME': 'image',
    'SERVER_PORT': '80',
    'SERVER_PROTOCOL': 'HTTP/1.1',
    'wsgi.url_scheme': 'http',
}


class LoadTest(base.TestCase):
    """The module in a process of its own, as every server imports it."""

    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(process.temporary_directory())

    def _write(self, name: str, **options: object) -> None:
        (self.directory / 'glance-api-paste.ini').write_text(service.etc_file('glance-api-paste.ini').read_text())
        store = {'filesystem_store_datadir': self.directory / 'images'}
        (self.directory / 'images').mkdir(exist_ok=True)
        database = {'connection': f'sqlite:///{self.directory}/db.sqlite'}
        paste = {'config_file': 'glance-api-paste.ini', 'flavor': options.pop('flavor', '')}
        options['node_staging_uri'] = f'file://{self.directory}/staging'
        groups = {'DEFAULT': options, 'database': database, 'glance_store': store, 'paste_deploy': paste}
        (self.directory / name).write_text(service.render(groups))

    def _load(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        env = {**service.environment(), 'OS_GLANCE_CONFIG_DIR': str(self.directory), **environ}
        program = _LOAD.replace('{environ}', repr(_ENVIRON)).replace('{unwanted}', repr(_UNWANTED))
        command = [sys.executable, '-c', program, *arguments]
        return subprocess.run(
            command, env=env, cwd='/', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
        )

    def _assert_loads(self, done: subprocess.CompletedProcess[str]) -> None:
        self.assertEqual((0, '200 OK'), (done.returncode, done.stdout.splitlines()[-1]), done.stdout)

    def test_default_file(self) -> None:
        self._write('glance-api.conf')
        self._assert_loads(self._load())

    def test_command_line_is_not_ours(self) -> None:
        self._write('glance-api.conf')
        self._assert_loads(self._load('--config-file', '/nonesuch', '--processes', '4'))

    def test_named_files(self) -> None:
        self._write('one.conf', use_stderr=True)
        (self.directory / 'two.conf').write_text('[DEFAULT]\ndebug = true\n')
        done = self._load(OS_GLANCE_CONFIG_FILES='one.conf; two.conf')
        self._assert_loads(done)

    def test_later_files_win(self) -> None:
        self._write('glance-api.conf')
        self._write('glance-image-import.conf', flavor='nonesuch')
        self._assert_loads(self._load())
        done = self._load(OS_GLANCE_CONFIG_FILES='glance-api.conf;glance-image-import.conf')
        self.assertNotEqual(0, done.returncode)

    def _assert_fails(self, word: str, **environ: str) -> None:
        done = self._load(**environ)
        self.assertNotEqual(0, done.returncode)
        self.assertIn('The service cannot start: ', done.stdout)
        self.assertIn(word, done.stdout)

    def test_no_file(self) -> None:
        self._assert_fails(os.path.join(self.directory, 'glance-api.conf'))

    def test_unknown_flavor(self) -> None:
        self._write('glance-api.conf', flavor='nonesuch')
        self._assert_fails('nonesuch')

    def test_unknown_backend(self) -> None:
        self._write('glance-api.conf', enabled_backends='one:nonesuch')
        self._assert_fails('nonesuch')
