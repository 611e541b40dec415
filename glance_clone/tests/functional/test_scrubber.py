# SPDX-License-Identifier: Apache-2.0
"""Delayed deletes and the scrubber: what stays, what goes, and what comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any
from typing import ClassVar

import sqlalchemy as sa

from glance_clone.db.models import image as tables
from glance_clone.tests.fixtures import process
from glance_clone.tests.fixtures import service
from glance_clone.tests.functional import base


class ScrubberTest(base.ServiceTestCase):
    options: ClassVar[service.Options] = {
        'DEFAULT': {'delayed_delete': True},
        # Claims of scrubbers that are killed end soon.
        'leases': {'ttl': 6, 'heartbeat_interval': 2, 'sweep_interval': 2},
    }

    def setUp(self) -> None:
        super().setUp()
        self.engine = sa.create_engine(self.service.database)
        self.addCleanup(self.engine.dispose)

    def _scrubber(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*service.script('glance-scrubber'), '--config-file', str(self.service.config_file), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, env=service.environment(), cwd=self.service.state, check=False
        )

    def _row(self, image_id: str) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(sa.select(tables.images).where(tables.images.c.id == image_id)).one()

    def _statuses(self, image_id: str) -> list[str]:
        columns = tables.locations.c
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(columns.status).where(columns.image_id == image_id)).scalars())

    def _deleted(self) -> str:
        image_id = self.create(tags=['web'], os_distro='debian', visibility='shared')
        self.assertEqual(204, self.upload(image_id, b'data').status_code)
        self.request('alice', 'POST', f'/v2/images/{image_id}/members', json={'member': 'project-b'})
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        return image_id

    def test_data_stays_until_it_is_scrubbed(self) -> None:
        image_id = self._deleted()
        self.assertEqual(404, self.request('admin', 'GET', f'/v2/images/{image_id}').status_code)
        self.assertIn(image_id, self.service.files())
        self.assertEqual(('pending_delete', True), (self._row(image_id).status, self._row(image_id).deleted))
        done = self._scrubber()
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn(image_id, self.service.files())
        self.assertEqual(('deleted', ['deleted']), (self._row(image_id).status, self._statuses(image_id)))

    def test_restored_as_it_was(self) -> None:
        image_id = self._deleted()
        done = self._scrubber('--restore', image_id)
        self.assertEqual(0, done.returncode, done.stderr)
        image = self.show(image_id)
        self.assertEqual(('active', ['web'], 'debian'), (image['status'], image['tags'], image['os_distro']))
        self.assertEqual(b'data', self.request('alice', 'GET', f'/v2/images/{image_id}/file').content)
        members = self.request('alice', 'GET', f'/v2/images/{image_id}/members').json()['members']
        self.assertEqual(['project-b'], [member['member_id'] for member in members])
        self.assertEqual(0, self._scrubber().returncode)
        self.assertIn(image_id, self.service.files())

    def test_what_cannot_be_restored(self) -> None:
        living, scrubbed = self.create(), self._deleted()
        self.assertEqual(0, self._scrubber().returncode)
        for image_id in (living, scrubbed, '00000000-0000-0000-0000-000000000000'):
            done = self._scrubber('--restore', image_id)
            self.assertEqual(1, done.returncode, done.stdout)
            self.assertIn('ERROR: ', done.stderr)
        self.assertEqual(1, self._scrubber('--restore', scrubbed, '--daemon').returncode)

    def test_deactivated_images_leave_nothing(self) -> None:
        image_id = self.create()
        self.upload(image_id, b'data')
        self.request('admin', 'POST', f'/v2/images/{image_id}/actions/deactivate')
        self.assertEqual(204, self.request('alice', 'DELETE', f'/v2/images/{image_id}').status_code)
        self.assertEqual(0, self._scrubber().returncode)
        self.assertNotIn(image_id, self.service.files())

    def test_without_data_there_is_nothing_to_wait_for(self) -> None:
        image_id = self.create()
        self.request('alice', 'DELETE', f'/v2/images/{image_id}')
        self.assertEqual('deleted', self._row(image_id).status)

    def test_a_store_that_is_down(self) -> None:
        image_id = self._deleted()
        path = self.service.state / 'fast'
        path.rename(path.with_name('away'))
        path.write_text('no directory')
        done = self._scrubber()
        self.assertEqual((1, 'pending_delete'), (done.returncode, self._row(image_id).status), done.stderr)
        path.unlink()
        path.with_name('away').rename(path)
        self.assertEqual(0, self._scrubber().returncode)
        self.assertEqual('deleted', self._row(image_id).status)

    def test_a_store_that_is_not_mounted(self) -> None:
        """What is an empty directory then is taken for no reason to think that all data is gone."""
        image_id, living = self._deleted(), self.create()
        self.upload(living, b'data')
        path = self.service.state / 'fast'
        path.rename(path.with_name('away'))
        for make in (lambda: None, lambda: path.mkdir(exist_ok=True)):
            make()
            done = self._scrubber()
            self.assertEqual((1, 'pending_delete'), (done.returncode, self._row(image_id).status), done.stderr)
            self.assertIn('The store is not there', done.stderr)
            audit = str(self.assertRaises(RuntimeError, self.service.manage, 'store', 'audit', '--repair'))
            self.assertIn(f'unknown: {living} in fast: The store is not there', audit)
            self.assertNotIn('(repaired)', audit)
        path.rmdir()
        path.with_name('away').rename(path)
        self.assertEqual(0, self._scrubber().returncode)
        self.assertEqual(('deleted', b'data'), (self._row(image_id).status, self.download(living).content))

    def test_data_that_is_gone_already(self) -> None:
        image_id = self._deleted()
        (self.service.state / 'fast' / image_id).unlink()
        self.assertEqual(0, self._scrubber().returncode)
        self.assertEqual('deleted', self._row(image_id).status)

    def test_killed_scrubbers_leave_nothing_to_the_end(self) -> None:
        images = [self._deleted() for _ in range(20)]
        command = [*service.script('glance-scrubber'), '--config-file', str(self.service.config_file)]
        for pause in (1.6, 1.9):
            both = [
                subprocess.Popen(
                    command, env=service.environment(), cwd=self.service.state,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
                for _ in range(2)
            ]  # fmt: skip
            time.sleep(pause)
            for one in both:
                one.kill()
                one.wait()
        # Claims of the dead hold for a while.
        process.wait_until(lambda: self._all_done(images), 60, 'all images scrubbed', interval=1)
        self.assertEqual([], [name for name in self.service.files() if name in images])
        self.assertIn('All is well.', self.service.manage('store', 'audit'))

    def _all_done(self, images: list[str]) -> bool:
        self._scrubber()
        return {self._row(image_id).status for image_id in images} == {'deleted'}

    def test_daemon(self) -> None:
        image_id = self._deleted()
        command = [*service.script('glance-scrubber'), '--config-file', str(self.service.config_file), '--daemon']
        log = str(self.service.state / 'scrubber.log')
        daemon = self.useFixture(process.Process(command, log, env=service.environment(), cwd=str(self.service.state)))
        process.wait_until(lambda: self._row(image_id).status == 'deleted', 30, 'scrubbed by the daemon')
        refused = self._scrubber('--restore', image_id)
        self.assertIn('A scrubber runs already', refused.stderr)
        os.kill(daemon.pid, signal.SIGTERM)
        assert daemon.process is not None
        self.assertEqual(0, daemon.process.wait(20))
