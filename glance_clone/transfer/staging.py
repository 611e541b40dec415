# SPDX-License-Identifier: Apache-2.0
"""Takes data into the staging directory and hashes it on the way, so that it need not be read again to be known."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from oslo_config import cfg

from glance_clone.domain import errors
from glance_clone.domain.image import Image
from glance_clone.domain.importing import Staged
from glance_clone.domain.location import Location
from glance_clone.domain.ports import Concurrency
from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import BlobWriter
from glance_clone.domain.store_ports import ByteSource
from glance_clone.domain.store_ports import StagingStore
from glance_clone.transfer import pipeline
from glance_clone.transfer.blocks import Blocks
from glance_clone.transfer.digest import Digest
from glance_clone.transfer.lane import Filter
from glance_clone.transfer.limit import Limit
from glance_clone.transfer.sink import Sink

MD5 = 'md5'


class StagingArea:
    """See :class:`glance_clone.domain.import_ports.Staging`."""

    def __init__(self, conf: cfg.ConfigOpts, store: StagingStore, concurrency: Concurrency):
        self._conf = conf
        self._store = store
        self._concurrency = concurrency

    def write(
        self,
        image_id: str,
        attempt: str,
        source: ByteSource,
        size: int | None = None,
        expected: Mapping[str, str] | None = None,
        suffix: str = '',
    ) -> Staged:
        """Take data."""
        name = _name(image_id, attempt, suffix)
        limit = Limit(self._conf.image_size_cap, size)
        writer: BlobWriter = self._beside(self._store.writer, name, attempt, size)
        try:
            sums = self._pass(source, limit, expected or {}, Sink(writer))
            _require(sums, expected or {})
            self._beside(writer.commit)
        except BaseException:
            self._beside(writer.abort)
            raise
        return self._staged(image_id, attempt, name, sums)

    def scratch(self, image_id: str, attempt: str, suffix: str) -> str:
        """Return the path of a file that an outside tool may write."""
        return self._store.scratch(_name(image_id, attempt, suffix))

    def take(self, image_id: str, attempt: str, suffix: str) -> Staged:
        """Hash and keep the file at a scratch path."""
        name = _name(image_id, attempt, suffix)
        self._beside(self._store.keep_scratch, name)
        return self._staged(image_id, attempt, name, self._read_sums(name))

    def locate(self, staged: Staged) -> bool:
        """Fill in where staged data lies."""
        staged.path = self._store.path(staged.name)
        return bool(self._beside(self._store.size_of, staged.name) == staged.size)

    def verify(self, staged: Staged, expected: Mapping[str, str]) -> None:
        """Read staged data and compare its hashes."""
        _require(self._read_sums(staged.name, expected), expected)

    def adopt_foreign(self, image: Image) -> Staged | None:
        """Return what other software staged."""
        if image.size is None or self._beside(self._store.size_of, image.id) != image.size:
            return None
        return self._staged(image.id, '', image.id, self._read_sums(image.id))

    def open(self, staged: Staged) -> BlobReader:
        """Open staged data."""
        reader: BlobReader = self._beside(self._store.open, self._location(staged.name))
        if reader.size != staged.size:
            reader.close()
            raise errors.StoreError('The staged data has another size than when it was staged.')
        return reader

    def remove(self, staged: Staged) -> None:
        """Remove staged data."""
        self._beside(self._store.delete, staged.name)

    def clear(self, image_id: str, attempt: str | None = None) -> None:
        """Remove the files of an image or of an attempt."""
        self._beside(self._clear, image_id, attempt)

    def _clear(self, image_id: str, attempt: str | None) -> None:
        for name in self._store.names_of(image_id):
            if attempt is None or attempt in name.split('.'):
                self._store.delete(name)

    def _read_sums(self, name: str, expected: Mapping[str, str] | None = None) -> _Sums:
        reader = self._beside(self._store.open, self._location(name))
        try:
            return self._pass(Blocks(reader), Limit(self._conf.image_size_cap), expected or {})
        finally:
            reader.close()

    def _pass(self, source: ByteSource, limit: Limit, expected: Mapping[str, str], *more: Filter) -> _Sums:
        names = dict.fromkeys((self._conf.hashing_algorithm, MD5, *expected))
        digests = {name: Digest(name) for name in names}
        pipeline.run(source, (limit,), (*digests.values(), *more), self._concurrency)
        return _Sums(limit.count, {name: digest.value for name, digest in digests.items()})

    def _staged(self, image_id: str, attempt: str, name: str, sums: _Sums) -> Staged:
        algorithm = self._conf.hashing_algorithm
        hashes = (sums.hashes[MD5], algorithm, sums.hashes[algorithm])
        return Staged(image_id, name, attempt, sums.size, *hashes, path=self._store.path(name))

    def _location(self, name: str) -> Location:
        return Location(f'file://{self._store.path(name)}')

    def _beside(self, work: Callable[..., Any], *args: Any) -> Any:
        return self._concurrency.start(work, *args).wait()


class _Sums:
    """What passed: bytes, and hashes by algorithm."""

    def __init__(self, size: int, hashes: Mapping[str, str]):
        self.size = size
        self.hashes = hashes


def _require(sums: _Sums, expected: Mapping[str, str]) -> None:
    for algorithm, digest in expected.items():
        if sums.hashes[algorithm] != digest.lower():
            raise errors.HashMismatch(f'The data has another {algorithm} hash than it should have; nothing of it was kept.')


def _name(image_id: str, attempt: str, suffix: str) -> str:
    return f'{image_id}.{attempt}.{suffix}' if suffix else image_id
