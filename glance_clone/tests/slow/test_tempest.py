# SPDX-License-Identifier: Apache-2.0
"""Tempest's tests of the image API, against the service behind a real Keystone.

Tempest is found beside the Python that runs this, or in the search path. ``TEMPEST_REGEX`` chooses among its tests.
"""

from __future__ import annotations

import http.server
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import unittest
from typing import ClassVar

import fixtures

from glance_clone.tests import base
from glance_clone.tests.fixtures import database
from glance_clone.tests.fixtures import keystone
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service

_TIMEOUT = 40 * 60
_FAILED = re.compile(r'^\{\d+\} (\S+).*\.\.\. FAILED', re.MULTILINE)
_PASSED = re.compile(r'^ - Passed: (\d+)$', re.MULTILINE)


def _find_tempest() -> str:
    beside = os.path.join(os.path.dirname(sys.executable), 'tempest')
    found = beside if os.path.exists(beside) else shutil.which('tempest')
    if not found:
        raise unittest.SkipTest('tempest is not installed; the tox environment "slow" does that')
    return found


class _Files(fixtures.Fixture):
    """An HTTP server with one file, ``qcow2``."""

    def _setUp(self) -> None:
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        program = process.find_program('qemu-img', 'qemu-utils')
        subprocess.run([program, 'create', '-f', 'qcow2', str(directory / 'qcow2'), '64M'], check=True, capture_output=True)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def __init__(self, *args: object):
                super().__init__(*args, directory=str(directory))  # type: ignore[arg-type]

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{server.server_port}'
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)


class TempestTest(base.TestCase):
    """Several stores, the image cache, every way to import, locations shown; on MariaDB.

    Left to the classes below are tests whose data is not what they declare it to be, and those that look, where there are
    several stores, for a location that was refused: it does not stay (W-13).
    """

    regex: ClassVar[str] = r'^tempest\.api\.image(?!.*(HashCalculation|do_secure_hash_true))'
    features: ClassVar[dict[str, object]] = {'do_secure_hash': True, 'image_format_enforcement': True}
    options: ClassVar[service.Options] = {
        'DEFAULT': {
            # Tempest expects the ids of stores in alphabetical order, which is that of the weights here.
            'enabled_backends': 'cheap:file,fast:file,web:http',
            'enabled_import_methods': '[glance-direct,web-download,copy-image,glance-download]',
            'show_multiple_locations': True,
        },
        'paste_deploy': {'flavor': 'keystone+cachemanagement'},
        # The second is an address of nobody, from which Tempest wants data that never comes.
        'import_filtering_opts': {'allowed_hosts': '[127.0.0.1,192.0.2.2]', 'allowed_ports': '[]'},
    }

    def setUp(self) -> None:
        super().setUp()
        self.tempest = _find_tempest()
        self.keystone = keystone.shared()
        self.files = self.useFixture(_Files())
        self.service = self.useFixture(self.make_service())
        self.service.manage('db', 'load_metadefs', '--path', str(pathlib.Path(__file__).parents[3] / 'etc' / 'metadefs'))
        self.keystone.register(self.service.url)
        self.workspace = pathlib.Path(process.temporary_directory()) / 'workspace'
        self.run_tempest(['init', str(self.workspace)], cwd=str(self.workspace.parent))
        (self.workspace / 'etc' / 'tempest.conf').write_text(service.render(self.configuration()))

    def make_service(self) -> service.Service:
        """Return the service to test, not yet started."""
        url = self.useFixture(database.MariaDB()).url
        options: dict[str, dict[str, object]] = {group: dict(values) for group, values in self.options.items()}
        options['keystone_authtoken'] = {**self.keystone.authtoken(http_request_max_retries='0')}
        options['cheap'] = {'filesystem_store_datadir': '${STATE_DIR}/cheap', 'weight': 100, 'store_description': 'large'}
        options['DEFAULT']['image_cache_dir'] = '${STATE_DIR}/cache'
        options['DEFAULT']['worker_self_reference_url'] = 'http://127.0.0.1:${PORT}'
        return service.Service(url, options=options, trust_headers=False)

    def configuration(self) -> service.Options:
        """Return the options of Tempest."""
        admin = keystone.ADMIN
        return {
            'DEFAULT': {'log_file': self.workspace / 'tempest.log', 'debug': True},
            'oslo_concurrency': {'lock_path': self.workspace / 'lock'},
            'auth': {
                'use_dynamic_credentials': True,
                'create_isolated_networks': False,
                'tempest_roles': 'member',
                'admin_username': admin.name,
                'admin_password': admin.password,
                'admin_project_name': admin.project,
                'admin_domain_name': 'Default',
            },
            'identity': {
                'uri_v3': self.keystone.url,
                'auth_version': 'v3',
                'v3_endpoint_type': 'public',
                'region': 'RegionOne',
            },
            'image': {
                'region': 'RegionOne',
                'endpoint_type': 'public',
                'build_timeout': 60,
                'image_caching_enabled': True,
                'http_image': f'{self.files.url}/qcow2',
                'http_qcow2_image': f'{self.files.url}/qcow2',
            },
            'image-feature-enabled': {
                'import_image': True,
                'manage_locations': True,
                'http_store_enabled': True,
                'store_weight_enabled': True,
                **self.features,
            },
            'service_available': {
                'glance': True,
                'nova': False,
                'cinder': False,
                'neutron': False,
                'swift': False,
                'horizon': False,
            },
        }

    def run_tempest(self, arguments: list[str], cwd: str) -> str:
        """Run the command; return what it printed, whatever its status."""
        home = process.temporary_directory()
        path = os.pathsep.join([os.path.dirname(self.tempest), os.environ.get('PATH', os.defpath)])
        env = {**os.environ, 'HOME': home, 'PATH': path, 'OS_TEST_TIMEOUT': '300'}
        for name in ('OS_TEST_PATH', 'PYTHONPATH'):
            env.pop(name, None)
        done = subprocess.run(
            [self.tempest, *arguments],
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        return done.stdout

    def test_image_api(self) -> None:
        regex = os.environ.get('TEMPEST_REGEX', self.regex)
        output = self.run_tempest(['run', '--concurrency', '2', '--regex', regex], cwd=str(self.workspace))
        passed = _PASSED.search(output)
        self.assertEqual([], sorted(set(_FAILED.findall(output))), output)
        self.assertTrue(passed and int(passed[1]) > 0, output)
        self.assertNotIn('Traceback', self.service.log())


class LenientTest(TempestTest):
    """Data need not be what it was declared to be: for the tests that make some up."""

    regex = r'^tempest\.api\.image.*(ListUserImages|ListSharedImages|HashCalculation)'
    features: ClassVar[dict[str, object]] = {'do_secure_hash': True, 'image_format_enforcement': False}
    options: ClassVar[service.Options] = {
        **TempestTest.options,
        'image_format': {'require_image_format_match': False},
    }


class UnhashedLocationsTest(TempestTest):
    """Locations are believed to have the hash that was named."""

    regex = r'^tempest\.api\.image.*do_secure_hash_false'
    features: ClassVar[dict[str, object]] = {'do_secure_hash': False}
    options: ClassVar[service.Options] = {
        **TempestTest.options,
        'DEFAULT': {**TempestTest.options['DEFAULT'], 'do_secure_hash': False},
    }


class ClassicTest(TempestTest):
    """The one classic store."""

    regex = r'^tempest\.api\.image\.v2\.test_images\.(BasicOperations|LocationImport|ImportImages|ImageLocations)'
    features: ClassVar[dict[str, object]] = {'do_secure_hash': True, 'store_weight_enabled': False}
    options: ClassVar[service.Options] = {
        'DEFAULT': {'enabled_backends': '', 'show_multiple_locations': True},
        'paste_deploy': {'flavor': 'keystone+cachemanagement'},
        'import_filtering_opts': TempestTest.options['import_filtering_opts'],
        'glance_store': {'stores': 'file,http', 'default_store': 'file', 'filesystem_store_datadir': '${STATE_DIR}/images'},
    }
