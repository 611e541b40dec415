# SPDX-License-Identifier: Apache-2.0
"""Compares what stores, staging directory and cache hold with what the database says, both ways (R5, I1 to I3).

What somebody works on is left out: its lease says so. Repairs remove what belongs to nothing, and take copies off images
that have others; data that is lost is only told of.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import uuid
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import TypeVar

from glance_clone.domain import errors
from glance_clone.domain.cache import ImageCache
from glance_clone.domain.image import Image
from glance_clone.domain.location import ACTIVE
from glance_clone.domain.location import Location
from glance_clone.domain.location import StoredObject
from glance_clone.domain.ports import AuditRecords
from glance_clone.domain.store_ports import BlobStore
from glance_clone.domain.store_ports import StoreRegistry
from glance_clone.jobs.staging import StagingKeeper

ORPHAN = 'orphan'
FOREIGN = 'foreign'
MISSING = 'missing'
DAMAGED = 'damaged'
WITHOUT_DATA = 'without-data'
STUCK = 'stuck'
STAGED = 'staged-leftover'
CACHED = 'cached-leftover'
UNKNOWN = 'unknown'

_AT_ONCE = 200

_T = TypeVar('_T')


@dataclasses.dataclass(slots=True)
class Finding:
    """Something that is not as it should be.

    :ivar kind: one of the constants of this module
    :ivar where: the store, ``staging``, ``cache`` or ``database``
    :ivar what: the object or the image
    :ivar reason: in words
    :ivar is_repaired: it is as it should be by now
    """

    kind: str
    where: str
    what: str
    reason: str
    is_repaired: bool = False


class Audit:
    """Looks at everything once.

    :param cache: the image cache of this node, None where there is none
    :param advance: called with the number of objects and images that were looked at
    :param repairs: whether to put right what can be
    :param verifies: whether to read all data and compare its hashes
    """

    def __init__(
        self,
        records: AuditRecords,
        stores: StoreRegistry,
        staging: StagingKeeper,
        cache: ImageCache | None,
        advance: Callable[[int], object],
        repairs: bool = False,
        verifies: bool = False,
    ):
        self._records = records
        self._stores = stores
        self._staging = staging
        self._cache = cache
        self._advance = advance
        self._repairs = repairs
        self._verifies = verifies

    def run(self) -> Iterator[Finding]:
        """Yield what is not as it should be, as it is found."""
        for store in self._stores.all():
            yield from self._objects(store)
        yield from self._images()
        for image_id, status in sorted(self._records.stuck().items()):
            yield Finding(STUCK, 'database', image_id, f'it is {status}, and nobody works on it')
        yield from self._staged()
        if self._cache is not None:
            yield from self._cached(self._cache)

    def _objects(self, store: BlobStore) -> Iterator[Finding]:
        """Look for objects that no record refers to."""
        name = store.id or 'default'
        try:
            for page in _pages(store.objects()):
                yield from self._without_record(store, name, page)
                self._advance(len(page))
        except errors.CannotList:
            return
        except errors.ImageServiceError as error:
            yield Finding(UNKNOWN, name, name, str(error))

    def _without_record(self, store: BlobStore, name: str, page: list[StoredObject]) -> Iterator[Finding]:
        ids = sorted({found.blob_id for found in page if _is_id(found.blob_id)})
        # Who has a lease afterwards may have committed before; so look for leases first.
        worked_on, copies = self._records.worked_on(ids), self._records.copies_of(ids)
        for found in page:
            if not _is_id(found.blob_id):
                yield Finding(FOREIGN, name, found.name, 'its name is not that of an image; it is left alone')
            elif found.blob_id not in worked_on and not self._belongs(store, found, copies.get(found.blob_id, [])):
                finding = Finding(ORPHAN, name, found.name, f'{found.size} bytes that no record refers to')
                yield self._repaired(finding, store.remove_object, found)

    def _belongs(self, store: BlobStore, found: StoredObject, copies: list[Location]) -> bool:
        """Tell whether an object is, or is a part of, a copy that a record names."""
        here = [copy for copy in copies if self._is_in(store, copy)]
        if not found.temporary:
            return any(copy.url.endswith(found.name) for copy in here) or (bool(here) and not _is_path(found.name))
        return bool(here) and not _is_path(found.name)

    def _is_in(self, store: BlobStore, copy: Location) -> bool:
        try:
            return self._stores.of(copy) is store
        except errors.StoreUnknown:
            return False

    def _images(self) -> Iterator[Finding]:
        """Look for records whose data is not there."""
        after = ''
        while page := self._records.images(after, _AT_ONCE):
            for image in page:
                yield from self._copies_of(image)
                self._advance(1)
            after = page[-1].id

    def _copies_of(self, image: Image) -> Iterator[Finding]:
        if not image.locations:
            if image.size:
                yield Finding(WITHOUT_DATA, 'database', image.id, f'it is {image.status} and has no copy of its data')
            return
        bad = [(copy, fault) for copy in image.locations if copy.status == ACTIVE and (fault := self._fault(image, copy))]
        for copy, (kind, reason) in bad:
            finding = Finding(kind, copy.store or 'default', image.id, reason)
            has_others = len(bad) < len(image.locations)
            is_gone = kind == MISSING and has_others and copy.id is not None
            yield self._repaired(finding, self._records.drop_copy, copy.id) if is_gone else finding

    def _fault(self, image: Image, copy: Location) -> tuple[str, str] | None:
        """Return kind and description of what is wrong with a copy, None if nothing is."""
        try:
            store = self._stores.of(copy)
            size = store.size(copy)
            if image.size is not None and size != image.size:
                return DAMAGED, f'it has {size} bytes instead of {image.size}'
            return self._hash_fault(image, copy, store) if self._verifies else None
        except errors.BlobNotFound:
            return MISSING, 'the store does not have it'
        except errors.StoreUnknown:
            return UNKNOWN, 'the store is not configured'
        except errors.ImageServiceError as error:
            return UNKNOWN, str(error)

    def _hash_fault(self, image: Image, copy: Location, store: BlobStore) -> tuple[str, str] | None:
        algorithm, wanted = (image.os_hash_algo, image.os_hash_value) if image.os_hash_value else ('md5', image.checksum)
        if not algorithm or not wanted:
            return None
        digest = hashlib.new(algorithm, usedforsecurity=False)
        reader = store.open(copy)
        try:
            for block in reader:
                digest.update(block)
        finally:
            reader.close()
        return None if digest.hexdigest() == wanted else (DAMAGED, f'its {algorithm} is {digest.hexdigest()}, not {wanted}')

    def _staged(self) -> Iterator[Finding]:
        try:
            for found in self._staging.leftovers():
                yield self._repaired(Finding(STAGED, 'staging', found.name, found.reason), self._staging.remove, found)
        except errors.ImageServiceError as error:
            yield Finding(UNKNOWN, 'staging', 'staging', str(error))

    def _cached(self, cache: ImageCache) -> Iterator[Finding]:
        for ids in _pages(entry.image_id for entry in cache.entries()):
            living = self._records.living(ids)
            for image_id in ids:
                if image_id not in living:
                    yield self._repaired(Finding(CACHED, 'cache', image_id, 'its image is deleted'), cache.evict, image_id)
            self._advance(len(ids))

    def _repaired(self, finding: Finding, repair: Callable[..., Any], *args: Any) -> Finding:
        if self._repairs:
            try:
                repair(*args)
                finding.is_repaired = True
            except errors.ImageServiceError as error:
                finding.reason = f'{finding.reason}; it cannot be removed: {error}'
        return finding


def _pages(things: Iterable[_T]) -> Iterator[list[_T]]:
    rest = iter(things)
    while page := list(itertools.islice(rest, _AT_ONCE)):
        yield page


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _is_path(name: str) -> bool:
    """Tell whether an object is a file of its own; elsewhere it may be one of several parts of an image."""
    return name.startswith('/')


def is_well(findings: Sequence[Finding]) -> bool:
    """Tell whether nothing is left to do."""
    return all(finding.is_repaired for finding in findings)
