# SPDX-License-Identifier: Apache-2.0
"""Events that other services are told of, and the port that tells them."""

from __future__ import annotations

from typing import Any
from typing import Protocol

IMAGE_CREATE = 'image.create'
IMAGE_UPDATE = 'image.update'
IMAGE_DELETE = 'image.delete'
IMAGE_PREPARE = 'image.prepare'
IMAGE_UPLOAD = 'image.upload'
IMAGE_ACTIVATE = 'image.activate'
IMAGE_SEND = 'image.send'
MEMBER_CREATE = 'image.member.create'
MEMBER_UPDATE = 'image.member.update'
MEMBER_DELETE = 'image.member.delete'
TASK_CREATE = 'task.create'
TASK_RUN = 'task.run'


class Notifier(Protocol):
    """Tells of events. A call costs microseconds, never waits and never fails (R9)."""

    def wants(self, event: str) -> bool:
        """Tell whether anybody is told of events of this type."""

    def info(self, event: str, payload: Any) -> None:
        """Tell that something happened."""

    def error(self, event: str, payload: Any) -> None:
        """Tell that something went wrong."""


class Silence:
    """Tells nobody."""

    def wants(self, event: str) -> bool:
        """See :meth:`Notifier.wants`."""
        return False

    def info(self, event: str, payload: Any) -> None:
        """See :meth:`Notifier.info`."""

    def error(self, event: str, payload: Any) -> None:
        """See :meth:`Notifier.error`."""
