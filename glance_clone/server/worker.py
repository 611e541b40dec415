# SPDX-License-Identifier: Apache-2.0
"""One process that serves clients: one green thread for each, until a signal asks it to stop."""

from __future__ import annotations

import errno
import signal
import socket
from typing import Any

import eventlet
from eventlet import event
from eventlet import greenpool
from eventlet import semaphore
from oslo_log import log as logging

from glance_clone.server.connection import Connection
from glance_clone.server.exchange import Site

LOG = logging.getLogger(__name__)

#: The client was gone before we took its connection.
_PASSING = frozenset((errno.ECONNABORTED, errno.ECONNRESET, errno.EPROTO, errno.EINTR))
#: Seconds that the application gets to put away what we cut off.
_CLEANUP = 5
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Worker:
    """Serves the connections of a listening socket.

    :param most: connections at the same time; more wait in the backlog
    :param grace: seconds for which requests may go on after the signal to stop; 0: without limit
    """

    def __init__(self, site: Site, listener: socket.socket, most: int, grace: float):
        self._site = site
        self._listener = listener
        self._grace = grace
        self._slots = semaphore.Semaphore(most)
        self._pool = greenpool.GreenPool(most)
        self._connections: set[Connection] = set()
        self._stop = event.Event()

    def stop(self) -> None:
        """Ask :meth:`run` to end."""
        if not self._stop.ready():
            self._stop.send()

    def run(self) -> None:
        """Serve until :meth:`stop` is called, then let requests end within the grace time."""
        acceptor = eventlet.spawn(self._accept_all)
        self._stop.wait()
        acceptor.kill()
        self._listener.close()
        self._site.stopping = True
        self._finish()

    def _accept_all(self) -> None:
        while True:
            # The slot comes first: once a connection is accepted, nothing may keep us from serving it.
            self._slots.acquire()
            try:
                sock, address = self._listener.accept()
            except OSError as error:
                self._slots.release()
                if error.errno not in _PASSING:
                    LOG.error('A connection cannot be accepted: %s. If files are short, raise the limit on open files.', error)
                    eventlet.sleep(0.5)
                continue
            self._pool.spawn_n(self._serve, sock, address)

    def _serve(self, sock: socket.socket, address: Any) -> None:
        connection = Connection(self._site, sock, address)
        self._connections.add(connection)
        try:
            connection.run()
        except Exception:
            LOG.exception('A connection failed.')
        finally:
            self._connections.discard(connection)
            self._slots.release()

    def _finish(self) -> None:
        LOG.info('Stopping; %d connections are open.', len(self._connections))
        with eventlet.Timeout(self._grace or None, False):
            self._pool.waitall()
        if self._connections:
            LOG.warning('%d connections are cut: graceful_shutdown_timeout is over.', len(self._connections))
            for connection in list(self._connections):
                connection.cut()
            with eventlet.Timeout(_CLEANUP, False):
                self._pool.waitall()


def stop_on_signals(worker: Worker, parent: socket.socket | None) -> None:
    """Stop the worker on a signal, or when its parent is gone.

    Signals reach the event loop as bytes on a socket, because it does not return from its wait for a Python handler.

    :param parent: reads as ended when the parent process dies; None if there is none that matters
    """
    ours, theirs = socket.socketpair()
    signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    for number in _STOP_SIGNALS if parent else (*_STOP_SIGNALS, signal.SIGINT):
        signal.signal(number, _ignore)
    if parent:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal it also reaches the parent, who tells us
        eventlet.spawn_n(_stop_after, parent, worker, ())
    eventlet.spawn_n(_stop_after, ours, worker, (theirs,))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())


def _stop_after(sock: socket.socket, worker: Worker, _kept_open: Any) -> None:
    sock.recv(1)
    worker.stop()


def _ignore(_number: int, _frame: Any) -> None:
    """Do nothing; the handler is there so that the wakeup descriptor is written to."""
