# SPDX-License-Identifier: Apache-2.0
"""``application`` for uWSGI, gunicorn and mod_wsgi.

Configuration is read from ``$OS_GLANCE_CONFIG_DIR`` (default ``/etc/glance``): the files named in
``$OS_GLANCE_CONFIG_FILES`` (separated by ``;``), else ``glance-image-import.conf`` if it exists and ``glance-api.conf``, which
must. The command line is the server's and is not looked at. Nothing under this module knows eventlet.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from glance_clone import bootstrap

try:
    import uwsgi
    import uwsgidecorators
except ImportError:  # every other server
    uwsgi = None

LOG = logging.getLogger(__name__)

_DIR_VARIABLE = 'OS_GLANCE_CONFIG_DIR'
_FILES_VARIABLE = 'OS_GLANCE_CONFIG_FILES'
_DEFAULT_DIR = '/etc/glance'
_OPTIONAL = 'glance-image-import.conf'
_MANDATORY = 'glance-api.conf'


def config_files(environ: os._Environ[str] | dict[str, str]) -> list[str]:
    """Return the configuration files to read, later ones winning."""
    directory = environ.get(_DIR_VARIABLE, '').strip() or _DEFAULT_DIR
    named = [name.strip() for name in environ.get(_FILES_VARIABLE, '').split(';') if name.strip()]
    if named:
        return [os.path.join(directory, name) for name in named]
    optional = os.path.join(directory, _OPTIONAL)
    return [path for path in (optional,) if os.path.exists(path)] + [os.path.join(directory, _MANDATORY)]


class Application:
    """The pipeline, and the background work of the process that serves it.

    A server may load the application before it forks; the background work begins with the first request of each process.
    """

    def __init__(self, conf: cfg.ConfigOpts):
        self._service = bootstrap.build(conf)
        self._app = bootstrap.load_app(self._service, conf)
        self._lock = threading.Lock()
        self._pid = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if self._pid != os.getpid():
            self.start()
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def start(self) -> None:
        """Begin the background work of this process, once."""
        with self._lock:
            if self._pid != os.getpid():
                self._pid = os.getpid()
                self._service.start()
                _at_end(self._service.stop)


def _at_end(stop: Callable[[], None]) -> None:
    """Call something when the process is about to end, while threads can be used: later than that, pools take no work."""
    if uwsgi is not None:
        uwsgi.atexit = stop
    else:
        threading._register_atexit(stop)  # type: ignore[attr-defined]


def load() -> Application:
    """Read the configuration and put the application together.

    What goes wrong is logged in one line, and raised: a server must not come up without the application.
    """
    try:
        bootstrap.load_config(cfg.CONF, default_config_files=config_files(os.environ))
        return Application(cfg.CONF)
    except Exception as error:
        LOG.critical('The service cannot start: %s', error)
        raise


def _start_with_worker(application: Application) -> None:
    """Under uWSGI, begin with the worker instead of with its first request: work of dead workers must not wait for one."""
    if uwsgi is None:
        return
    if uwsgi.worker_id():
        application.start()
    else:
        uwsgidecorators.postfork(application.start)


application = load()
_start_with_worker(application)
