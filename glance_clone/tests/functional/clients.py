# SPDX-License-Identifier: Apache-2.0
"""A service behind a real Keystone, for tests with the clients that people use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any
from typing import ClassVar

import openstack

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

#: Runs commands one after the other in one process, which saves the time that loading a client takes.
_BATCH = """
import contextlib, importlib, io, json, sys
shell = importlib.import_module(sys.argv[1])
commands, results = json.load(sys.stdin), []

class Terminal(io.StringIO):
    # What clients do not take for data to upload.
    isatty = lambda self: True

sys.stdin = Terminal()
for arguments in commands:
    printed, said = io.StringIO(), io.StringIO()
    sys.argv = ['client', *arguments]
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
        try:
            status = shell.main()
        except SystemExit as end:
            status = end.code
    results.append([status or 0, printed.getvalue(), said.getvalue()])
print(json.dumps(results))
"""


class ClientTestCase(base.ServiceTestCase):
    """Tests of clients that log in at the Keystone which all tests of a process share."""

    keystone: ClassVar[keystone.Keystone]

    @classmethod
    def setUpClass(cls) -> None:
        cls.keystone = keystone.shared()
        super().setUpClass()
        cls.keystone.register(cls.service.url)

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {**cls.options, 'keystone_authtoken': cls.keystone.authtoken()}
        return service.Service(database_url, cls.launcher, options, trust_headers=False)

    def openstack(self, *arguments: str, user: keystone.User = keystone.ALICE) -> str:
        """Run the openstack command as a user, and return what it prints."""
        program = os.path.join(os.path.dirname(sys.executable), 'openstack')
        return self._run([program, *arguments], self.keystone.environment(user)).decode()

    def openstack_json(self, *arguments: str, user: keystone.User = keystone.ALICE) -> Any:
        """Run the openstack command, and return the document that it prints."""
        return json.loads(self.openstack(*arguments, '-f', 'json', user=user))

    def batch(self, shell: str, commands: list[list[str]], user: keystone.User) -> list[str]:
        """Run several commands as a user, and return what each of them prints.

        :param shell: module with the ``main`` of the client
        :param commands: the arguments of each; ``!`` before them if the command is to fail
        """
        arguments = [command[1:] if command[0] == '!' else command for command in commands]
        batch = [sys.executable, '-W', 'ignore', '-c', _BATCH, shell]
        results = json.loads(self._run(batch, self._one_token(shell, user), json.dumps(arguments).encode()))
        for command, (status, printed, said) in zip(commands, results, strict=True):
            self.assertEqual(command[0] == '!', status != 0, f'{command}: {status}\n{printed}\n{said}')
        return [printed for _, printed, _ in results]

    def _one_token(self, shell: str, user: keystone.User) -> dict[str, str]:
        """Return the environment in which a client does not ask for a token of its own for every command."""
        token, url = self.keystone.session(user).get_token(), self.service.url
        if shell.startswith('glanceclient'):
            return {'OS_AUTH_TOKEN': token, 'OS_IMAGE_URL': url}
        return {'OS_AUTH_TYPE': 'admin_token', 'OS_TOKEN': token, 'OS_ENDPOINT': f'{url}/v2'}

    def _run(self, command: list[str], env: dict[str, str], stdin: bytes = b'') -> bytes:
        done = subprocess.run(command, capture_output=True, env={**os.environ, **env}, cwd='/', input=stdin, check=False)
        self.assertEqual(0, done.returncode, f'{command}: {done.stderr.decode()}')
        return done.stdout

    def connection(self, user: keystone.User = keystone.ALICE) -> openstack.connection.Connection:
        """Return a connection of openstacksdk as a user."""
        connection = openstack.connection.Connection(session=self.keystone.session(user), region_name='RegionOne')
        self.addCleanup(connection.close)
        return connection
