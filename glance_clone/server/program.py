# SPDX-License-Identifier: Apache-2.0
"""The program ``glance-api``: configuration, socket, workers, exit status."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Protocol

from eventlet import hubs
from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import systemd

from glance_clone import bootstrap
from glance_clone.server import listener as listeners
from glance_clone.server.exchange import Site
from glance_clone.server.green_threads import GreenThreads
from glance_clone.server.limits import Limits
from glance_clone.server.supervisor import Supervisor
from glance_clone.server.supervisor import WorkerCreationFailure
from glance_clone.server.worker import Worker
from glance_clone.server.worker import stop_on_signals
from glance_clone.stores.registry import BadStoreConfiguration

LOG = logging.getLogger(__name__)

NAME = 'glance-api'
_MOST_WORKERS = 8
_UMASK = 0o027


class Background(Protocol):
    """What runs beside the application in a worker."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


#: Makes an application and what runs beside it from the configuration.
Load = Callable[[cfg.ConfigOpts], tuple[Callable[..., Iterable[bytes]], Background]]


def load(conf: cfg.ConfigOpts) -> tuple[Callable[..., Iterable[bytes]], Background]:
    """Make the image service; see ``Load``."""
    service = bootstrap.build(conf, GreenThreads())
    return bootstrap.load_app(service, conf), service


def main(args: Sequence[str], load: Load = load) -> int:
    """Run the server; return its exit status.

    :param args: command line without the program
    :param load: makes what is served
    """
    os.umask(_UMASK)
    try:
        bootstrap.load_config(cfg.CONF, args, NAME)
        return Program(cfg.CONF, load).run()
    except Exception as error:
        return report(error)


def report(error: Exception) -> int:
    """Tell on standard error and in the log why the program ends; return its exit status."""
    LOG.critical('The service cannot run: %s', error, exc_info=not isinstance(error, (RuntimeError, ValueError, cfg.Error)))
    sys.stderr.write(f'ERROR: {error}\n')
    return exit_status(error)


def exit_status(error: Exception) -> int:
    """Return the exit status that tells of an error."""
    kinds: list[tuple[type[Exception], int]] = [
        (cfg.ConfigFileValueError, 5),
        (WorkerCreationFailure, 2),
        (BadStoreConfiguration, 3),
        (ValueError, 4),
        (RuntimeError, 1),
    ]
    return next((status for kind, status in kinds if isinstance(error, kind)), 99)


class Program:
    """The configured server."""

    def __init__(self, conf: cfg.ConfigOpts, load: Load):
        self._conf = conf
        self._load = load
        self._workers = self._count_workers()
        self._address = listeners.address_of(conf)
        self._listener = listeners.listen(conf)

    def run(self) -> int:
        """Serve until a signal asks to stop; return the exit status."""
        if self._workers == 0:
            return self._serve(None, systemd.notify_once)
        return Supervisor(self._serve_in_child, self._reload, self._before_stop).run(self._workers)

    def _count_workers(self) -> int:
        if self._conf.workers is not None:
            return int(self._conf.workers)
        return min(len(os.sched_getaffinity(0)), _MOST_WORKERS)

    def _before_stop(self) -> float:
        """Refuse connections from now on; return how long the workers may take."""
        self._listener.close()
        return float(self._conf.graceful_shutdown_timeout)

    def _reload(self) -> int:
        """Read the configuration files anew; return the number of workers.

        :raises RuntimeError: they cannot be used
        """
        if not self._conf.reload_config_files():
            raise RuntimeError('the files cannot be read.')
        try:
            logging.setup(self._conf, NAME)
            workers = self._count_workers()
            self._move(listeners.address_of(self._conf))
        except ValueError as error:
            raise RuntimeError(str(error)) from None
        if workers == 0:
            raise RuntimeError('workers cannot become 0 while the service runs.')
        self._workers = workers
        return workers

    def _move(self, address: tuple[str, int]) -> None:
        """Listen at the address; a socket that is there already is kept, with all who wait for it."""
        if address != self._address:
            self._listener, old = listeners.listen(self._conf, patience=0), self._listener
            self._address = address
            old.close()
        else:
            listeners.tune(self._listener, self._conf)

    def _serve_in_child(self, parent: socket.socket, ready: Callable[[], None]) -> int:
        hubs.use_hub()  # the one of the master, if it has any, waits for files that are not ours
        try:
            return self._serve(parent, ready)
        except Exception as error:
            return report(error)

    def _serve(self, parent: socket.socket | None, ready: Callable[[], None]) -> int:
        conf = self._conf
        app, background = self._load(conf)
        site = Site(app, Limits.of(conf), listeners.tls_context(conf), multiprocess=parent is not None)
        worker = Worker(site, self._listener, conf.max_concurrent_requests, conf.graceful_shutdown_timeout)
        stop_on_signals(worker, parent)
        background.start()
        ready()
        try:
            worker.run()
        finally:
            background.stop()
        return 0
