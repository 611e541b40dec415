# SPDX-License-Identifier: Apache-2.0
"""Connections, transactions, and what happens when they fail.

``Database.read`` and ``Database.write`` lend a connection for one short transaction; nothing holds one across store or
network I/O. Repositories wrap their methods in :func:`repeatable` or :func:`retried`, which try again what failed in
passing and turn what remains into domain errors that name no SQL (R8).
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import functools
import importlib.util
import os
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
from oslo_utils import timeutils
from sqlalchemy import exc as sa_exc

from glance_clone.db import sealing
from glance_clone.domain import errors
from glance_clone.domain import patience

LOG = logging.getLogger(__name__)

_T = TypeVar('_T')

#: Seconds in which work is repeated after a deadlock or a lost connection before the caller is told to come back.
RETRY_TIME = 5.0
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 0.5
#: Seconds to wait for a connection to a server, and for an answer of MySQL or MariaDB, unless the URL says otherwise.
_CONNECT_TIMEOUT = 2
_ANSWER_TIMEOUT = 5
#: Seconds for which SQLite waits for another writer, unless the URL says otherwise.
_SQLITE_TIMEOUT = 5
#: Marks transactions that will write; only SQLite needs to know.
_WRITES = 'glance_clone_writes'

#: Failures that another attempt may not meet. What SQLAlchemy calls operational is of that kind: locks that others
#: hold, too many connections, conflicts of transactions, full disks, servers that start or stop.
_PASSING = (
    db_exc.DBDeadlock,
    db_exc.DBConnectionError,
    db_exc.DBNonExistentDatabase,
    sa_exc.TimeoutError,
    sa_exc.OperationalError,
)


@dataclasses.dataclass(frozen=True, slots=True)
class _Engines:
    """The connections of one process, and how they are used.

    :ivar turn: held by the thread that writes, where the database has one writer at a time
    """

    pid: int
    plain: sa.Engine
    reader: sa.Engine
    writer: sa.Engine
    turn: threading.Lock


class Database:
    """One database, connected when it is first used, so that a server may fork before.

    :param patient: wait for a server that is not there as long as ``[database] max_retries`` and ``retry_interval`` say,
        and for its answers for ever; for programs whose statements may take long
    :raises ValueError: ``[database] connection`` is not set, or is no URL; a key to seal locations has the wrong size
    """

    def __init__(self, conf: cfg.ConfigOpts, patient: bool = False):
        self._options = conf.database
        #: How locations are sealed.
        self.sealing = sealing.Sealing.of(conf)
        self._url = _url(conf.database.connection)
        self._patient = patient
        self._engines: _Engines | None = None
        self._instruments: list[Callable[[sa.Engine], None]] = []
        self._lock = threading.Lock()

    @property
    def engine(self) -> sa.Engine:
        """The engine of this process; made on first use."""
        return self._current().plain

    def _current(self) -> _Engines:
        if self._engines is None or self._engines.pid != os.getpid():
            with self._lock:
                if self._engines is None or self._engines.pid != os.getpid():
                    self._engines = self._start()
        return self._engines

    def _start(self) -> _Engines:
        if self._engines is not None:
            # Inherited through a fork: the sockets are the parent's.
            self._engines.plain.dispose(close=False)
        engine = _sqlite_engine(self._url) if self.backend == 'sqlite' else self._server_engine()
        engine.update_execution_options(**self.sealing.options())
        for work in self._instruments:
            work(engine)
        # Engines with further options look at each listener twice, so there is none where it is not needed.
        one_state = engine.execution_options(isolation_level='REPEATABLE READ') if self.backend == 'postgresql' else engine
        writer = engine.execution_options(**{_WRITES: True}) if self.backend == 'sqlite' else engine
        return _Engines(os.getpid(), engine, one_state, writer, threading.Lock())

    @property
    def backend(self) -> str:
        """``sqlite``, ``mysql`` (also for MariaDB) or ``postgresql``."""
        return self._url.get_backend_name()

    @property
    def keeps_fractions(self) -> bool:
        """Whether times are kept to the microsecond; else to the second, as the columns are on MySQL and MariaDB."""
        return self.backend != 'mysql'

    def now(self) -> datetime.datetime:
        """Return the present time as precisely as the database keeps it, so that it can be compared with what is read."""
        now: datetime.datetime = timeutils.utcnow()
        return now if self.keeps_fractions else now.replace(microsecond=0)

    def read(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """Lend a connection in a transaction that sees one state of the database and changes nothing."""
        return self._current().reader.connect()

    def write(self) -> contextlib.AbstractContextManager[sa.Connection]:
        """Lend a connection in a transaction that is committed at the end of the block, or rolled back by an exception."""
        return self._write_in_turn() if self.backend == 'sqlite' else self._current().writer.begin()

    @contextlib.contextmanager
    def _write_in_turn(self) -> Iterator[sa.Connection]:
        """Write when the other threads of this process have written: SQLite itself knows no queue, it polls."""
        mine = self._current()
        if not mine.turn.acquire(timeout=RETRY_TIME):
            raise sa_exc.TimeoutError('Other writers of this process took too long.')
        try:
            with mine.writer.begin() as connection:
                yield connection
        finally:
            mine.turn.release()

    def instrument(self, work: Callable[[sa.Engine], None]) -> None:
        """Have something done to every engine that is made from now on, such as tracing what it does."""
        self._instruments.append(work)

    def dispose(self) -> None:
        """Close all connections; the next use opens new ones."""
        if self._engines is not None and self._engines.pid == os.getpid():
            self._engines.plain.dispose()

    def _timeouts(self) -> dict[str, int]:
        timeouts = {'connect_timeout': _CONNECT_TIMEOUT}
        if self.backend == 'mysql' and not self._patient:
            timeouts.update(read_timeout=_ANSWER_TIMEOUT, write_timeout=_ANSWER_TIMEOUT)
        return timeouts

    def _server_engine(self) -> sa.Engine:
        options = self._options
        engine: sa.Engine = engines.create_engine(
            self._url,
            mysql_sql_mode=options.mysql_sql_mode,
            mysql_wsrep_sync_wait=options.mysql_wsrep_sync_wait,
            connection_recycle_time=options.connection_recycle_time,
            connection_debug=options.connection_debug,
            max_pool_size=options.max_pool_size,
            max_overflow=options.max_overflow,
            pool_timeout=options.pool_timeout if options.pool_timeout is not None else RETRY_TIME,
            connection_trace=options.connection_trace,
            connection_parameters=options.connection_parameters,
            max_retries=options.max_retries if self._patient else 0,
            retry_interval=options.retry_interval,
            thread_checkin=False,
            _engine_target=functools.partial(_create_quick_engine, timeouts=self._timeouts()),
        )
        return engine


def repeatable(work: Callable[..., _T]) -> Callable[..., _T]:
    """Repeat work that failed in passing, with growing random pauses, for a few seconds.

    The work reads, or it does not matter whether it is done twice.

    :raises DatabaseUnavailable: it did not succeed in :data:`RETRY_TIME`, or in the time of a caller who is more patient
    """

    @functools.wraps(work)
    def repeat(*args: Any, **kwargs: Any) -> _T:
        return _persist(lambda again: work(*args, **kwargs))

    return repeat


def retried(work: Callable[..., _T]) -> Callable[..., _T]:
    """Repeat a write as :func:`repeatable` does.

    The function does all its work in one ``Database.write`` block. It is called with ``again=True`` when it is repeated
    after a lost connection, which leaves open whether the commit went through: it must then accept its own work as done.
    After a deadlock it must not, because all was undone, and what it finds done is the work of others.

    :raises DatabaseUnavailable: it did not succeed in :data:`RETRY_TIME`
    """

    @functools.wraps(work)
    def repeat(*args: Any, **kwargs: Any) -> _T:
        return _persist(lambda again: work(*args, again=again, **kwargs))

    return repeat


def _persist(attempt: Callable[[bool], _T]) -> _T:
    deadline = time.monotonic() + max(RETRY_TIME, patience.seconds())
    pause, again = _FIRST_PAUSE, False
    while True:
        started = time.monotonic()
        try:
            return attempt(again)
        except _PASSING as error:
            delay = pause * random.uniform(0.5, 1.0)  # noqa: S311
            failed = time.monotonic()
            # The next attempt may take as long as this one did.
            if failed + delay + (failed - started) > deadline:
                raise _unavailable(error) from error
            pause, again = min(pause * 2, _LONGEST_PAUSE), again or not isinstance(error, db_exc.DBDeadlock)
            time.sleep(delay)
        except db_exc.DBError as error:
            if not _is_of_value(error):
                raise
            LOG.info('The database refused a value: %s', reason(error))
            raise errors.Invalid('A value is longer or larger than the database can keep, or has a NUL in it.') from error


def _is_of_value(error: db_exc.DBError) -> bool:
    """Tell whether a failure is that of a value which no column can have; oslo.db knows only some of these."""
    return isinstance(error, db_exc.DBDataError) or isinstance(error.inner_exception, sa_exc.DataError)


def _unavailable(error: Exception) -> errors.DatabaseUnavailable:
    """Return the domain error for a database that cannot do what it should now; log why."""
    LOG.error('The database is not available: %s', reason(error))
    return errors.DatabaseUnavailable('The database of the service is not available; try again soon.')


def reason(error: Exception) -> str:
    """Return in one line what the driver said, without the statement and its values."""
    inner = getattr(error, 'inner_exception', None) or error
    origin = getattr(inner, 'orig', None) or inner
    return f'{type(origin).__name__}: {str(origin).partition(chr(10))[0]}'


def _url(connection: str | None) -> sa.URL:
    """Return the URL of the database, with the driver that is used where it names none.

    :raises ValueError: it is missing or malformed
    """
    if not connection:
        raise ValueError(
            '[database] connection is not set; it names the database, e.g. sqlite:////var/lib/glance/glance.sqlite'
        )
    try:
        url = sa.make_url(connection)
        url = url.set(drivername=_driver(url.drivername))
        dialect = url.get_dialect()
    except (sa_exc.ArgumentError, sa_exc.NoSuchModuleError, ValueError):
        # The text of the error may show the password.
        raise ValueError('[database] connection is not the URL of a database that this service knows.') from None
    try:
        dialect.import_dbapi()
    except ImportError:
        raise ValueError(f'The driver of [database] connection, {url.drivername}, is not installed.') from None
    return url


def _driver(name: str) -> str:
    """Return the driver to use for what a URL names; oslo.db knows MariaDB as MySQL."""
    name = name.replace('mariadb', 'mysql', 1) if name.startswith('mariadb') else name
    if name == 'postgresql':
        return 'postgresql+psycopg' if importlib.util.find_spec('psycopg') else 'postgresql+psycopg2'
    return 'mysql+pymysql' if name == 'mysql' else name


def _create_quick_engine(url: sa.URL, timeouts: dict[str, int], **arguments: Any) -> tuple[sa.Engine, sa.Engine]:
    """Make an engine as oslo.db asks, but do not spend a round trip on a ping whenever a connection is used.

    All work is repeated when its connection turns out to be dead, and the first failure discards all idle ones.
    """
    arguments['pool_pre_ping'] = False
    # Every connection is lent for one block, which commits or rolls back; to roll back once more is a round trip for nothing.
    arguments['pool_reset_on_return'] = None
    arguments['hide_parameters'] = True
    arguments['connect_args'].update({name: value for name, value in timeouts.items() if name not in url.query})
    engine = sa.create_engine(url, **arguments)
    return engine, engine


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    """Return an engine whose readers do not block writers, and whose writers queue up instead of failing (D-18)."""
    arguments: dict[str, Any] = {'check_same_thread': False}
    if 'timeout' not in url.query:
        arguments['timeout'] = _SQLITE_TIMEOUT
    in_memory = url.database in (None, '', ':memory:')
    pool = sa.pool.StaticPool if in_memory else sa.pool.QueuePool
    sizes = {} if in_memory else {'pool_size': 5, 'max_overflow': 50, 'pool_timeout': RETRY_TIME}
    engine = sa.create_engine(
        url, connect_args=arguments, poolclass=pool, pool_reset_on_return=None, hide_parameters=True, **sizes
    )

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

    exc_filters.register_engine(engine)
    return engine
