# SPDX-License-Identifier: Apache-2.0
"""The steps that every import is made of, plugins apart."""

from __future__ import annotations

import functools
import logging

from glance_clone.domain import errors
from glance_clone.domain.importing import RemoteData
from glance_clone.domain.ports import Concurrency
from glance_clone.imports.material import StagedMaterial
from glance_clone.imports.source import Source
from glance_clone.imports.work import Work

LOG = logging.getLogger(__name__)

#: Seconds between two looks whether a download is still wanted.
_INTERVAL = 2.0


class UseStaged:
    """glance-direct: the data is there already."""

    def run(self, work: Work) -> None:
        """Find what was staged.

        :raises Conflict: it is not here, or not complete
        """
        image, tools = work.image, work.tools
        staged = tools.staged.find(image.id)
        if staged is None:
            staged = tools.staging.adopt_foreign(image)
        if staged is None or staged.size != image.size or not tools.staging.locate(staged):
            raise errors.Conflict(f'The staged data of image {image.id} is not on this node, or not complete; stage it again.')
        work.staged = staged
        _require(work)

    def undo(self, work: Work) -> None:
        """Do nothing: the end of the import removes staged data."""


class Download:
    """web-download and glance-download: the data comes from elsewhere."""

    def __init__(self, source: Source, concurrency: Concurrency):
        self._source = source
        self._concurrency = concurrency

    def run(self, work: Work) -> None:
        """Download the data into the staging directory; stop when nobody wants it any more, also while nothing comes."""
        remote = self._source.open(work)
        watcher = self._concurrency.periodic(_INTERVAL, functools.partial(_look, work, remote))
        try:
            work.stage(remote, remote.size, {**remote.expected, **work.request.expected})
        finally:
            watcher.stop()
            remote.close()
        work.save()

    def undo(self, work: Work) -> None:
        """Put back what the source changed in the image."""
        self._source.undo(work)


class Inspect:
    """Looks at what the data is before it can become active (P1)."""

    def run(self, work: Work) -> None:
        """Inspect the data as the plugins left it.

        :raises UnsafeContent: it is refused
        :raises SignatureRefused: the image is signed, but not this data
        """
        work.image.virtual_size = work.tools.data.inspect(work.image, StagedMaterial(work), work.submitter)

    def undo(self, work: Work) -> None:
        """Do nothing."""


def _look(work: Work, remote: RemoteData) -> None:
    try:
        work.require_alive()
    except errors.DatabaseUnavailable:
        LOG.debug('Whether image %s is wanted cannot be found out now.', work.image.id)
    except errors.ImageServiceError as error:
        LOG.info('The download for image %s is given up: %s', work.image.id, error)
        remote.cancel()


def _require(work: Work) -> None:
    """Check an expected hash against staged data, which was hashed with the algorithms of this service only.

    :raises HashMismatch: it has another hash
    """
    staged = work.data
    known = {'md5': staged.checksum, staged.os_hash_algo: staged.os_hash_value}
    for algorithm, digest in work.request.expected.items():
        if algorithm not in known:
            work.tools.staging.verify(staged, {algorithm: digest})
        elif known[algorithm] != digest.lower():
            raise errors.HashMismatch(f'The staged data has another {algorithm} hash than the import expects.')
