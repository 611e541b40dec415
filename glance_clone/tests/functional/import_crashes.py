# SPDX-License-Identifier: Apache-2.0
"""Workers that die at named places of staging and importing: what the image is afterwards, and that a retry works (R2-R5)."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import requests

from glance_clone.tests.fixtures import hostile
from glance_clone.tests.fixtures import ovas
from glance_clone.tests.fixtures import personas
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import imports

_TTL, _HEARTBEAT, _SWEEP = 3, 1, 1
#: Seconds in which an image must be usable again: lease and sweep, a start of workers, and a slow machine.
SOON = _TTL + _SWEEP + 40

STAGE = ('stage-begun', 'stage-written', 'stage-kept', 'stage-finished')
DIRECT = (
    'task-queued',
    'import-begun',
    'before-UseStaged',
    'after-UseStaged',
    'before-Inspect',
    'before-Copies',
    'store-written',
    'before-commit',
    'after-commit',
    'staged-removed',
)
DOWNLOAD = ('task-queued', 'before-Download', 'bytes-moved', 'after-Download', 'store-written', 'after-commit')
COPY = ('task-queued', 'import-begun', 'bytes-moved', 'store-written', 'before-commit', 'after-commit')

#: Places after which the image has its data.
_COMMITTED = ('after-commit', 'staged-removed')

SWEEP: list[tuple[str, str]] = [
    *(('stage', point) for point in STAGE),
    *(('direct', point) for point in DIRECT),
    *(('partial', point) for point in ('store-written', 'after-commit')),
    *(('download', point) for point in DOWNLOAD),
    *(('copy', point) for point in COPY),
    *(('legacy', point) for point in ('task-made', 'image-made', 'task-queued', 'bytes-moved', 'after-commit')),
    *(('ova', point) for point in ('before-OvaExtraction', 'after-OvaExtraction', 'store-written')),
    ('refused', 'image-removed'),
]
#: Work of tasks that make their own image.
_LEGACY = ('legacy', 'ova', 'refused')


def chosen(seed: int, count: int) -> list[tuple[str, str]]:
    """Return some cases of the sweep."""
    return random.Random(seed).sample(SWEEP, count)


class CrashTestCase(imports.ImportTestCase):
    """Runs cases of the sweep."""

    options: service.Options = {
        **imports.ImportTestCase.options,
        'leases': {'ttl': _TTL, 'heartbeat_interval': _HEARTBEAT, 'sweep_interval': _SWEEP},
    }

    def setUp(self) -> None:
        super().setUp()
        self.data = imports.some(3_000_000)
        files = {'/data': self.data, '/ova': ovas.sound(self.data)}
        answers = {path: hostile.sends(hostile.answer(data)) for path, data in files.items()}
        self.web = self.useFixture(hostile.HostileServer(answers))

    def run_case(self, work: str, point: str) -> None:
        """Let a worker die at a place of some work, and see what comes of it."""
        if work in _LEGACY:
            self._run_legacy(work, point)
            return
        image_id = self.create()
        self._prepare(image_id, work)
        self.service.die_at(point)
        with contextlib.suppress(requests.ConnectionError):
            self._begin(image_id, work)
        process.wait_until(lambda: self._died(point), SOON, f'a worker dies at {point}', interval=0.1)
        self.service.has_died(point)
        getattr(self, f'_check_{work}')(image_id, point)

    def _run_legacy(self, work: str, point: str) -> None:
        """A task that makes its own image: there is one only if the task says so, and nothing is left of its data."""
        self.personas = personas.Personas()  # whose project has no other image and no other task
        properties = {'disk_format': 'raw', 'container_format': 'bare' if work == 'legacy' else 'ova'}
        url = f'{self.web.url}/{"ova" if work == "ova" else "data"}'
        wanted = {'import_from': url, 'import_from_format': 'raw', 'image_properties': properties}
        self.service.die_at(point)
        with contextlib.suppress(requests.ConnectionError):
            self.request('admin', 'POST', '/v2/tasks', json={'type': 'import', 'input': wanted})
        process.wait_until(lambda: self._died(point), SOON, f'a worker dies at {point}', interval=0.1)
        mine = f'/v2/tasks?owner={self.personas.project("admin")}&sort_key=created_at'

        def ended() -> bool:
            with contextlib.suppress(requests.ConnectionError):
                tasks = self.request('admin', 'GET', mine).json()['tasks']
                return bool(tasks) and all(task['status'] in ('success', 'failure') for task in tasks)
            return False

        process.wait_until(ended, SOON, 'the task ends', interval=0.3)
        path = self.request('admin', 'GET', mine).json()['tasks'][0]['self']
        task = self.request('admin', 'GET', path).json()
        self.assertEqual('success' if point in _COMMITTED else 'failure', task['status'])
        images = self.request('admin', 'GET', f'/v2/images?owner={self.personas.project("admin")}').json()['images']
        self.assertEqual(1 if point in _COMMITTED else 0, len(images))
        if images:
            self.assertEqual(self.data, self.download(images[0]['id'], 'admin').content)
        elif 'image_id' in task:
            self.assertEqual([], self.left(task['image_id']))
        self.assertEqual([], self.service.files('tasks'))

    def _died(self, point: str) -> bool:
        return not (self.service.state / 'faults' / point).exists()

    def _prepare(self, image_id: str, work: str) -> None:
        if work in ('direct', 'partial'):
            self.assertEqual(204, self.stage(image_id, self.data).status_code)
        if work == 'copy':
            self.import_now(image_id, self.data, stores=['fast'])

    def _begin(self, image_id: str, work: str) -> None:
        if work == 'stage':
            self.stage(image_id, self.data)
        elif work == 'direct':
            self.start_import(image_id, stores=['fast', 'cheap'])
        elif work == 'partial':
            self.start_import(image_id, stores=['fast', 'cheap'], all_stores_must_succeed=False)
        elif work == 'download':
            self._download(image_id)
        else:
            self.start_import(image_id, 'copy-image', who='admin', stores=['cheap'])

    def _download(self, image_id: str) -> None:
        method = {'name': 'web-download', 'uri': f'{self.web.url}/data'}
        self.start_import(image_id, method, stores=['fast', 'cheap'])

    def _settled(self, image_id: str) -> dict[str, Any]:
        """Wait until nothing is under way; return the image."""
        process.wait_until(lambda: self._is_settled(image_id), SOON, f'nothing is under way for {image_id}', interval=0.3)
        for task in self.tasks(image_id):
            self.assertIn(task['status'], ('success', 'failure'))
        image = self.show(image_id)
        self.assertEqual('', image.get('os_glance_importing_to_stores', ''))
        self.assertNotIn('os_glance_import_progress', image)
        return image

    def _is_settled(self, image_id: str) -> bool:
        try:
            image = self.show(image_id)
        except requests.ConnectionError:
            return False
        waits = image['status'] == 'uploading' and image['size'] is None
        return image['status'] not in ('importing', 'saving') and not waits and 'os_glance_import_task' not in image

    def _check_stage(self, image_id: str, point: str) -> None:
        image = self._settled(image_id)
        if point == 'stage-finished':
            self.assertEqual(('uploading', len(self.data)), (image['status'], image['size']))
        else:
            self.assertEqual(('queued', None), (image['status'], image['size']))
            self.assertIn('interrupted', image['os_glance_upload_error'])
            self.assertEqual([], self.left(image_id))
            self.assertEqual(409, self.start_import(image_id).status_code)
            self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.assertEqual(202, self.start_import(image_id).status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast')

    def _check_direct(self, image_id: str, point: str) -> None:
        image = self._settled(image_id)
        if point in _COMMITTED:
            self.assertEqual('success', self.tasks(image_id)[0]['status'])
            self.assert_active(image_id, self.data, 'fast,cheap')
            return
        self.assertEqual('failure', self.tasks(image_id)[0]['status'])
        self.assertIn('interrupted', image['os_glance_import_error'])
        if point == 'task-queued':
            self.assertEqual('uploading', image['status'])
            self.assertEqual([f'staging/{image_id}'], self.left(image_id))
        else:
            self.assertEqual(('queued', None), (image['status'], image['size']))
            self.assertEqual([], self.left(image_id))
            self.assertEqual(204, self.stage(image_id, self.data).status_code)
        self.assertEqual(202, self.start_import(image_id, stores=['fast', 'cheap']).status_code)
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')

    def _check_partial(self, image_id: str, point: str) -> None:
        """One store of two is finished, and all need not succeed."""
        if point != 'after-commit':
            self._check_direct(image_id, point)
            return
        image = self._settled(image_id)
        self.assertEqual(('active', 'fast'), (image['status'], image['stores']))
        self.assertEqual('cheap', image['os_glance_failed_import'])
        self.assert_active(image_id, self.data, 'fast')
        self.start_import(image_id, 'copy-image', who='admin', stores=['cheap'])
        self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')

    def _check_download(self, image_id: str, point: str) -> None:
        image = self._settled(image_id)
        if point not in _COMMITTED:
            self.assertEqual(('queued', None), (image['status'], image['size']))
            self.assertEqual([], self.left(image_id))
            self._download(image_id)
            self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')

    def _check_copy(self, image_id: str, point: str) -> None:
        self._settled(image_id)
        if point not in _COMMITTED:
            self.assert_active(image_id, self.data, 'fast')
            answer = self.start_import(image_id, 'copy-image', who='admin', stores=['cheap'])
            self.assertEqual(202, answer.status_code, answer.text)
            self.wait_for_import(image_id)
        self.assert_active(image_id, self.data, 'fast,cheap')
