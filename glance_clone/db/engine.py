# SPDX-License-Identifier: Apache-2.0
"""Connections and transactions.

``read`` and ``write`` lend a connection for one short transaction; nothing holds one across store or network I/O.
Errors of the driver leave as domain errors that name no SQL.
"""

from __future__ import annotations

import contextlib
import functools
import random
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import TypeVar

import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception as db_exc
from oslo_db.sqlalchemy import engines
from oslo_db.sqlalchemy import exc_filters
from oslo_log import log as logging
from sqlalchemy import exc as sa_exc

from glance_clone.domain import errors

LOG = logging.getLogger(__name__)

_T = TypeVar('_T')

#: Seconds in which a write is repeated after a deadlock or a lost connection before the caller is told to come back.
RETRY_TIME = 5.0
_FIRST_PAUSE = 0.02
#: Seconds for which SQLite waits for another writer, unless the URL says otherwise.
_SQLITE_TIMEOUT = 30
#: Marks transactions that will write; only SQLite needs to know.
_WRITES = 'glance_clone_writes'

_PASSING = (db_exc.DBDeadlock, db_exc.DBConnectionError, sa_exc.TimeoutError)


class Database:
    """One database, connected when it is first used, so that a server may fork before."""

    def __init__(self, conf: cfg.ConfigOpts):
        self._conf = conf
        self._engine: sa.Engine | None = None
        self._writer: sa.Engine | None = None
        self._lock = threading.Lock()

    @property
    def engine(self) -> sa.Engine:
        """The engine; made on first use."""
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    engine = create_engine(self._conf)
                    self._writer = engine.execution_options(**{_WRITES: True})
                    self._engine = engine
        return self._engine

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Lend a connection in a transaction that sees one state of the database and changes nothing.

        :raises DatabaseUnavailable: no connection
        """
        with translated(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Lend a connection in a transaction that is committed at the end of the block, or rolled back by an exception.

        Deadlocks and lost connections leave as errors of oslo.db: wrap the caller in :func:`retried`.
        """
        engine = self.engine and self._writer
        assert engine is not None
        with engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._engine is not None:
            self._engine.dispose()


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver raises into domain errors."""
    try:
        yield
    except _PASSING as error:
        raise unavailable(error) from error
    except db_exc.DBError as error:
        LOG.error('The database refused a statement: %s', error)
        raise


def unavailable(error: Exception) -> errors.DatabaseUnavailable:
    """Return the domain error for a database that cannot do what it should now; log why."""
    LOG.error('The database is not available: %s', type(error).__name__)
    LOG.debug('The database said: %s', error)
    return errors.DatabaseUnavailable('The database of the service is not available; try again soon.')


def retried(work: Callable[..., _T]) -> Callable[..., _T]:
    """Repeat a write that lost a deadlock or its connection, with growing random pauses, for a few seconds.

    The function does all its work in one ``Database.write`` block. It is called with ``again=True`` when it is repeated:
    a lost connection leaves open whether the commit went through, so it must then accept its own work as done.

    :raises DatabaseUnavailable: it did not succeed in :data:`RETRY_TIME`
    """

    @functools.wraps(work)
    def repeat(*args: Any, **kwargs: Any) -> _T:
        deadline = time.monotonic() + RETRY_TIME
        pause, again = _FIRST_PAUSE, False
        while True:
            try:
                return work(*args, again=again, **kwargs)
            except _PASSING as error:
                pause, again = min(pause * 2, 1.0), True
                delay = pause * random.uniform(0.5, 1.0)
                if time.monotonic() + delay > deadline:
                    raise unavailable(error) from error
                time.sleep(delay)

    return repeat


def create_engine(conf: cfg.ConfigOpts) -> sa.Engine:
    """Return an engine for ``[database] connection``.

    :raises ValueError: the option is not set
    """
    options = conf.database
    if not options.connection:
        raise ValueError(
            '[database] connection is not set; it names the database, e.g. sqlite:////var/lib/glance/glance.sqlite'
        )
    url = sa.make_url(options.connection)
    if url.get_backend_name() == 'sqlite':
        return _sqlite_engine(url)
    if url.drivername == 'mysql':
        url = url.set(drivername='mysql+pymysql')
    if url.drivername == 'postgresql':
        url = url.set(drivername='postgresql+psycopg')
    return _server_engine(url, options)


def _server_engine(url: sa.URL, options: Any) -> sa.Engine:
    return engines.create_engine(
        url,
        mysql_sql_mode=options.mysql_sql_mode,
        mysql_wsrep_sync_wait=options.mysql_wsrep_sync_wait,
        connection_recycle_time=options.connection_recycle_time,
        connection_debug=options.connection_debug,
        max_pool_size=options.max_pool_size,
        max_overflow=options.max_overflow,
        pool_timeout=options.pool_timeout if options.pool_timeout is not None else RETRY_TIME,
        connection_trace=options.connection_trace,
        connection_parameters=options.connection_parameters,
        max_retries=0,
        thread_checkin=False,
    )


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    """Return an engine whose readers do not block writers, and whose writers queue up instead of failing (D-18)."""
    arguments = {'check_same_thread': False}
    if 'timeout' not in url.query:
        arguments['timeout'] = _SQLITE_TIMEOUT
    in_memory = url.database in (None, '', ':memory:')
    pool = sa.pool.StaticPool if in_memory else sa.pool.QueuePool
    sizes = {} if in_memory else {'pool_size': 5, 'max_overflow': 50, 'pool_timeout': RETRY_TIME}
    engine = sa.create_engine(url, connect_args=arguments, poolclass=pool, **sizes)

    @sa.event.listens_for(engine, 'connect')
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        connection.execute('PRAGMA journal_mode = WAL')
        connection.execute('PRAGMA synchronous = FULL')
        connection.execute('PRAGMA foreign_keys = ON')

    @sa.event.listens_for(engine, 'begin')
    def begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql('BEGIN IMMEDIATE' if writes else 'BEGIN')

    engines._add_process_guards(engine)
    exc_filters.register_engine(engine)
    return engine
