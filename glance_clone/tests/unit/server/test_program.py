# SPDX-License-Identifier: Apache-2.0
"""Ends of the program that cannot be brought about from outside."""

from __future__ import annotations

import signal
from typing import NoReturn

import fixtures
from oslo_config import cfg

from glance_clone.server import program
from glance_clone.server import supervisor
from glance_clone.stores.registry import BadStoreConfiguration
from glance_clone.tests import base


class ExitStatusTest(base.TestCase):
    """Errors and the statuses that tell of them."""

    def test_statuses(self) -> None:
        for error, status in (
            (RuntimeError(), 1),
            (supervisor.WorkerCreationFailure(), 2),
            (BadStoreConfiguration(), 3),
            (ValueError(), 4),
            (cfg.ConfigFileValueError(), 5),
            (OSError(), 99),
        ):
            self.assertEqual(status, program.exit_status(error), error)


class SupervisorTest(base.TestCase):
    """A master that can make no worker."""

    def test_no_process(self) -> None:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self.addCleanup(signal.pthread_sigmask, signal.SIG_SETMASK, mask)
        self.useFixture(fixtures.MonkeyPatch('os.fork', self._fail))
        master = supervisor.Supervisor(lambda _parent, _ready: 0, lambda: 1, lambda: 0)
        self.assertRaises(supervisor.WorkerCreationFailure, master.run, 1)

    @staticmethod
    def _fail() -> NoReturn:
        raise BlockingIOError('no more processes')
