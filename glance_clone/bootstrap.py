# SPDX-License-Identifier: Apache-2.0
"""The one place where the service is put together. Read it first.

``load_config`` reads the configuration, ``build`` joins database, stores, layers and background jobs into a
:class:`Service`, ``load_app`` wraps it into the WSGI pipeline of the paste file. Launchers call these three, and
:meth:`Service.start` in every worker process after it was forked.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import socket
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg
from oslo_log import log as logging
from paste import deploy

from glance_clone import conf as options
from glance_clone import layers
from glance_clone import version
from glance_clone.api import authorize
from glance_clone.api import property_protections
from glance_clone.api import services
from glance_clone.api.authorize_metadefs import MetadefDoor
from glance_clone.api.middleware.metrics import Metrics
from glance_clone.api.readiness import Readiness
from glance_clone.api.rules import Rules
from glance_clone.api.rules import build_enforcer
from glance_clone.api.schema import custom_properties
from glance_clone.api.schema.image import ImageSchema
from glance_clone.api.serial import image as serial_image
from glance_clone.cache import build as cache_parts
from glance_clone.cache.image_cache import DiskCache
from glance_clone.db.engine import Database
from glance_clone.db.repos.audit import AuditRecords
from glance_clone.db.repos.cached_images import CachedImages
from glance_clone.db.repos.census import Census
from glance_clone.db.repos.delayed_deletes import DelayedDeletes
from glance_clone.db.repos.images import ImageRepository
from glance_clone.db.repos.leases import LeaseRepository
from glance_clone.db.repos.locations import LocationRepository
from glance_clone.db.repos.members import MemberRepository
from glance_clone.db.repos.metadefs import build_metadefs
from glance_clone.db.repos.staged import StagedRepository
from glance_clone.db.repos.tasks import TaskRepository
from glance_clone.db.repos.usage import UsageRepository
from glance_clone.domain.importing import GLANCE_DOWNLOAD
from glance_clone.domain.importing import WEB_DOWNLOAD
from glance_clone.domain.lease import Worker
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository as ImageRepositoryPort
from glance_clone.domain.store_ports import StagingStore
from glance_clone.domain.store_ports import StoreRegistry
from glance_clone.fetching.fetcher import build_fetcher
from glance_clone.imports import build as imports
from glance_clone.imports.glance_download import Choice
from glance_clone.imports.glance_download import GlanceDownload
from glance_clone.imports.web_download import WebDownload
from glance_clone.jobs.audit import Audit
from glance_clone.jobs.checks import readiness_checks
from glance_clone.jobs.finishers import DataFinishers
from glance_clone.jobs.heartbeat import Heartbeat
from glance_clone.jobs.reaper import Reaper
from glance_clone.jobs.scrubber import Scrubber
from glance_clone.jobs.staging import StagingKeeper
from glance_clone.keys.encryption import KeysOfImages
from glance_clone.keys.manager import KeyManager
from glance_clone.keys.signatures import Signatures
from glance_clone.layers.metadef_notifications import notifying as notifying_metadefs
from glance_clone.layers.notifications import NotifyingData
from glance_clone.layers.notifications import NotifyingDeletes
from glance_clone.layers.notifications import NotifyingImages
from glance_clone.layers.notifications import NotifyingMembers
from glance_clone.layers.notifications import NotifyingTasks
from glance_clone.layers.sharing import SharedImages
from glance_clone.layers.sharing import SharedMembers
from glance_clone.layers.sharing import SharedTasks
from glance_clone.layers.sharing import Sharing
from glance_clone.metering.build import build_meter
from glance_clone.metering.build import build_page
from glance_clone.notifications.messaging import build_notifier
from glance_clone.quotas import build_quota
from glance_clone.stores.registry import build_registry
from glance_clone.transfer.concurrency import NativeThreads
from glance_clone.transfer.data import StoreData
from glance_clone.transfer.foreign import StoredData
from glance_clone.transfer.staging import StagingArea

LOG = logging.getLogger(__name__)

PROJECT = 'glance'
#: An optional file with the options of imports, read before that of the service.
_IMPORT_FILE = 'glance-image-import'
_PASTE_SUFFIX = '-paste.ini'
_SHIPPED_HMAC_KEY = 'SECRET_KEY'
#: Seconds between two accounts of transfers that ended.
_SETTLE_INTERVAL = 5


class Service:
    """Everything that one process needs to serve images.

    :ivar api: what requests are answered with
    :ivar meter: counts what happens
    :ivar census: counts images
    """

    def __init__(self, conf: cfg.ConfigOpts, concurrency: Concurrency):
        self._conf = conf
        self._concurrency = concurrency
        self._jobs: list[Any] = []
        self._database = Database(conf)
        if conf.profiler.enabled and conf.profiler.trace_sqlalchemy:
            from osprofiler import sqlalchemy as tracing  # noqa: PLC0415 - it brings much with it

            self._database.instrument(lambda engine: tracing.add_tracing(sa, engine, 'db'))
        self.meter = build_meter(conf)
        self.census = Census(self._database)
        self._notifier = build_notifier(conf)
        self._telling = layers.telling(self._notifier)
        self._keys = KeyManager(conf, concurrency)
        worker, leases = Worker(), LeaseRepository(self._database)
        self._heartbeat = Heartbeat(leases, worker, conf.leases.ttl)
        self._reaper = Reaper(leases, worker, conf.leases.ttl)

        parts = self._build_parts(build_registry(conf, concurrency), worker, leases)
        images, data = layers.wrap_images(parts), layers.wrap_data(parts)
        self._keeper = parts.cache and cache_parts.build_keeper(conf, parts.cache, images, parts.data, self.census)
        self._keeper_of_staging = StagingKeeper(_of_the_node(parts.stores), parts.staged, conf.housekeeping.staging_grace)
        self._imports = self._build_imports(parts, data)
        self._reaper.register(DataFinishers(parts).table())
        self._reaper.register(self._imports.finishers)
        self.api = self._build_api(parts, images, data)

    def _build_parts(self, stores: StoreRegistry, worker: Worker, leases: LeaseRepository) -> layers.Parts:
        """Return the bare repositories, stores and byte path, those that others are told of included."""
        conf, database, concurrency, telling = self._conf, self._database, self._concurrency, self._telling
        staging = StagingArea(conf, stores.staging, concurrency)
        records = ImageRepository(database, conf.leases.ttl)
        self._sharing = Sharing(stores, records, MemberRepository(database))
        indexes = functools.partial(CachedImages, database)
        stored = StoreData(conf, stores, concurrency, staging, self.meter, Signatures(self._keys))
        return layers.Parts(
            images=telling(NotifyingImages, self._sharing.around(SharedImages, records)),
            locations=LocationRepository(database),
            data=telling(NotifyingData, stored),
            stores=stores,
            leases=leases,
            worker=worker,
            abandon=self._reaper.abandon,
            quota=build_quota(conf, UsageRepository(database)),
            staging=staging,
            staged=StagedRepository(database),
            deletes=telling(NotifyingDeletes, DelayedDeletes(database, conf.leases.ttl)),
            delays_deletes=conf.delayed_delete,
            cache=cache_parts.build_cache(conf, indexes, concurrency, self.meter),
            self_url=conf.worker_self_reference_url or conf.public_endpoint,
            meter=self.meter,
        )

    def _build_imports(self, parts: layers.Parts, data: ImageData) -> imports.Imports:
        """Return the background work on images that was asked for by requests."""
        conf, concurrency = self._conf, self._concurrency
        fetcher = build_fetcher(conf, concurrency)
        self._foreign = StoredData(conf, parts.stores, fetcher, concurrency)
        formats = conf.image_format
        self._schema = ImageSchema(formats.disk_formats, formats.container_formats, custom_properties.load(conf))
        tasks = TaskRepository(self._database, conf.leases.ttl, conf.task.task_time_to_live)
        return imports.build(
            conf,
            parts,
            data,
            self._telling(NotifyingTasks, self._sharing.around(SharedTasks, tasks)),
            concurrency,
            sources={
                WEB_DOWNLOAD: WebDownload(fetcher),
                GLANCE_DOWNLOAD: GlanceDownload(fetcher, Choice.of(conf)),
            },
            make_image=functools.partial(serial_image.image_of, self._schema, conf),
            foreign=self._foreign,
            workplace=StagingArea(conf, parts.stores.tasks or parts.stores.staging, concurrency),
        )

    def _build_api(self, parts: layers.Parts, images: ImageRepositoryPort, data: ImageData) -> services.Services:
        """Return what requests are answered with."""
        conf = self._conf
        rules = Rules(build_enforcer(conf))
        protections = property_protections.load(conf, rules.knows)
        metadefs = self._telling(notifying_metadefs, build_metadefs(self._database))
        checks = readiness_checks(conf, self.census.check, parts.stores, self._concurrency)
        return services.Services(
            conf=conf,
            door=authorize.Door(rules, images, protections, owners_only=not conf.oslo_policy.enforce_new_defaults),
            images=images,
            members=self._telling(NotifyingMembers, self._sharing.around(SharedMembers, MemberRepository(self._database))),
            data=data,
            stores=parts.stores,
            quota=parts.quota,
            foreign=self._foreign,
            location_adder=self._imports.locations,
            image_schema=self._schema,
            tasks=self._imports.tools.tasks,
            importer=self._imports.importer,
            encryption_keys=KeysOfImages(self._keys),
            legacy_imports=self._imports.legacy,
            cache=parts.cache,
            readiness=Readiness(checks, conf.readiness.timeout, conf.readiness.interval),
            metadefs=metadefs,
            notifier=self._notifier,
            metadef_door=MetadefDoor(rules, metadefs.namespaces),
        )

    def work_off_cache_queue(self) -> int:
        """Cache what is queued on this node, now; return how many images failed."""
        return self._keeper.work_off_queue() if self._keeper else 0

    def start(self) -> None:
        """Begin the background work of this process; call it in every worker, after the fork."""
        leases = self._conf.leases
        self._jobs = [
            self._concurrency.periodic(leases.heartbeat_interval, self._heartbeat.beat),
            self._concurrency.periodic(leases.sweep_interval, self._reaper.sweep),
            self._concurrency.periodic(self._conf.housekeeping.staging_interval, self._keeper_of_staging.sweep),
        ]
        self._concurrency.spawn(self._keeper_of_staging.begin)
        if self._conf.metrics.enabled:
            self._jobs.append(self._concurrency.periodic(_SETTLE_INTERVAL, self.meter.settle))
        if self._keeper is not None:
            self._keeper.start()
            self._jobs.append(self._keeper)

    def stop(self) -> None:
        """End the background work and close the database connections; see :meth:`Imports.stop` for tasks that run."""
        self._imports.stop()
        for job in self._jobs:
            job.stop()
        self._jobs = []
        self._database.dispose()


def load_config(
    conf: cfg.ConfigOpts,
    args: Sequence[str] | None = None,
    prog: str = 'glance-api',
    default_config_files: Sequence[str] | None = None,
) -> None:
    """Register the options, read the configuration files and set up logging.

    :param args: command line without the program; None for none
    :param prog: name by which default files are found
    :param default_config_files: files to read where the command line names none; None for the usual search
    """
    options.register_opts(conf)
    options.set_library_defaults()
    files = list(default_config_files) if default_config_files is not None else _default_files(prog)
    conf(list(args or ()), project=PROJECT, prog=prog, version=version.version_string(), default_config_files=files)
    logging.setup(conf, prog)
    _require_sound_leases(conf)


def _default_files(prog: str) -> list[str]:
    progs = (PROJECT, _IMPORT_FILE, prog) if prog == 'glance-api' else (PROJECT, prog)
    return [path for each in progs for path in cfg.find_config_files(project=PROJECT, prog=each)]


def _require_sound_leases(conf: cfg.ConfigOpts) -> None:
    if conf.leases.heartbeat_interval * 3 > conf.leases.ttl:
        raise ValueError('[leases] heartbeat_interval must be at most a third of [leases] ttl.')


def build(conf: cfg.ConfigOpts, concurrency: Concurrency | None = None) -> Service:
    """Put a service together from its configuration.

    :param concurrency: how blocking work runs beside requests; native threads by default
    """
    return Service(conf, concurrency or NativeThreads())


def _of_the_node(stores: StoreRegistry) -> list[StagingStore]:
    """Return the directories of this node that hold data on its way: the staging one, and that of tasks where it is another."""
    return [stores.staging, *([stores.tasks] if stores.tasks else [])]


def build_cache(conf: cfg.ConfigOpts) -> DiskCache:
    """Return the image cache alone, for programs that look after it.

    :raises BadCacheConfiguration: there is none, or it cannot be set up as it is configured
    """
    database = Database(conf)
    cache = cache_parts.build_cache(conf, functools.partial(CachedImages, database), NativeThreads())
    if cache is None:
        raise cache_parts.BadCacheConfiguration('image_cache_dir is not set: there is no image cache.')
    return cache


@dataclasses.dataclass(frozen=True)
class Auditing:
    """What an audit is made of.

    :ivar count: tells how many images have data
    :ivar audit: makes an audit: of what counts its steps, whether it repairs, and whether it verifies
    """

    count: Callable[[], int]
    audit: Callable[[Callable[[int], object], bool, bool], Audit]


@contextlib.contextmanager
def auditing(conf: cfg.ConfigOpts) -> Iterator[Auditing]:
    """Lend what compares stores, staging directory and cache of this node with the database."""
    database, concurrency = Database(conf, patient=True), NativeThreads()
    stores, records = build_registry(conf, concurrency), AuditRecords(database)
    keeper = StagingKeeper(_of_the_node(stores), StagedRepository(database), conf.housekeeping.staging_grace)
    cache = cache_parts.build_cache(conf, functools.partial(CachedImages, database), concurrency)
    try:
        yield Auditing(records.count, functools.partial(Audit, records, stores, keeper, cache))
    finally:
        database.dispose()


@contextlib.contextmanager
def scrubbing(conf: cfg.ConfigOpts) -> Iterator[Scrubber]:
    """Lend the scrubber, for the program of that name; its claims hold for as long as the block runs."""
    database, worker, concurrency = Database(conf), Worker(), NativeThreads()
    deletes = DelayedDeletes(database, conf.leases.ttl)
    stores = build_registry(conf, concurrency)
    heartbeat = Heartbeat(LeaseRepository(database), worker, conf.leases.ttl)
    job = concurrency.periodic(conf.leases.heartbeat_interval, heartbeat.beat)
    try:
        yield Scrubber(deletes, stores, worker, conf.scrub_time, conf.scrub_pool_size)
    finally:
        job.stop()
        database.dispose()


def load_app(service: Service, conf: cfg.ConfigOpts) -> Any:
    """Return the WSGI application: the pipeline of the configured flavor around a service.

    :raises FileNotFoundError: no paste file
    :raises LookupError: the paste file does not know the flavor
    """
    path = find_paste_file(conf)
    flavor = conf.paste_deploy.flavor
    name = f'glance-api-{flavor}' if flavor else 'glance-api'
    if conf.profiler.enabled:
        _start_profiler(conf)
    with services.building(service.api):
        app = deploy.loadapp(f'config:{path}', name=name)
    LOG.info('Serving the pipeline %s of %s.', name, path)
    return _measured(app, service, conf) if conf.metrics.enabled else app


def _start_profiler(conf: cfg.ConfigOpts) -> None:
    if conf.profiler.hmac_keys == _SHIPPED_HMAC_KEY:
        LOG.warning('[profiler] hmac_keys has its default value: everybody can have requests traced. Choose a key of your own.')
    from osprofiler import initializer  # noqa: PLC0415 - it brings much with it

    initializer.init_from_conf(conf, {}, project=PROJECT, service='api', host=socket.gethostname())


def _measured(app: Any, service: Service, conf: cfg.ConfigOpts) -> Any:
    token = None
    if conf.metrics.token_file:
        with open(conf.metrics.token_file, encoding='utf-8') as file:
            token = file.read().strip()
        if not token:
            raise ValueError(f'[metrics] token_file {conf.metrics.token_file} is empty.')
    else:
        LOG.warning('Whoever reaches this service can read its metrics ([metrics] token_file is not set).')
    return Metrics(app, service.meter, build_page(conf, service.census).text, token)


def find_paste_file(conf: cfg.ConfigOpts) -> str:
    """Return the absolute path of the paste file.

    The option ``[paste_deploy] config_file`` may be relative to the working directory or to a directory of
    configuration files; without it, ``X.conf`` leads to ``X-paste.ini``.

    :raises FileNotFoundError: there is none
    """
    config_files = [os.path.abspath(path) for path in conf.config_file or ()]
    name = conf.paste_deploy.config_file
    if not name:
        stem = os.path.basename(config_files[-1]).removesuffix('.conf') if config_files else 'glance-api'
        name = stem + _PASTE_SUFFIX
        candidates = []
    else:
        candidates = [os.path.abspath(name)]
    candidates += [os.path.join(os.path.dirname(path), name) for path in reversed(config_files)]
    found = next((path for path in candidates if os.path.isfile(path)), None) or conf.find_file(name)
    if not found:
        raise FileNotFoundError(
            f'No paste file {name} beside the configuration files; install it or set [paste_deploy] config_file.'
        )
    return str(os.path.abspath(found))
