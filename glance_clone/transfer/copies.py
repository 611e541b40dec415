# SPDX-License-Identifier: Apache-2.0
"""Data that is all there, and how it gets into a store: without moving its bytes where the store can do that.

Staged data has just been hashed. What was in a store for some time, and bytes that pass through this process, are hashed
again, and must be what they were when they were first hashed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from oslo_log import log as logging

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Material
from glance_clone.domain.importing import Opened
from glance_clone.domain.key_ports import Verifier
from glance_clone.domain.location import Location
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobStore
from glance_clone.domain.store_ports import BlobWriter
from glance_clone.domain.store_ports import ByteSource
from glance_clone.transfer import pipeline
from glance_clone.transfer.blocks import Blocks
from glance_clone.transfer.digest import Digest
from glance_clone.transfer.inspect import Inspection
from glance_clone.transfer.inspect import Rules
from glance_clone.transfer.lane import Filter
from glance_clone.transfer.limit import Limit
from glance_clone.transfer.sink import FileSink
from glance_clone.transfer.sink import Sink

LOG = logging.getLogger(__name__)


class Copier:
    """Inspects material and copies it into stores.

    :param cap: most bytes that an image may have
    """

    def __init__(self, rules: Rules, cap: int, concurrency: Concurrency):
        self._rules = rules
        self._cap = cap
        self._concurrency = concurrency

    def inspect(self, image: Image, material: Material, verifiers: Sequence[Verifier] = ()) -> int | None:
        """See :meth:`ImageData.inspect`; reads no further than the verdict needs, unless somebody verifies all of it."""
        inspection = Inspection(image, self._rules)
        with _opened(material) as opened:
            source = Blocks(opened)
            if verifiers:
                pipeline.run(source, (Limit(self._cap, material.size), inspection), verifiers, self._concurrency)
            else:
                _look_at(inspection, source, material.size)
        return inspection.virtual_size

    def copy(
        self, image: Image, material: Material, store: BlobStore, attempt: str, verifiers: Sequence[Verifier] = ()
    ) -> tuple[Location, BlobWriter]:
        """Put material into a store; return where it is, and what takes it back.

        :param verifiers: filters that have to agree to the data
        """
        Limit(self._cap, material.size)
        writer = None if verifiers else self._adopted(image, material, store, attempt)
        if writer is None:
            writer = self._filled(image, material, store, attempt, verifiers)
        with self._undone(writer):
            return self._beside(writer.commit), writer

    def _adopted(self, image: Image, material: Material, store: BlobStore, attempt: str) -> BlobWriter | None:
        """Let a store take a file as it is, see :meth:`AdoptingStore.adopt`; None where it cannot."""
        adopt = getattr(store, 'adopt', None)
        if adopt is None or not material.path or material.checksum is None:
            return None
        writer: BlobWriter | None = self._beside(adopt, material.path, image.id, attempt, material.size, material.share)
        return writer

    def _filled(
        self, image: Image, material: Material, store: BlobStore, attempt: str, verifiers: Sequence[Verifier]
    ) -> BlobWriter:
        """Return a writer that has got all bytes, by the kernel where they lie in a file; they are hashed anyway."""
        with _opened(material) as opened:
            writer: BlobWriter = self._beside(store.writer, image.id, attempt, material.size)
            with self._undone(writer):
                is_file = getattr(opened, 'fileobj', None) is not None
                sink = self._beside(FileSink, writer, opened, material.size) if is_file else Sink(writer)
                with contextlib.closing(sink):
                    self._hash(material, opened, (*verifiers, sink))
                    if sink.has_all and sink.has_changed:
                        raise errors.StoreError('The file that was cloned broke off, and was read on from another copy.')
        return writer

    def _hash(self, material: Material, opened: Opened, workers: Sequence[Filter]) -> None:
        """Read the data to its end.

        Both hashes were taken from the same bytes: the better one is enough.

        :raises StoreError: its bytes are not those that were hashed when it came
        """
        if material.os_hash_algo and material.os_hash_value:
            digests, wanted = [Digest(material.os_hash_algo)], [material.os_hash_value]
        elif material.checksum:
            digests, wanted = [Digest('md5')], [material.checksum]
        else:
            digests, wanted = [], []
        limit = Limit(self._cap)
        pipeline.run(Blocks(opened), (limit,), (*digests, *workers), self._concurrency)
        if limit.count != material.size or [digest.value for digest in digests] != wanted:
            raise errors.StoreError('The bytes changed since they were hashed: the copy was given up.')

    @contextlib.contextmanager
    def _undone(self, writer: BlobWriter) -> Iterator[None]:
        """Leave nothing in the store if the block fails."""
        try:
            yield
        except BaseException:
            self._beside(abort, writer)
            raise

    def _beside(self, work: Callable[..., Any], *args: Any) -> Any:
        return self._concurrency.start(work, *args).wait()


def _look_at(inspection: Inspection, source: ByteSource, size: int) -> None:
    left = size
    while left and (block := source.read(min(pipeline.BLOCK, left))):
        inspection.update(block)
        left -= len(block)
        if inspection.settled:
            inspection.skip(left)
            break
    inspection.finish()


def abort(writer: BlobWriter) -> None:
    """Abort a writer whose data is refused; that this fails too is only logged."""
    try:
        writer.abort()
    except errors.ImageServiceError as error:
        LOG.warning('What a failed upload left in its store could not be removed: %s', error)


@contextlib.contextmanager
def _opened(material: Material) -> Iterator[Opened]:
    opened = material.open()
    try:
        yield opened
    finally:
        opened.close()
