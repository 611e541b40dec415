# SPDX-License-Identifier: Apache-2.0
"""Whether this process can serve: what it stands on is asked, all at once, and nobody waits long for an answer (D-15)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from collections.abc import Mapping

from oslo_log import log as logging

from glance_clone.domain.ports import Call

LOG = logging.getLogger(__name__)

#: Begins one check in a thread.
Begin = Callable[[], Call]


class Readiness:
    """The checks of one process.

    :param checks: by name; a check that fails raises
    :param timeout: seconds after which a check that has not ended has failed
    :param interval: seconds for which the results hold
    """

    def __init__(self, checks: Mapping[str, Begin] | None = None, timeout: float = 3, interval: float = 2):
        self._checks = checks or {}
        self._timeout = timeout
        self._interval = interval
        self._lock = threading.Lock()
        self._pending: dict[str, Call] = {}
        self._known: dict[str, bool] = {}
        self._until = 0.0

    def results(self) -> dict[str, bool]:
        """Return for each check whether it succeeded; one that hangs is not begun a second time."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._known = self._run()
                self._until = time.monotonic() + self._interval
            return dict(self._known)

    def _run(self) -> dict[str, bool]:
        deadline = time.monotonic() + self._timeout
        for name, begin in self._checks.items():
            if name not in self._pending:
                self._pending[name] = begin()
        return {name: self._wait(name, deadline) for name in self._checks}

    def _wait(self, name: str, deadline: float) -> bool:
        try:
            self._pending[name].wait(max(0.0, deadline - time.monotonic()))
        except TimeoutError:
            LOG.error('Not ready: the check of %s has not ended after %g seconds.', name, self._timeout)
            return False
        except Exception as error:
            LOG.error('Not ready: the check of %s failed: %s', name, error)
            del self._pending[name]
            return False
        del self._pending[name]
        return True
