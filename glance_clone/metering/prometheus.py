# SPDX-License-Identifier: Apache-2.0
"""Counts with ``prometheus_client``. Import it only after :func:`glance_clone.metering.build.build_meter` chose a directory."""

from __future__ import annotations

import collections
import contextlib
import functools
from collections.abc import Callable
from collections.abc import Iterator

import prometheus_client
from oslo_log import log as logging
from prometheus_client import core
from prometheus_client import multiprocess

from glance_clone.domain import errors
from glance_clone.metering import files
from glance_clone.metering.images import ImageCounts

LOG = logging.getLogger(__name__)

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

#: Seconds; most requests take milliseconds, uploads minutes.
_BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600)
_STAGE_BUCKETS = (0.1, 1, 10, 60, 300, 1800, 7200)
#: The one classic store has no name.
_CLASSIC = 'default'


class PrometheusMeter:
    """See :class:`glance_clone.domain.metering.Meter`; the numbers are those of this process."""

    def __init__(self) -> None:
        self._ended: collections.deque[str] = collections.deque()
        registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Histogram(
            'glance_http_request_duration_seconds',
            'Time from the head of a request to the head of its answer.',
            ('method', 'route', 'status'),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._transfers = prometheus_client.Gauge(
            'glance_transfers_in_flight',
            'Transfers of image data that are under way.',
            ('kind',),
            multiprocess_mode='livesum',
            registry=registry,
        )
        self._bytes = prometheus_client.Counter(
            'glance_store_bytes', 'Bytes of images that stores sent or received.', ('direction', 'store'), registry=registry
        )
        self._cache = prometheus_client.Counter(
            'glance_image_cache_events', 'What happened in the image cache.', ('event',), registry=registry
        )
        self._stages = prometheus_client.Histogram(
            'glance_import_stage_duration_seconds',
            'Time that a stage of an import took.',
            ('stage', 'outcome'),
            buckets=_STAGE_BUCKETS,
            registry=registry,
        )

    def request(self, method: str, route: str, status: str, seconds: float) -> None:
        """Note a request."""
        self._requests.labels(method, route, status).observe(seconds)

    def begin(self, kind: str) -> Callable[[], None]:
        """Note that a transfer began."""
        self.settle()
        self._transfers.labels(kind).inc()
        return functools.partial(self._ended.append, kind)

    def settle(self) -> None:
        """Subtract the transfers that ended; the garbage collector may tell of some, while a lock of the library is held."""
        with contextlib.suppress(IndexError):
            while True:
                self._transfers.labels(self._ended.popleft()).dec()

    def moved(self, direction: str, store: str | None, size: int) -> None:
        """Note bytes of a store."""
        self._bytes.labels(direction, store or _CLASSIC).inc(size)

    def cache(self, event: str) -> None:
        """Note what happened in the cache."""
        self._cache.labels(event).inc()

    def stage(self, name: str, is_done: bool, seconds: float) -> None:
        """Note a stage of an import."""
        self._stages.labels(name, 'success' if is_done else 'failure').observe(seconds)


class Page:
    """The page that Prometheus reads.

    :param directory: where all processes of the node keep their numbers
    """

    def __init__(self, directory: str, images: ImageCounts):
        self._directory = directory
        self._images = images

    def text(self) -> bytes:
        """Return the numbers of all processes, and how many images there are."""
        files.forget_gauges_of_the_dead(self._directory)
        registry = prometheus_client.CollectorRegistry()
        multiprocess.MultiProcessCollector(registry, path=self._directory)
        registry.register(_ImageCollector(self._images))
        return prometheus_client.generate_latest(registry)


class _ImageCollector:
    """Images by their status; left out while the database is away."""

    def __init__(self, images: ImageCounts):
        self._images = images

    def collect(self) -> Iterator[core.Metric]:
        """Yield the metrics."""
        count = core.GaugeMetricFamily('glance_images', 'Images by status.', labels=['status'])
        size = core.GaugeMetricFamily('glance_image_bytes', 'Bytes of images by status, each image once.', labels=['status'])
        try:
            for status, images, total in self._images.by_status():
                count.add_metric([status], images)
                size.add_metric([status], total)
        except errors.DatabaseUnavailable as error:
            LOG.warning('Images could not be counted for the metrics: %s', error)
            return
        yield count
        yield size
