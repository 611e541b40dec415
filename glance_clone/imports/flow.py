# SPDX-License-Identifier: Apache-2.0
"""Runs steps in their order, and undoes them in the opposite one if that fails."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Protocol

from glance_clone.domain import errors
from glance_clone.domain import faults

if TYPE_CHECKING:
    from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)


class Step(Protocol):
    """One part of an import. Steps hold no state of one import: that belongs to the work."""

    def run(self, work: Work) -> None:
        """Do it.

        Whatever it raises ends the import. The text of a domain error becomes the reason that users read; of any other
        exception they learn nothing.
        """

    def undo(self, work: Work) -> None:
        """Take back what :meth:`run` did to the image or elsewhere, also where it failed half way.

        Staged files need not be removed, and the status of the image not be put back: the end of the import does both.
        If a process dies, nobody calls this; what must not outlive the process therefore belongs into the staging
        directory, under the name of the attempt.
        """


def run(steps: Sequence[Step], work: Work) -> None:
    """Run the steps; if one fails, undo it and those before it, and raise what it raised."""
    begun: list[Step] = []
    try:
        for step in steps:
            work.require_alive()
            begun.append(step)
            faults.point(f'before-{type(step).__name__}')
            _measured(step, work)
            faults.point(f'after-{type(step).__name__}')
    except BaseException:
        for step in reversed(begun):
            _undo(step, work)
        raise


def _measured(step: Step, work: Work) -> None:
    begin, is_done = time.monotonic(), False
    try:
        step.run(work)
        is_done = True
    finally:
        work.tools.meter.stage(type(step).__name__, is_done, time.monotonic() - begin)


def _undo(step: Step, work: Work) -> None:
    try:
        step.undo(work)
    except errors.ImageServiceError as error:
        LOG.warning('%s of image %s cannot be undone: %s', type(step).__name__, work.image.id, error)
    except Exception:
        LOG.exception('%s of image %s cannot be undone', type(step).__name__, work.image.id)
