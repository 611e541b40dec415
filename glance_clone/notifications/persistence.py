# SPDX-License-Identifier: Apache-2.0
"""Sends a notification again while the message bus is away.

The drivers of oslo.messaging wait for a bus that goes away. Where no connection has been made yet they give up at once, lose
the notification, and log it with a traceback. This waits in both cases, and says so now and then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

LOG = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
#: Seconds between two log lines.
_COMPLAINT_INTERVAL = 60.0


class Persistent:
    """Sends until that succeeds; failures of another kind than those of an absent bus are raised.

    :param send: sends one notification
    :param absences: what it raises while the bus is away
    :param retries: how often it is tried again, negative for any number; what is not sent then is lost
    """

    def __init__(self, send: Callable[..., Any], absences: tuple[type[Exception], ...], retries: int):
        self._send = send
        self._absences = absences
        self._retries = retries
        self._next_complaint = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Send one notification."""
        tries, pause = 0, _FIRST_PAUSE
        while True:
            try:
                return self._send(*args, **kwargs)
            except self._absences as error:
                self._complain(error)
                if 0 <= self._retries <= tries:
                    return None
            time.sleep(pause)
            tries, pause = tries + 1, min(2 * pause, _LONGEST_PAUSE)

    def _complain(self, error: Exception) -> None:
        now = time.monotonic()
        if now >= self._next_complaint:
            self._next_complaint = now + _COMPLAINT_INTERVAL
            what = 'wait' if self._retries < 0 else 'are lost'
            LOG.error('The message bus cannot be reached, notifications %s: %s: %s', what, type(error).__name__, error)
