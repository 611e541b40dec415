# SPDX-License-Identifier: Apache-2.0
"""What controllers and filters work with; put together by ``glance_clone.bootstrap``."""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
from collections.abc import Iterator

from oslo_config import cfg

from glance_clone.api.authorize import Door
from glance_clone.api.authorize_metadefs import MetadefDoor
from glance_clone.api.readiness import Readiness
from glance_clone.api.schema.image import ImageSchema
from glance_clone.domain.cache import ImageCache
from glance_clone.domain.import_ports import Importer
from glance_clone.domain.import_ports import LegacyImports
from glance_clone.domain.import_ports import TaskRepository
from glance_clone.domain.key_ports import EncryptionKeys
from glance_clone.domain.location_ports import ForeignData
from glance_clone.domain.location_ports import LocationAdder
from glance_clone.domain.metadef_ports import Metadefs
from glance_clone.domain.notification import Notifier
from glance_clone.domain.ports import ImageData
from glance_clone.domain.ports import ImageRepository
from glance_clone.domain.ports import MemberRepository
from glance_clone.domain.quota_ports import Quota
from glance_clone.domain.store_ports import StoreRegistry


@dataclasses.dataclass(frozen=True)
class Services:
    """The parts of one service that answer requests.

    :ivar images: the outermost layer around the image records
    :ivar data: the outermost layer around the byte path
    :ivar metadefs: the outermost layer around the metadata definitions
    :ivar cache: the image cache of this node, None where there is none
    """

    conf: cfg.ConfigOpts
    door: Door
    images: ImageRepository
    members: MemberRepository
    data: ImageData
    stores: StoreRegistry
    quota: Quota
    foreign: ForeignData
    location_adder: LocationAdder
    image_schema: ImageSchema
    tasks: TaskRepository
    importer: Importer
    encryption_keys: EncryptionKeys
    legacy_imports: LegacyImports
    metadefs: Metadefs
    notifier: Notifier
    metadef_door: MetadefDoor
    cache: ImageCache | None = None
    readiness: Readiness = dataclasses.field(default_factory=Readiness)


_under_construction: contextvars.ContextVar[Services] = contextvars.ContextVar('services')


@contextlib.contextmanager
def building(services: Services) -> Iterator[None]:
    """Let the paste factories that run inside this block find the services.

    PasteDeploy hands its factories nothing but strings; this is how objects reach them without a global.
    """
    token = _under_construction.set(services)
    try:
        yield
    finally:
        _under_construction.reset(token)


def current() -> Services:
    """Return the services of the application that is being built."""
    return _under_construction.get()
