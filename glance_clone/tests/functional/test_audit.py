# SPDX-License-Identifier: Apache-2.0
"""``glance-manage store audit``: what it finds, what it repairs, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any
from typing import ClassVar

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base


class AuditTest(base.ServiceTestCase):
    options: ClassVar[service.Options] = {
        'DEFAULT': {'enabled_backends': 'fast:file,cheap:file', 'delayed_delete': True},
        'cheap': {'filesystem_store_datadir': '${STATE_DIR}/cheap'},
    }

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual([], self._audit('--repair')[1])

    def _audit(self, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        command = [*service.script('glance-manage'), '--config-file', str(self.service.config_file)]
        done = subprocess.run(
            [*command, 'store', 'audit', '--json', *arguments],
            capture_output=True, text=True, env=service.environment(), cwd=self.service.state, check=False,
        )  # fmt: skip
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return done.returncode, json.loads(done.stdout)

    def _found(self, *arguments: str) -> tuple[int, list[tuple[str, str, bool]]]:
        status, findings = self._audit(*arguments)
        return status, sorted((f['kind'], os.path.basename(f['what']), f['is_repaired']) for f in findings)

    def _image(self) -> str:
        image_id = self.create()
        self.assertEqual(204, self.upload(image_id, b'the data').status_code)
        return image_id

    def _path(self, image_id: str) -> Any:
        return self.service.state / 'fast' / image_id

    def test_all_is_well(self) -> None:
        self._image()
        self.assertEqual((0, []), self._found('--verify'))

    def test_orphans_are_removed(self) -> None:
        orphan, half = str(uuid.uuid4()), f'.{uuid.uuid4()}.0123abcd.part'
        for name in (orphan, half):
            self._path(name).write_bytes(b'nobody knows me')
        self.assertEqual((1, sorted([('orphan', orphan, False), ('orphan', half, False)])), self._found())
        self.assertEqual((0, sorted([('orphan', orphan, True), ('orphan', half, True)])), self._found('--repair'))
        self.assertEqual((0, []), self._found())

    def test_files_of_others_are_left_alone(self) -> None:
        stranger = self._path('README')
        stranger.write_text('hands off')
        self.addCleanup(stranger.unlink)
        self.assertEqual((1, [('foreign', 'README', False)]), self._found('--repair'))
        self.assertTrue(stranger.exists())

    def test_lost_and_damaged_data(self) -> None:
        lost, short, flipped = self._image(), self._image(), self._image()
        self._path(lost).unlink()
        self._path(short).write_bytes(b'the')
        self._path(flipped).write_bytes(b'the dat4')
        self.assertEqual((1, sorted([('missing', lost, False), ('damaged', short, False)])), self._found('--repair'))
        wanted = [('missing', lost, False), ('damaged', short, False), ('damaged', flipped, False)]
        self.assertEqual((1, sorted(wanted)), self._found('--verify'))
        for image_id in (lost, short, flipped):
            self.request('alice', 'DELETE', f'/v2/images/{image_id}')

    def test_a_missing_copy_leaves_an_image_that_has_another(self) -> None:
        image_id = self._image()
        other = self.service.state / 'cheap' / image_id
        other.write_bytes(b'the data')
        engine = sa.create_engine(self.service.database)
        now = sa.func.current_timestamp()
        with engine.begin() as connection:
            connection.execute(
                sa.insert(tables.locations).values(
                    image_id=image_id, value=f'file://{other}', meta_data='{"store": "cheap"}', status='active',
                    created_at=now, updated_at=now, deleted=False,
                )
            )  # fmt: skip
        engine.dispose()
        self.assertEqual((0, []), self._found('--verify'))
        other.unlink()
        self.assertEqual((0, [('missing', image_id, True)]), self._found('--repair'))
        self.assertEqual('fast', self.show(image_id)['stores'])

    def test_data_that_waits_for_the_scrubber_is_none_of_its_business(self) -> None:
        image_id = self._image()
        self.request('alice', 'DELETE', f'/v2/images/{image_id}')
        self.assertEqual((0, []), self._found('--repair'))
        self.assertTrue(self._path(image_id).exists())

    def test_an_upload_on_its_way_is_left_alone(self) -> None:
        image_id, go_on = self.create(), threading.Event()

        def data() -> Iterator[bytes]:
            yield b'a' * 1000
            go_on.wait(30)
            yield b'b' * 1000

        sender = threading.Thread(target=lambda: self.upload(image_id, data()))
        sender.start()
        self.wait_for_status(image_id, 'saving')
        time.sleep(0.2)
        self.assertEqual((0, []), self._found('--repair'))
        go_on.set()
        sender.join()
        self.assertEqual('active', self.show(image_id)['status'])

    def test_staged_leftovers(self) -> None:
        for directory in ('staging', 'tasks'):
            name = str(uuid.uuid4())
            (self.service.state / directory / name).write_bytes(b'x')
            self.assertEqual((1, [('staged-leftover', name, False)]), self._found())
            self.assertEqual((0, [('staged-leftover', name, True)]), self._found('--repair'))

    def test_in_words(self) -> None:
        self.assertIn('All is well.', self.service.manage('store', 'audit'))
