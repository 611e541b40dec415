# SPDX-License-Identifier: Apache-2.0
"""Metadata definitions in the hands of the ``openstack`` command, the ``glance`` command and openstacksdk."""

from __future__ import annotations

import json
import pathlib
import shlex
from typing import Any

import fixtures

from glance_clone.tests.fixtures import keystone
from glance_clone.tests.functional import clients

_IMAGE = 'OS::Glance::Image'


class MetadefClientsTest(clients.ClientTestCase):
    """As in a cloud: uWSGI on MariaDB."""

    database = 'mariadb'

    def _metadef(self, *commands: str, user: keystone.User = keystone.ADMIN) -> list[Any]:
        """Run ``openstack image metadef`` commands, and return the documents that they print."""
        split = [shlex.split(command) for command in commands]
        full = [[*words[: words[0] == '!'], 'image', 'metadef', *words[words[0] == '!' :]] for words in split]
        printed = self.batch('openstackclient.shell', full, user)
        return [json.loads(text) if text.startswith(('{', '[')) else text for text in printed]

    def test_openstack_command(self) -> None:
        schema = json.dumps({'description': 'How many', 'minimum': 1, 'default': 2})
        created, *_, cores = self._metadef(
            'namespace create My::Space --display-name Mine --description Words --public --protected -f json',
            'object create --namespace My::Space limits',
            'object update My::Space limits --name bounds',
            f'resource type association create My::Space {_IMAGE}',
            f"property create My::Space --name cores --title Cores --type integer --schema '{schema}' -f json",
        )
        self.assertEqual(('My::Space', 'public', True), (created['namespace'], created['visibility'], created['protected']))
        self.assertEqual(('cores', 'integer', '2'), (cores['name'], cores['type'], cores['default']))
        namespaces, objects, bounds, properties, associations, types, *_ = self._metadef(
            'namespace list -f json',
            'object list My::Space -f json',
            'object show My::Space bounds -f json',
            'property list My::Space -f json',
            'resource type association list My::Space -f json',
            'resource type list -f json',
            '! namespace create mine',
            '! namespace delete My::Space',
            user=keystone.BOB,
        )
        self.assertEqual(['My::Space'], [row['namespace'] for row in namespaces])
        self.assertEqual((['bounds'], 'bounds'), ([row['name'] for row in objects], bounds['name']))
        self.assertEqual(['cores'], [row['name'] for row in properties])
        self.assertEqual([[_IMAGE]] * 2, [[row['Name'] for row in rows] for rows in (associations, types)])
        _, kernels, *_, shown, _, _ = self._metadef(
            'property set My::Space cores --title Kernels --name kernels',
            'property show My::Space kernels -f json',
            '! property show My::Space cores',
            '! namespace delete My::Space',
            'namespace set My::Space --unprotected --private --description Other',
            'namespace show My::Space -f json',
            'namespace delete My::Space',
            '! namespace show My::Space',
        )
        self.assertEqual('Kernels', kernels['title'])
        self.assertEqual(('Other', 'private'), (shown['description'], shown['visibility']))
        self.assert_no_traceback()

    def _glance(self, *commands: str) -> list[str]:
        return self.batch('glanceclient.shell', [shlex.split(command) for command in commands], keystone.ADMIN)

    def test_glance_command(self) -> None:
        """Its models are made of the schemas, so that it refuses whatever does not fit them."""
        path = pathlib.Path(self.useFixture(fixtures.TempDir()).join('namespace.json'))
        definition = {'title': 'Nodes', 'type': 'integer', 'default': 1, 'minimum': 1, 'enum': ['1', '2']}
        path.write_text(
            json.dumps(
                {
                    'namespace': 'Imported',
                    'visibility': 'public',
                    'resource_type_associations': [{'name': _IMAGE, 'prefix': 'hw_'}],
                    'properties': {'nodes': definition},
                    'objects': [{'name': 'numa', 'required': ['nodes'], 'properties': {'nodes': definition}}],
                    'tags': [{'name': 'fast'}],
                }
            )
        )
        _, *shown = self._glance(
            f'md-namespace-import --file {path}',
            'md-namespace-show Imported',
            f'md-namespace-show Imported --resource-type {_IMAGE}',
            f'md-namespace-list --resource-types {_IMAGE} --visibility public',
            'md-property-show Imported nodes',
            'md-object-list Imported',
            'md-object-property-show Imported numa nodes',
        )
        for text, printed in zip(('nodes', 'hw_nodes', 'Imported', 'Nodes', 'numa', 'Nodes'), shown, strict=True):
            self.assertIn(text, printed)
        *_, tags, _, _, types = self._glance(
            'md-object-update Imported numa --name topology',
            'md-tag-create-multiple Imported --names big,small --delim ,',
            'md-tag-create Imported --name slow',
            'md-tag-update Imported slow --name steady',
            'md-tag-list Imported',
            'md-tag-delete Imported big',
            f'md-resource-type-deassociate Imported {_IMAGE}',
            'md-resource-type-list',
        )
        for tag in ('big', 'small', 'steady'):
            self.assertIn(tag, tags)
        self.assertIn(_IMAGE, types)
        self._glance(
            'md-namespace-properties-delete Imported',
            'md-namespace-objects-delete Imported',
            'md-namespace-tags-delete Imported',
            'md-namespace-delete Imported',
            '! md-namespace-show Imported',
        )
        self.assert_no_traceback()

    def test_sdk(self) -> None:
        image = self.connection(keystone.ADMIN).image
        for number in range(3):
            image.create_metadef_namespace(namespace=f'sdk{number}', visibility='public')
        names = [namespace.namespace for namespace in self.connection(keystone.BOB).image.metadef_namespaces(limit=1)]
        self.assertEqual(['sdk2', 'sdk1', 'sdk0'], names)
        namespace = image.get_metadef_namespace('sdk0')
        image.create_metadef_property(namespace, name='p', type='string', title='P', enum=['a', 'b'])
        self.assertEqual(['p'], [found.name for found in image.metadef_properties(namespace)])
        image.create_metadef_object(namespace, name='o', properties={'p': {'type': 'string', 'title': 'P'}}, required=['p'])
        self.assertEqual(['p'], image.get_metadef_object('o', namespace).required)
        for name in names:
            image.delete_metadef_namespace(name, ignore_missing=False)
        self.assertEqual([], list(image.metadef_namespaces()))
        self.assert_no_traceback()
