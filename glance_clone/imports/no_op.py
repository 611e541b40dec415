# SPDX-License-Identifier: Apache-2.0
"""The import plugin that does nothing, to try out that plugins run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oslo_config import cfg
from oslo_log import log as logging

if TYPE_CHECKING:
    from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)


class NoOp:
    """A step that leaves everything as it is; see :class:`glance_clone.imports.flow.Step`."""

    def __init__(self, conf: cfg.ConfigOpts):
        pass

    def run(self, work: Work) -> None:
        """Tell the log that it ran."""
        LOG.info('The plugin no_op has seen image %s.', work.image.id)

    def undo(self, work: Work) -> None:
        """Do nothing."""
