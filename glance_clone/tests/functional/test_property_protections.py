# SPDX-License-Identifier: Apache-2.0
"""Custom properties that not everybody may see and change, in a running service (W-22 to W-25)."""

from __future__ import annotations

import pathlib
import re
import subprocess

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base

_ROLES = """
[^secret_]
create = admin,helper
read = admin,helper
update = admin
delete = admin

[^create_only_]
create = @
read = admin
update = admin
delete = admin

[.*]
create = @
read = @
update = @
delete = @
"""
_POLICIES = """
[^secret_]
create = keepers
read = keepers
update = keepers
delete = keepers

[.*]
create = @
read = @
update = @
delete = @
"""
_PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}


def _file(name: str, text: str) -> str:
    path = pathlib.Path(process.temporary_directory()) / name
    path.write_text(text)
    return str(path)


class RolesTest(base.ServiceTestCase):
    """Rules that are lists of roles."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {'DEFAULT': {'property_protection_file': _file('roles.conf', _ROLES)}}
        return service.Service(database_url, cls.launcher, options)

    def _patch(self, who: str, image_id: str, *operations: tuple[object, ...], headers: dict[str, str] | None = None) -> int:
        document = [dict(zip(('op', 'path', 'value'), operation, strict=False)) for operation in operations]
        answer = self.request(who, 'PATCH', f'/v2/images/{image_id}', json=document, headers={**_PATCH, **(headers or {})})
        return answer.status_code

    def _image_with_secret(self) -> str:
        image_id = self.create(visibility='community', plain='p')
        self.assertEqual(200, self._patch('admin', image_id, ('add', '/secret_a', 'x')))
        return image_id

    def _assert_kept(self, image_id: str) -> None:
        self.assertEqual('x', self.show(image_id, 'admin').get('secret_a'))
        self.assertNotIn('secret_a', self.show(image_id))

    def test_writes_of_others_keep_what_they_cannot_see(self) -> None:
        image_id = self._image_with_secret()
        self.assertEqual(200, self._patch('alice', image_id, ('replace', '/name', 'n'), ('replace', '/plain', 'q')))
        self._assert_kept(image_id)
        self.assertEqual(204, self.request('alice', 'PUT', f'/v2/images/{image_id}/tags/t').status_code)
        self._assert_kept(image_id)
        self.assertEqual(204, self.upload(image_id, b'data').status_code)
        self._assert_kept(image_id)
        self.assertEqual(204, self.request('alice', 'POST', f'/v2/images/{image_id}/actions/deactivate').status_code)
        self._assert_kept(image_id)

    def test_hidden_properties_look_absent(self) -> None:
        image_id = self._image_with_secret()
        self.assertEqual(409, self._patch('alice', image_id, ('replace', '/secret_a', 'y')))
        self.assertEqual(409, self._patch('alice', image_id, ('remove', '/secret_a')))
        self.assertEqual(403, self._patch('alice', image_id, ('add', '/secret_a', 'y')))
        self._assert_kept(image_id)

    def test_hidden_properties_are_not_overwritten_with_the_right_to_create(self) -> None:
        image_id = self.create(create_only_a='first')
        self.assertNotIn('create_only_a', self.show(image_id))
        self.assertEqual(403, self._patch('alice', image_id, ('add', '/create_only_a', 'second')))
        self.assertEqual('first', self.show(image_id, 'admin')['create_only_a'])

    def test_lists_cannot_be_probed(self) -> None:
        image_id = self._image_with_secret()

        def found(who: str) -> list[str]:
            answer = self.request(who, 'GET', f'/v2/images?id={image_id}&visibility=community&secret_a=x')
            return [image['id'] for image in answer.json()['images']]

        self.assertEqual([image_id], found('admin'))
        self.assertEqual([], found('alice'))

    def test_nothing_of_a_patch_is_done_where_one_property_is_refused(self) -> None:
        image_id = self.create()
        self.assertEqual(403, self._patch('alice', image_id, ('add', '/plain', 'p'), ('add', '/secret_b', 'x')))
        self.assertNotIn('plain', self.show(image_id))
        self.assertEqual(403, self.request('alice', 'POST', '/v2/images', json={'secret_a': 'x'}).status_code)

    def test_roles_of_the_service_that_acts_for_the_user_count(self) -> None:
        image_id = self.create()
        helper = {'X-Service-Roles': 'helper'}
        self.assertEqual(200, self._patch('alice', image_id, ('add', '/secret_a', 'x'), headers=helper))
        self.assertEqual(403, self._patch('alice', image_id, ('replace', '/secret_a', 'y'), headers=helper))
        self._assert_kept(image_id)


class PoliciesTest(base.ServiceTestCase):
    """Rules that are names of access rules."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        options = {
            'DEFAULT': {
                'property_protection_file': _file('policies.conf', _POLICIES),
                'property_protection_rule_format': 'policies',
            },
            'oslo_policy': {'policy_file': _file('policy.yaml', '"keepers": "role:admin or role:helper"')},
        }
        return service.Service(database_url, cls.launcher, options)

    def test_rules_of_the_policy_file(self) -> None:
        helper = {'X-Service-Roles': 'helper'}
        values = {'secret_a': 'x', 'plain': 'p'}
        self.assertEqual(403, self.request('alice', 'POST', '/v2/images', json=values).status_code)
        answer = self.request('alice', 'POST', '/v2/images', json=values, headers=helper)
        self.assertEqual(201, answer.status_code)
        self.assertEqual('x', answer.json()['secret_a'])
        image = self.show(answer.json()['id'])
        self.assertNotIn('secret_a', image)
        self.assertEqual('p', image['plain'])


class BadFileTest(base.ServiceTestCase):
    """A file that cannot be used."""

    @classmethod
    def make_service(cls, database_url: str) -> service.Service:
        return service.Service(database_url, service.STANDALONE)

    def test_the_service_does_not_start(self) -> None:
        config = self.service.config_file.read_text()
        bad = _file('bad.conf', _ROLES.replace('delete = @', '', 1))
        config = re.sub(r'workers = \d+', 'workers = 0', config)
        config = config.replace('[DEFAULT]', f'[DEFAULT]\nproperty_protection_file = {bad}', 1)
        config = re.sub(r'bind_port = \d+', f'bind_port = {process.free_port()}', config)
        command = [*service.script('glance-api'), '--config-file', _file('glance-api.conf', config)]
        done = subprocess.run(command, capture_output=True, text=True, env=service.environment(), timeout=60, check=False)
        self.assertEqual(4, done.returncode, done.stderr)
        self.assertIn('[.*] lacks delete', done.stderr)
