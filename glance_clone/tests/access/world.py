# SPDX-License-Identifier: Apache-2.0
"""A service inside of the test process, with images and namespaces of every kind, asked by everybody."""

from __future__ import annotations

import json
import logging
import pathlib
import shutil
import uuid
from typing import Any

import fixtures
import sqlalchemy as sa
import webob
import yaml
from oslo_config import cfg

from glance_clone import bootstrap
from glance_clone import policies
from glance_clone.db import models
from glance_clone.db.engine import Database
from glance_clone.db.repos.images import ImageRepository
from glance_clone.domain.image import Image
from glance_clone.domain.location import Location
from glance_clone.tests.access.matrix import ANONYMOUS
from glance_clone.tests.access.matrix import Case
from glance_clone.tests.access.matrix import Matrix
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import gabbi_fixtures

_PATCH = 'application/openstack-images-v2.1-json-patch'
_BYTES = 'application/octet-stream'
_DATA = b'data'

#: States that are statuses with a flag.
_FLAGS = {'protected': {'protected': True}, 'hidden': {'os_hidden': True}}
_WITH_DATA = ('active', 'deactivated', 'protected', 'hidden', 'pending_delete')

_OF_IMAGES = (models.image.properties, models.image.tags, models.image.members, models.image.locations)
_COUNTED = (models.image.images, models.lease.leases, models.task.tasks)


class World(fixtures.Fixture):
    """The service under one variant of the access rules.

    :param variant: its name in the matrix
    """

    def __init__(self, matrix: Matrix, variant: str):
        super().__init__()
        self._matrix = matrix
        self._variant = matrix.variants[variant]
        self._subjects: dict[tuple[Any, ...], dict[str, str]] = {}

    def _setUp(self) -> None:
        self.state = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        handlers = logging.root.handlers[:]
        self.addCleanup(setattr, logging.root, 'handlers', handlers)
        conf = self._configure()
        built = bootstrap.build(conf)
        self.addCleanup(built.stop)
        self._app = bootstrap.load_app(built, conf)
        self._database = Database(conf)
        self.addCleanup(self._database.dispose)
        self._images = ImageRepository(self._database, lease_ttl=60)
        self._projects = {name: uuid.uuid4().hex for name in 'ABCSZ'}

    def _configure(self) -> cfg.ConfigOpts:
        state = self.state
        shutil.copy(gabbi_fixtures.empty_database(), state / 'images.sqlite')
        (state / 'glance-api-paste.ini').write_text(service.trusting(service.etc_file(service.PASTE_FILE).read_text()))
        (state / 'policy.yaml').write_text(yaml.safe_dump(self._policy()))
        options = gabbi_fixtures.default_options(state)
        options['DEFAULT'].update(image_cache_dir=state / 'cache', worker_self_reference_url='http://node1.example.org:9292')
        options['DEFAULT'].update(self._variant.get('service', {}))
        options['oslo_policy'] = {'policy_file': state / 'policy.yaml', **self._variant['options']}
        (state / 'glance-api.conf').write_text(service.render(options))
        conf = cfg.ConfigOpts()
        bootstrap.load_config(conf, default_config_files=[str(state / 'glance-api.conf')])
        return conf

    def _policy(self) -> dict[str, str]:
        """Return the policy file of the variant: the same check for every rule but the one that makes administrators."""
        if 'policy' not in self._variant:
            return {}
        names = {rule.name for rule in policies.list_rules()} - {'context_is_admin'}
        return dict.fromkeys(sorted(names), self._variant['policy'])

    def judge(self, case: Case) -> str | None:
        """Ask what a case asks; return what is wrong with the answer, None if nothing is."""
        key = (case.operation.subject, case.visibility, case.state)
        names = self._subjects.pop(key, None) or self._make(case)
        before = self._snapshot(case, names)
        answer = self._ask(case, names)
        expected = self._matrix.expected(case)
        if answer.status_int != expected:
            return f'{case}: {answer.status_int} instead of {expected}: {answer.text[:300]!r}'
        if answer.status_int < 400:
            return None
        if self._snapshot(case, names) != before:
            return f'{case}: refused with {expected}, but something changed'
        self._subjects[key] = names
        return self._wrong_refusal(case, names, answer)

    def judge_stranger(self, case: Case) -> str | None:
        """Ask what a case asks without saying who is asking; return what is wrong with the answer, None if nothing is."""
        names = self._make(case)
        before = self._snapshot(case, names)
        answer = self._ask(case, names, self._nobody)
        if answer.status_int != 401 or self._snapshot(case, names) != before:
            return f'{case.operation.name}: {answer.status_int} instead of 401, or something changed'
        return None

    @property
    def _nobody(self) -> dict[str, str]:
        """Headers of a client that claims to be somebody, whom no auth filter confirmed."""
        return {**self._identity('admin'), 'X-Identity-Status': 'Invalid'}

    def _wrong_refusal(self, case: Case, names: dict[str, str], answer: webob.Response) -> str | None:
        """Return what is wrong with the body of a refusal: it is JSON, and tells nothing of what somebody may not see."""
        if set(answer.json) != {'message', 'code', 'title'}:
            return f'{case}: the refusal has the members {sorted(answer.json)}'
        if case.operation.subject is None or self._matrix.sees(case) or answer.status_int != 404:
            return None
        unknown = {**names, 'image_id': str(uuid.uuid4()), 'namespace': 'unknown'}
        other = self._ask(case, unknown)
        texts = []
        for each, known_by in ((answer, names), (other, unknown)):
            text = each.text
            for name in ('image_id', 'namespace'):
                text = text.replace(known_by.get(name) or '\0', 'X')
            texts.append((each.status_int, text))
        return None if texts[0] == texts[1] else f'{case}: unlike an unknown one: {texts}'

    def _ask(self, case: Case, names: dict[str, str], identity: dict[str, str] | None = None) -> webob.Response:
        operation = case.operation
        verb, path = operation.route
        headers = {'Accept': 'application/json', **(identity or self._identity(case.persona))}
        body = b''
        if operation.json is not None:
            body, headers['Content-Type'] = self._fill(operation.json, names), 'application/json'
        elif operation.patch is not None:
            body, headers['Content-Type'] = self._fill(operation.patch, names), _PATCH
        elif operation.bytes is not None:
            body, headers['Content-Type'] = operation.bytes.encode(), _BYTES
        request = webob.Request.blank('/v2' + _filled(path, names), method=verb, headers=headers, body=body)
        return request.get_response(self._app)

    def _fill(self, document: Any, names: dict[str, str]) -> bytes:
        return _filled(json.dumps(document), names).encode()

    def _identity(self, persona: str) -> dict[str, str]:
        """Return the headers that an auth filter would set."""
        if persona == ANONYMOUS:
            return {'X-Identity-Status': 'Invalid'}
        person = self._matrix.personas[persona]
        headers = {'X-Identity-Status': 'Confirmed', 'X-User-Id': persona, 'X-Roles': ','.join(person['roles'])}
        if 'project' in person:
            headers['X-Project-Id'] = self._projects[person['project']]
        elif person['scope'] == 'system':
            headers['OpenStack-System-Scope'] = 'all'
        else:
            headers['X-Domain-Id'] = 'default'
        return headers

    def _make(self, case: Case) -> dict[str, str]:
        """Make what the case acts on; return the names by which its request is filled."""
        names = {'B': self._projects['B'], 'new': f'new-{uuid.uuid4()}'}
        if case.operation.subject == 'image':
            names['image_id'] = self._make_image(case.visibility, case.state)
        elif case.operation.subject == 'namespace':
            names.update(self._make_namespace(case.visibility))
        return names

    def _make_image(self, visibility: str, state: str) -> str:
        image = Image(str(uuid.uuid4()), owner=self._projects['A'], disk_format='raw', container_format='bare')
        image.visibility = visibility.partition('_')[0]
        image.status = 'active' if state in _FLAGS else state
        for name, value in _FLAGS.get(state, {}).items():
            setattr(image, name, value)
        image.tags, image.properties = {'present'}, {'hw_disk_bus': 'virtio'}
        if state in _WITH_DATA:
            image.size = len(_DATA)
            image.locations = [self._store(image.id, store) for store in ('fast', 'cheap')]
        elif state == 'uploading':
            image.size = len(_DATA)
            (self.state / 'staging' / image.id).write_bytes(_DATA)
        self._images.add(image, id_is_new=True)
        status = visibility.partition('_')[2]
        if status:
            self._share(image, status)
        return image.id

    def _store(self, image_id: str, store: str) -> Location:
        path = self.state / store / image_id
        path.write_bytes(_DATA)
        return Location(f'file://{path}', {'store': store})

    def _share(self, image: Image, status: str) -> None:
        stamps = {'created_at': image.created_at, 'updated_at': image.created_at, 'deleted': False, 'can_share': False}
        with self._database.write() as connection:
            row = {'image_id': image.id, 'member': self._projects['B'], 'status': status, **stamps}
            connection.execute(sa.insert(models.image.members), row)

    def _make_namespace(self, visibility: str) -> dict[str, str]:
        names = {
            'namespace': uuid.uuid4().hex,
            'object': 'o',
            'property': 'p',
            'tag': 't',
            'resource_type': f'OS::{uuid.uuid4()}',
        }
        tables, now = models.metadef, self._database.now()
        stamps = {'created_at': now, 'updated_at': now}
        schema = json.dumps({'title': 'P', 'type': 'string'})
        with self._database.write() as connection:

            def insert(table: sa.Table, **values: Any) -> Any:
                return connection.execute(sa.insert(table), {**values, **stamps}).inserted_primary_key

            owner = self._projects['A']
            space = {'namespace': names['namespace'], 'visibility': visibility, 'owner': owner, 'protected': False}
            its = {'namespace_id': insert(tables.namespaces, **space)[0]}
            insert(tables.objects, name='o', json_schema='{}', **its)
            insert(tables.properties, name='p', json_schema=schema, **its)
            insert(tables.tags, name='t', **its)
            kind = insert(tables.resource_types, name=names['resource_type'], protected=False)[0]
            insert(tables.namespace_resource_types, resource_type_id=kind, **its)
        return names

    def _snapshot(self, case: Case, names: dict[str, str]) -> Any:
        """Return everything that a refusal must leave as it is."""
        with self._database.read() as connection:
            rows: list[Any] = [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() for table in _COUNTED]
            if image_id := names.get('image_id'):
                rows.append(connection.execute(sa.select(models.image.images).filter_by(id=image_id)).all())
                rows += [connection.execute(sa.select(table).filter_by(image_id=image_id)).all() for table in _OF_IMAGES]
                files = [self.state / store / image_id for store in ('fast', 'cheap', 'staging')]
                rows.append([path.exists() and path.read_bytes() for path in files])
            if '/metadefs/' in case.operation.request:
                tables = [table for name, table in models.metadata.tables.items() if name.startswith('metadef_')]
                rows += [connection.execute(sa.select(table)).all() for table in tables]
        return rows


def _filled(text: str, names: dict[str, str]) -> str:
    for name, value in names.items():
        text = text.replace(f'{{{name}}}', value)
    return text
