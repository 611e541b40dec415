# SPDX-License-Identifier: Apache-2.0
"""Puts the imports together."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from glance_clone.domain import lease as leases
from glance_clone.domain.import_ports import Staging
from glance_clone.domain.import_ports import TaskRepository
from glance_clone.domain.importing import WEB_DOWNLOAD
from glance_clone.domain.location_ports import ForeignData
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.ports import ImageData
from glance_clone.imports import plugins
from glance_clone.imports.conversion import Conversion
from glance_clone.imports.copies import Copies
from glance_clone.imports.flow import Step
from glance_clone.imports.legacy import LegacyImportService
from glance_clone.imports.legacy import MakeImage
from glance_clone.imports.locations import LocationService
from glance_clone.imports.ova import OvaExtraction
from glance_clone.imports.peers import Peers
from glance_clone.imports.pool import TaskPool
from glance_clone.imports.recovery import Recovery
from glance_clone.imports.service import ImportService
from glance_clone.imports.source import Source
from glance_clone.imports.steps import Download
from glance_clone.imports.steps import Inspect
from glance_clone.imports.work import Tools
from glance_clone.layers import Parts

LOG = logging.getLogger(__name__)

#: Seconds for tasks that are broken off, to put their images in order.
_LAST_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class Imports:
    """What begins, runs and ends imports in one process.

    :ivar finishers: what the reaper does about those of dead workers
    :ivar grace: seconds for which tasks may go on after the process was told to stop
    """

    tools: Tools
    pool: TaskPool
    importer: ImportService
    legacy: LegacyImportService
    locations: LocationService
    finishers: Mapping[str, Any]
    grace: int

    def stop(self) -> None:
        """Begin nothing more, and give what runs some time to end; what does not is left to other processes."""
        if not self.pool.drain(self.grace):
            LOG.warning('Tasks are broken off: [wsgi] task_grace_seconds is over.')
            self.tools.stopping.set()
            self.pool.drain(_LAST_SECONDS)


def build(
    conf: cfg.ConfigOpts,
    parts: Parts,
    data: ImageData,
    tasks: TaskRepository,
    concurrency: Concurrency,
    sources: Mapping[str, Source],
    make_image: MakeImage,
    foreign: ForeignData,
    workplace: Staging,
) -> Imports:
    """Put the imports together.

    :param data: the outermost layer around the byte path
    :param sources: where data comes from, by import method
    :param make_image: makes the images of tasks that bring none
    :param foreign: what locations lead to
    :param workplace: where tasks keep the data of images that they make
    :raises ValueError: a plugin is configured that is not installed
    """
    tools = Tools(parts.images, data, tasks, parts.staging, parts.staged, parts.stores.default.id, meter=parts.meter)
    pool = TaskPool(concurrency, conf.wsgi.task_pool_threads)
    copies = Copies(concurrency, conf.image_import_opts.max_parallel_stores, conf.image_location_quota)
    importer = ImportService(tools, parts, pool, copies, Peers(), sources, plugins.load(conf))
    steps = [Download(sources[WEB_DOWNLOAD]), *_of_tasks(conf), Inspect(), copies]
    legacy = LegacyImportService(importer, dataclasses.replace(tools, staging=workplace), parts, pool, make_image, steps)
    locations = LocationService(conf, tools, parts, pool, foreign)
    finishers = {**Recovery(tools, parts, workplace).table(), leases.LOCATION: locations.end}
    return Imports(tools, pool, importer, legacy, locations, finishers, conf.wsgi.task_grace_seconds)


def _of_tasks(conf: cfg.ConfigOpts) -> list[Step]:
    """Return what tasks do to the data of images that they make; import plugins are not for these."""
    steps: list[Step] = [OvaExtraction(conf)]
    if conf.taskflow_executor.conversion_format:
        steps.append(Conversion(conf, conf.taskflow_executor.conversion_format))
    return steps
