# SPDX-License-Identifier: Apache-2.0
"""A database that is away is a quick 503 for those who need it, and nothing once it is back (R8)."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Any

from fixtures import MonkeyPatch

from glance_clone.db.engine import Database
from glance_clone.db.migrations import steps
from glance_clone.db.repos.images import ImageRepository
from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.tests import base as tests
from glance_clone.tests.fixtures import database as fixtures
from glance_clone.tests.functional.db import base

_ID = '0a1b2c3d-aaaa-bbbb-cccc-0123456789ef'


class _Outage(tests.TestCase):
    def repository(self, url: str, **options: object) -> ImageRepository:
        """Return a repository on a database."""
        self.database = Database(base.configured(url, **options))
        self.addCleanup(self.database.dispose)
        return ImageRepository(self.database, base.TTL)

    def be_impatient(self) -> None:
        """Make the time for attempts shorter, where it is not the time that is tested."""
        self.useFixture(MonkeyPatch('glance_clone.db.engine.RETRY_TIME', 1))

    def assert_unavailable(self, work: Any, *args: Any) -> None:
        """Assert that something ends with the right error, in time, and without telling how the database is reached."""
        began = time.monotonic()
        error = self.assertRaises(errors.DatabaseUnavailable, work, *args)
        self.assertLess(time.monotonic() - began, 5.5)
        self.assertEqual('The database of the service is not available; try again soon.', str(error))
        self.assertGreater(error.retry_after, 0)


class _ServerOutage:
    def test_away_and_back(self) -> None:
        self.be_impatient()
        server = self.server_type()
        server.setUp()
        self.addCleanup(server.cleanUp)
        images = self.repository(self._url(server))
        steps.sync(self.database)
        images.add(Image(_ID, owner='p'))
        image = images.get(_ID, base.ADMIN)
        server.kill()
        self.assert_unavailable(images.get, _ID, base.ADMIN)
        image.name = 'x'
        self.assert_unavailable(images.save, image)
        server.start()
        self.assertIsNone(images.get(_ID, base.ADMIN).name)
        images.save(image)
        server.stop()
        server.start()
        self.assertEqual('x', images.get(_ID, base.ADMIN).name, 'connections that died in the pool are not noticed')
        images.remove(image)

    def _url(self, server: Any) -> str:
        fixture = self.database_type(server=server)
        fixture.setUp()
        return str(fixture.url)


class MariaDBOutageTest(_ServerOutage, _Outage):
    server_type = fixtures.MariaDBServer
    database_type = fixtures.MariaDB


class PostgreSQLOutageTest(_ServerOutage, _Outage):
    server_type = fixtures.PostgreSQLServer
    database_type = fixtures.PostgreSQL


class OutageTest(_Outage):
    def test_nobody_there(self) -> None:
        self.be_impatient()
        for url in (
            'mysql+pymysql://u@127.0.0.1:1/d',
            'postgresql+psycopg://u@127.0.0.1:1/d',
            'postgresql+psycopg2://u@127.0.0.1:1/d',
        ):
            self.assert_unavailable(self.repository(url).get, _ID, base.ADMIN)

    def test_a_server_that_takes_connections_and_says_nothing(self) -> None:
        with socket.create_server(('127.0.0.1', 0)) as silent:
            port = silent.getsockname()[1]
            for driver in ('mysql+pymysql', 'postgresql+psycopg'):
                self.assert_unavailable(self.repository(f'{driver}://u@127.0.0.1:{port}/d').get, _ID, base.ADMIN)

    def test_a_server_that_stops_answering(self) -> None:
        server = fixtures.MariaDBServer()
        server.setUp()
        self.addCleanup(server.cleanUp)
        images = self.repository(server.create('t'))
        steps.sync(self.database)
        images.add(Image(_ID, owner='p'))
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            self.assert_unavailable(images.get, _ID, base.ADMIN)
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        self.assertEqual(_ID, images.get(_ID, base.ADMIN).id)

    def test_no_directory_for_sqlite(self) -> None:
        self.be_impatient()
        self.assert_unavailable(self.repository('sqlite:////nonexistent/images.sqlite').get, _ID, base.ADMIN)

    def test_sqlite_held_by_another_program(self) -> None:
        url = self.useFixture(fixtures.SQLite()).url
        images = self.repository(url)
        steps.sync(self.database)
        other = Database(base.configured(url))
        self.addCleanup(other.dispose)
        with other.write():
            self.assert_unavailable(images.add, Image(_ID))
            self.assertRaises(errors.ImageNotFound, images.get, _ID, base.ADMIN)
        images.add(Image(_ID))

    def test_no_connection_left(self) -> None:
        url = self.useFixture(fixtures.MariaDB()).url
        images = self.repository(url, max_pool_size=1, max_overflow=0, pool_timeout=1)
        steps.sync(self.database)
        with self.database.read():
            self.assert_unavailable(images.get, _ID, base.ADMIN)
        self.assertRaises(errors.ImageNotFound, images.get, _ID, base.ADMIN)

    def test_wrong_password(self) -> None:
        self.be_impatient()
        url = self.useFixture(fixtures.MariaDB()).url.replace('root@', 'nobody:secret@')
        self.assert_unavailable(self.repository(url).get, _ID, base.ADMIN)
