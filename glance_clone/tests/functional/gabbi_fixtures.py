# SPDX-License-Identifier: Apache-2.0
"""The service inside of the test process, for the examples in ``gabbits/``."""

from __future__ import annotations

import functools
import json
import logging
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any

from gabbi import fixture
from oslo_config import cfg

from glance_clone import bootstrap
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service

_current: list[Any] = []


def application() -> Any:
    """Return a WSGI application that hands requests to the service that runs then; gabbi asks before there is any."""

    def handle(environ: dict[str, Any], start_response: Any) -> Any:
        return _current[-1](environ, start_response)

    return handle


class ImageService(fixture.GabbiFixture):
    """A service of its own for the examples of one file.

    It has SQLite, the file stores ``fast`` and ``cheap``, the http store ``web``, and takes identity from headers.
    """

    def start_fixture(self) -> None:
        """Build the application."""
        self._state = pathlib.Path(tempfile.mkdtemp())
        self._handlers = logging.root.handlers[:]
        shutil.copy(empty_database(), self._state / 'images.sqlite')
        paste = service.trusting(service.etc_file(service.PASTE_FILE).read_text())
        (self._state / 'glance-api-paste.ini').write_text(self.pipelines(paste))
        config_file = self._state / 'glance-api.conf'
        config_file.write_text(service.render(self.options(self._state)))
        conf = cfg.ConfigOpts()
        bootstrap.load_config(conf, default_config_files=[str(config_file)])
        self._service = bootstrap.build(conf)
        _current.append(bootstrap.load_app(self._service, conf))

    def options(self, state: pathlib.Path) -> dict[str, dict[str, object]]:
        """Return the options of the service."""
        return default_options(state)

    def pipelines(self, paste: str) -> str:
        """Return the text of the paste file."""
        return paste

    def stop_fixture(self) -> None:
        """Forget the application and its data; logging is as it was before."""
        _current.pop()
        self._service.stop()
        logging.root.handlers[:] = self._handlers
        shutil.rmtree(self._state)


class CachingImageService(ImageService):
    """The same with an image cache, which is filled by downloads only."""

    def options(self, state: pathlib.Path) -> dict[str, dict[str, object]]:
        """Return the options of the service."""
        options = default_options(state)
        url = 'http://node1.example.org:9292'
        options['DEFAULT'].update(image_cache_dir=state / 'cache', worker_self_reference_url=url)
        options['paste_deploy']['flavor'] = 'keystone+cachemanagement'
        return options


class ImageServiceForBrowsers(ImageService):
    """The same for a dashboard elsewhere: with cross-origin requests, and compressed answers."""

    def options(self, state: pathlib.Path) -> dict[str, dict[str, object]]:
        """Return the options of the service."""
        return {**default_options(state), 'cors': {'allowed_origin': 'https://dashboard.example.org'}}

    def pipelines(self, paste: str) -> str:
        """Return the text of the paste file."""
        return paste.replace('keystone = cors ', 'keystone = cors gzip ')


class ImageServiceWithRules(ImageService):
    """As above, but custom properties are described, and not everybody may use all of them."""

    def options(self, state: pathlib.Path) -> dict[str, dict[str, object]]:
        """Write both files of rules, and return the options of the service."""
        (state / 'schema-image.json').write_text(json.dumps(_SCHEMAS))
        (state / 'protections.conf').write_text(_PROTECTIONS)
        options = default_options(state)
        options['DEFAULT'].update(property_protection_file=state / 'protections.conf')
        return options


_SCHEMAS = {
    'kernel_id': {'type': ['null', 'string'], 'description': 'Image with the kernel'},
    'cores': {'type': 'integer', 'minimum': 1},
    'distro': {'type': 'string', 'enum': ['debian', 'fedora']},
}
_PROTECTIONS = """
[^internal_]
create = admin
read = admin
update = admin
delete = admin

[^billing_]
create = admin
read = @
update = admin
delete = !

[.*]
create = @
read = @
update = @
delete = @
"""


def default_options(state: pathlib.Path) -> dict[str, dict[str, object]]:
    """Return the options of a service with its state in a directory."""
    return {
        'DEFAULT': {'enabled_backends': 'fast:file,cheap:file,web:http', 'log_file': state / 'log'},
        'paste_deploy': {'flavor': 'keystone'},
        'glance_store': {'default_backend': 'fast'},
        'fast': {'filesystem_store_datadir': state / 'fast', 'store_description': 'quick'},
        'cheap': {'filesystem_store_datadir': state / 'cheap', 'weight': 7},
        'os_glance_staging_store': {'filesystem_store_datadir': state / 'staging'},
        'os_glance_tasks_store': {'filesystem_store_datadir': state / 'tasks'},
        'database': {'connection': f'sqlite:///{state}/images.sqlite'},
        'oslo_concurrency': {'lock_path': state},
    }


@functools.cache
def empty_database() -> str:
    """Return the path of a database with the schema and nothing in it, made once per process."""
    directory = process.temporary_directory()
    config_file = os.path.join(directory, 'glance-api.conf')
    with open(config_file, 'w') as config:
        config.write(f'[database]\nconnection = sqlite:///{directory}/images.sqlite\n')
    command = [*service.script('glance-manage'), '--config-file', config_file, 'db', 'sync']
    subprocess.run(command, env=service.environment(), cwd=directory, capture_output=True, check=True)
    return os.path.join(directory, 'images.sqlite')
