# SPDX-License-Identifier: Apache-2.0
"""The door of metadata definitions: what who is told."""

from __future__ import annotations

import pathlib
from typing import Any

import fixtures
from oslo_config import cfg
from oslo_policy import opts as policy_opts

from glance_clone.api import rules
from glance_clone.api.authorize_metadefs import MetadefDoor
from glance_clone.api.context import RequestContext
from glance_clone.domain import errors
from glance_clone.domain.metadef import Namespace
from glance_clone.tests import base

_NAMESPACES = {'own': Namespace('own', 'a'), 'foreign': Namespace('foreign', 'b', visibility='public')}


class _Records:
    def get(self, name: str, caller: Any) -> Namespace:
        return _NAMESPACES[name]


class MetadefDoorTest(base.TestCase):
    def _door(self, new_defaults: bool = True, **overrides: str) -> MetadefDoor:
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (directory / 'policy.yaml').write_text(''.join(f'{name}: {check!r}\n' for name, check in overrides.items()))
        conf = cfg.ConfigOpts()
        conf([], default_config_files=[], default_config_dirs=[])
        policy_opts.set_defaults(conf, policy_file=str(directory / 'policy.yaml'))
        conf.set_override('enforce_new_defaults', new_defaults, group='oslo_policy')
        return MetadefDoor(rules.Rules(rules.build_enforcer(conf)), _Records())

    def _says(self, door: MetadefDoor, name: str | None, rule: str, **caller: Any) -> type[Exception] | None:
        context = RequestContext(**caller)
        try:
            if name is None:
                door.require_here(context, rule)
            else:
                door.namespace(context, name, rule)
        except errors.ImageServiceError as error:
            return type(error)
        return None

    def test_by_default(self) -> None:
        door = self._door()
        admin = {'project_id': 'x', 'roles': ['admin']}
        reader = {'project_id': 'a', 'roles': ['reader']}
        guest = {'project_id': 'a', 'roles': ['guest']}
        system = {'system_scope': 'all', 'roles': ['admin', 'reader']}
        for name, rule, caller, told in (
            ('own', 'modify_metadef_namespace', admin, None),
            ('own', 'get_metadef_objects', reader, None),
            ('foreign', 'get_metadef_objects', reader, None),
            ('own', 'add_metadef_tag', reader, errors.Forbidden),
            ('foreign', 'add_metadef_tag', reader, errors.Forbidden),
            ('own', 'get_metadef_namespace', guest, errors.NamespaceNotFound),
            ('foreign', 'add_metadef_tag', guest, errors.NamespaceNotFound),
            ('foreign', 'get_metadef_tags', system, errors.NamespaceNotFound),
            (None, 'get_metadef_namespaces', reader, None),
            (None, 'add_metadef_namespace', reader, errors.Forbidden),
            (None, 'add_metadef_namespace', guest, errors.NotFound),
            (None, 'list_metadef_resource_types', system, errors.NotFound),
        ):
            self.assertIs(told, self._says(door, name, rule, **caller), (name, rule, caller))

    def test_all_rules_must_hold(self) -> None:
        door = self._door(delete_metadef_namespace='role:member', delete_metadef_tags='role:boss')
        context = RequestContext(project_id='a', roles=['reader', 'member'])
        door.namespace(context, 'own', 'delete_metadef_namespace')
        self.assertRaises(errors.Forbidden, door.namespace, context, 'own', 'delete_metadef_namespace', 'delete_metadef_tags')

    def test_owners_may_be_let_write(self) -> None:
        door = self._door(metadef_admin='role:admin or (role:member and project_id:%(project_id)s)')
        member = {'project_id': 'a', 'roles': ['reader', 'member']}
        self.assertIsNone(self._says(door, 'own', 'modify_metadef_namespace', **member))
        self.assertIs(errors.Forbidden, self._says(door, 'foreign', 'modify_metadef_namespace', **member))
        self.assertIsNone(self._says(door, None, 'add_metadef_namespace', **member))

    def test_old_defaults_let_everybody_read(self) -> None:
        door = self._door(new_defaults=False)
        guest = {'project_id': 'a', 'roles': ['guest']}
        self.assertIsNone(self._says(door, 'foreign', 'get_metadef_objects', **guest))
        self.assertIsNone(self._says(door, None, 'get_metadef_namespaces', **guest))
        self.assertIs(errors.Forbidden, self._says(door, 'foreign', 'add_metadef_object', **guest))
