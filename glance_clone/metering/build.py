# SPDX-License-Identifier: Apache-2.0
"""Makes the meter that the configuration asks for."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from oslo_config import cfg

from glance_clone.domain.metering import Meter
from glance_clone.domain.metering import NoMeter
from glance_clone.metering import files
from glance_clone.metering.images import ImageCounts
from glance_clone.metering.images import Source

if TYPE_CHECKING:
    from glance_clone.metering.prometheus import Page

#: By this variable the library knows that several processes count; it looks when it is imported.
_VARIABLE = 'PROMETHEUS_MULTIPROC_DIR'


def build_meter(conf: cfg.ConfigOpts) -> Meter:
    """Return what counts in this process.

    :raises ValueError: the directory of ``[metrics]`` cannot be used
    """
    if not conf.metrics.enabled:
        return NoMeter()
    directory = _directory(conf)
    try:
        files.prepare(directory)
    except OSError as error:
        raise ValueError(f'[metrics] directory {directory} cannot be used: {error.strerror}.') from error
    os.environ[_VARIABLE] = directory
    from glance_clone.metering.prometheus import PrometheusMeter  # noqa: PLC0415 (the variable comes first)

    return PrometheusMeter()


def build_page(conf: cfg.ConfigOpts, source: Source) -> Page:
    """Return the page with the numbers of all processes; the meter was built before."""
    from glance_clone.metering.prometheus import Page  # noqa: PLC0415

    return Page(_directory(conf), ImageCounts(source, conf.metrics.image_count_interval))


def _directory(conf: cfg.ConfigOpts) -> str:
    return os.path.abspath(conf.metrics.directory)
