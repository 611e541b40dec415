# SPDX-License-Identifier: Apache-2.0
"""The plugin that injects properties."""

from __future__ import annotations

import fixtures
from oslotest import base

from glance_clone.domain.importing import Submitter
from glance_clone.imports.inject_metadata import InjectMetadata
from glance_clone.imports.no_op import NoOp
from glance_clone.tests.unit.imports.material import StagedWork
from glance_clone.tests.unit.imports.material import configuration

_CONF = '[inject_metadata_properties]\ninject = a:1,b:2,os_glance_x:3\n'


class InjectMetadataTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())

    def work(self, *roles, **properties):
        work = self.useFixture(StagedWork(b'x', submitter=Submitter(roles=frozenset(roles))))
        work.image.properties = dict(properties)
        return work

    def test_properties_are_set_and_replaced(self):
        work = self.work('member', b='mine', c='kept', os_glance_import_task='t')
        InjectMetadata(configuration(_CONF)).run(work)
        self.assertEqual({'a': '1', 'b': '2', 'c': 'kept', 'os_glance_import_task': 't'}, work.image.properties)
        self.assertEqual(1, work.saves)
        self.assertIn('os_glance_x', self.log.output)

    def test_undo_puts_back_what_was_there(self):
        work = self.work('member', b='mine', c='kept')
        step = InjectMetadata(configuration(_CONF))
        step.run(work)
        step.undo(work)
        step.undo(work)
        self.assertEqual({'b': 'mine', 'c': 'kept'}, work.image.properties)

    def test_ignored_roles_get_none(self):
        for roles, conf in ((['Admin', 'member'], _CONF), (['x'], _CONF + 'ignore_user_roles = y,X\n')):
            work = self.work(*roles)
            step = InjectMetadata(configuration(conf))
            step.run(work)
            step.undo(work)
            self.assertEqual(({}, 0), (work.image.properties, work.saves))

    def test_only_the_configured_roles_are_ignored(self):
        work = self.work('admin')
        InjectMetadata(configuration(_CONF + 'ignore_user_roles = nobody\n')).run(work)
        self.assertEqual({'a': '1', 'b': '2'}, work.image.properties)


class NoOpTest(base.BaseTestCase):
    def test_everything_stays(self):
        work = self.useFixture(StagedWork(b'x'))
        step = NoOp(configuration())
        step.run(work)
        step.undo(work)
        self.assertEqual((b'x', 0, {}), (work.content(), work.saves, work.image.properties))
