# SPDX-License-Identifier: Apache-2.0
"""A few places at which workers die; the whole sweep is among the slow tests."""

from __future__ import annotations

import contextlib
from typing import Any

import requests

from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import import_crashes
from glance_clone.tests.functional import imports

_SEED = 20


class CrashTest(import_crashes.CrashTestCase):
    """Workers of uWSGI."""

    def test_staging_interrupted(self) -> None:
        self.run_case('stage', 'stage-written')

    def test_import_interrupted(self) -> None:
        self.run_case('direct', 'store-written')

    def test_task_interrupted(self) -> None:
        self.run_case('legacy', 'bytes-moved')

    def test_tasks_interrupted_with_more_than_one_file(self) -> None:
        self.run_case('ova', 'after-OvaExtraction')

    def test_tasks_interrupted_beside_their_image(self) -> None:
        self.run_case('legacy', 'image-made')
        self.run_case('refused', 'image-removed')

    def test_some_others(self) -> None:
        for work, point in import_crashes.chosen(_SEED, 3):
            with self.subTest(work=work, point=point):
                self.run_case(work, point)


class CopyTest(import_crashes.CrashTestCase):
    """Workers that die while they copy an image into several stores, or remove a copy."""

    options: service.Options = {
        **import_crashes.CrashTestCase.options,
        'DEFAULT': {'enabled_backends': 'fast:file,cheap:file,spare:file'},
        'spare': {'filesystem_store_datadir': '${STATE_DIR}/spare'},
    }

    def setUp(self) -> None:
        super().setUp()
        self.image_id = self.create()
        self.import_now(self.image_id, self.data, stores=['fast'])

    def _kill(self, point: str, method: str, path: str, **kwargs: Any) -> None:
        """Ask for something in which a worker dies."""
        self.service.die_at(point)
        with contextlib.suppress(requests.ConnectionError):
            self.request('admin', method, path, **kwargs)
        process.wait_until(lambda: self._died(point), imports.SOON, f'a worker dies at {point}', interval=0.1)

    def _copy(self, **body: Any) -> requests.Response:
        return self.start_import(self.image_id, 'copy-image', who='admin', **body)

    def _files(self) -> list[str]:
        return self.left(self.image_id, 'staging', 'fast', 'cheap', 'spare')

    def _killed(self, point: str, must_succeed: bool) -> dict[str, Any]:
        body = {'method': {'name': 'copy-image'}, 'all_stores': True, 'all_stores_must_succeed': must_succeed}
        self._kill(point, 'POST', f'/v2/images/{self.image_id}/import', json=body)
        return self._settled(self.image_id)

    def test_finished_stores_are_kept_and_the_rest_can_be_asked_for_again(self) -> None:
        image = self._killed('after-commit', must_succeed=False)
        self.assertEqual(('active', 'fast,cheap'), (image['status'], image['stores']))
        self.assertEqual('spare', image['os_glance_failed_import'])
        self.assertEqual([f'{store}/{self.image_id}' for store in ('fast', 'cheap')], self._files())
        self.assertEqual('success', self.tasks(self.image_id)[-1]['status'])
        self.assertEqual(202, self._copy(all_stores=True).status_code)
        image = self.wait_for_import(self.image_id)
        self.assertEqual(('fast,cheap,spare', ''), (image['stores'], image['os_glance_failed_import']))
        self.assertEqual(self.data, self.download(self.image_id).content)

    def test_where_all_must_succeed_all_are_to_be_asked_for_again(self) -> None:
        image = self._killed('store-written', must_succeed=True)
        self.assertEqual(('active', 'fast'), (image['status'], image['stores']))
        self.assertEqual('cheap,spare', image['os_glance_failed_import'])
        self.assertEqual([f'fast/{self.image_id}'], self._files())
        self.assertEqual('failure', self.tasks(self.image_id)[-1]['status'])
        self.assertEqual(202, self._copy(stores=['cheap', 'spare']).status_code)
        image = self.wait_for_import(self.image_id)
        self.assertEqual(('fast,cheap,spare', ''), (image['stores'], image['os_glance_failed_import']))

    def test_no_copy_begins_where_one_is_being_removed(self) -> None:
        self._copy(stores=['cheap'])
        self.wait_for_import(self.image_id)
        self._kill('copy-marked', 'DELETE', f'/v2/stores/cheap/{self.image_id}')
        answer = self._copy(stores=['cheap'])
        self.assertEqual(409, answer.status_code, answer.text)
        self.assertIn('The removal of a copy', answer.text)
        process.wait_until(
            lambda: self._copy(stores=['cheap']).status_code == 202, import_crashes.SOON, 'the copy is removed', interval=0.5
        )
        self.wait_for_import(self.image_id)
        self.assert_active(self.image_id, self.data, 'fast,cheap')
