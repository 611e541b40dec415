# SPDX-License-Identifier: Apache-2.0
"""Cinder: an object is a volume named ``image-<image id>``; its location tells the store and the volume."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from oslo_log import log as logging
from oslo_utils import timeutils

from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.stores.glance_store_adapter import GlanceStore
from glance_clone.stores.glance_store_errors import translated

LOG = logging.getLogger(__name__)

_PREFIX = 'image-'
_GIB = 1 << 30
#: What a volume is as soon as all data is in it.
_FINISHED = ('available', 'in-use')


class CinderStore(GlanceStore):
    """A store of volumes of one type."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        #: Volumes of locations that name no store, and whether they are of the type of this one.
        self._claimed: dict[str, bool] = {}

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its.

        Of a location that names no store the volume is asked what type it has, once.
        """
        scheme, _, rest = url.partition('://')
        if scheme == 'cinder' and rest and '/' not in rest:
            return len(scheme) if self._claims(rest) else -1
        return super().match(url)

    def _claims(self, volume_id: str) -> bool:
        if volume_id not in self._claimed:
            self._claimed[volume_id] = bool(self.driver.is_image_associated_with_store(self.context(), volume_id))
        return self._claimed[volume_id]

    def discard_objects(self, blob_id: str, attempt: str) -> None:
        """Remove the volumes of this name and of the type of this store."""
        for volume in self._volumes(_PREFIX + blob_id):
            LOG.info('Removing the volume %s, which a dead writer left in %s.', volume.id, self.name)
            volume.delete()

    def _volumes(self, name: str | None = None) -> list[Any]:
        kind = self.option('cinder_volume_type')
        found = self.driver.get_cinderclient(self.context()).volumes.list(search_opts={'name': name} if name else None)
        return [each for each in found if (each.name or '').startswith(name or _PREFIX) and kind in (None, each.volume_type)]

    def objects(self) -> Iterator[StoredObject]:
        """See :meth:`BlobStore.objects`; sizes are those of the data where the volume tells, else of the volume."""
        with translated(f'Listing {self.name}'):
            volumes = self._volumes()
        for volume in volumes:
            size = int(volume.metadata.get('image_size') or 0) or volume.size * _GIB
            temporary = volume.status not in _FINISHED
            yield StoredObject(volume.id, volume.name.removeprefix(_PREFIX), size, _age(volume.created_at), temporary)

    def remove_object(self, found: StoredObject) -> None:
        """See :meth:`BlobStore.remove_object`."""
        self.remove_if(Location(f'cinder://{self.id}/{found.name}' if self.id else f'cinder://{found.name}'), None)


def _age(text: str) -> float:
    age: datetime.timedelta = timeutils.utcnow() - timeutils.normalize_time(timeutils.parse_isotime(text + 'Z'))
    return max(age.total_seconds(), 0)
