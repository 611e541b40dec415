# SPDX-License-Identifier: Apache-2.0
"""What tests of the database have in common."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any
from typing import ClassVar
from unittest import mock

import sqlalchemy as sa
from oslo_config import cfg
from oslo_db import exception as db_exc

from glance_clone.conf import database as options
from glance_clone.db import models
from glance_clone.db.engine import Database
from glance_clone.db.migrations import steps
from glance_clone.db.repos.images import ImageRepository
from glance_clone.db.repos.leases import LeaseRepository
from glance_clone.domain.caller import Caller
from glance_clone.domain.image import Image
from glance_clone.domain.lease import Lease
from glance_clone.tests import base
from glance_clone.tests.fixtures import database as fixtures


def configured(url: str, **values: object) -> cfg.ConfigOpts:
    """Return a configuration of nothing but the database."""
    conf = cfg.ConfigOpts()
    options.register_opts(conf)
    conf([], default_config_files=[], default_config_dirs=[])
    conf.set_override('connection', url, group=options.GROUP)
    for name, value in values.items():
        conf.set_override(name, value, group=options.GROUP)
    return conf


class _TestCase(base.TestCase):
    database: Database

    @contextlib.contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Lend a list that takes what is sent to the database meanwhile, the begin of transactions apart."""
        sent: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
            if not statement.startswith('BEGIN'):
                sent.append(statement)

        sa.event.listen(self.database.engine, 'before_cursor_execute', note)
        try:
            yield sent
        finally:
            sa.event.remove(self.database.engine, 'before_cursor_execute', note)

    @contextlib.contextmanager
    def lost_commits(self, times: int = 1) -> Iterator[None]:
        """Lose the connection right after the first commits, so that nobody learns of them."""
        write, left = self.database.write, [times]

        @contextlib.contextmanager
        def lossy() -> Iterator[Any]:
            with write() as connection:
                yield connection
            if left[0]:
                left[0] -= 1
                raise db_exc.DBConnectionError()

        with mock.patch.object(self.database, 'write', lossy):
            yield
        self.assertEqual(0, left[0], 'a commit was lost')


class DatabaseTestCase(_TestCase):
    """A test with an empty database of its own.

    :cvar kind: ``sqlite``, ``mariadb`` or ``postgresql``
    """

    kind = 'sqlite'

    def setUp(self) -> None:
        super().setUp()
        self.url = self._make()
        self.database = self.connect()

    def _make(self) -> str:
        return self.useFixture(fixtures.KINDS[self.kind]()).url

    def connect(self, patient: bool = False, **options: object) -> Database:
        """Return a further access to the database of the test."""
        database = Database(configured(self.url, **options), patient)
        self.addCleanup(database.dispose)
        return database


ADMIN = Caller('operators', is_admin=True)
TTL = 60


class RepositoryTestCase(_TestCase):
    """Tests of repositories, on a database that the tests of a class share and find empty.

    :cvar kind: ``sqlite``, ``mariadb`` or ``postgresql``
    """

    kind: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.url = cls.share(cls.make()).url
        cls.database = Database(configured(cls.url))
        cls.addClassCleanup(cls.database.dispose)
        steps.sync(cls.database)

    @classmethod
    def make(cls) -> Any:
        """Return the fixture of the database, not set up yet."""
        return fixtures.KINDS[cls.kind]()

    def setUp(self) -> None:
        super().setUp()
        with self.database.write() as connection:
            for table in (*reversed(models.metadata.sorted_tables), *models.own_metadata.sorted_tables):
                connection.execute(sa.delete(table))
        self.images = ImageRepository(self.database, TTL)
        self.leases = LeaseRepository(self.database)
        self.me, self.other = Caller('project-a'), Caller('project-b')

    def add(self, **values: Any) -> Image:
        """Store an image of ``self.me``, and return it."""
        values = {'id': str(uuid.uuid4()), 'owner': self.me.project_id, **values}
        image = Image(**values)
        self.images.add(image, id_is_new=True)
        return image

    def share_with(self, image: Image, project: str | None, status: str = 'accepted', deleted: bool = False) -> None:
        """Make a project a member of an image."""
        stamps = {'created_at': image.created_at, 'deleted': deleted, 'can_share': False}
        with self.database.write() as connection:
            connection.execute(
                sa.insert(models.image.members).values(image_id=image.id, member=project, status=status, **stamps)
            )

    def change(self, table: sa.Table, **values: Any) -> None:
        """Change all rows of a table, past the repositories."""
        with self.database.write() as connection:
            connection.execute(sa.update(table).values(**values))

    def rows(self, table: sa.Table, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a table with these values, as they are."""
        wanted = [table.c[name] == value for name, value in values.items()]
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(sa.select(table).where(*wanted)).mappings()]

    def lease(self, image: Image, operation: str = 'upload', owner: str = 'worker') -> Lease:
        """Return a lease that is not stored."""
        return Lease(image.id, operation, owner, attempt=uuid.uuid4().hex, detail={'store': 'fast'})
