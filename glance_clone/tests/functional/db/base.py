# SPDX-License-Identifier: Apache-2.0
"""What tests of the database have in common."""

from __future__ import annotations

from oslo_config import cfg

from glance_clone.conf import database as options
from glance_clone.db.engine import Database
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


class DatabaseTestCase(base.TestCase):
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

    def connect(self, **options: object) -> Database:
        """Return a further access to the database of the test."""
        database = Database(configured(self.url, **options))
        self.addCleanup(database.dispose)
        return database
