# SPDX-License-Identifier: Apache-2.0
"""The steps that every import is made of, plugins apart."""

from __future__ import annotations

from glance_clone.domain import errors
from glance_clone.imports.material import StagedMaterial
from glance_clone.imports.source import Source
from glance_clone.imports.work import Work


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

    def __init__(self, source: Source):
        self._source = source

    def run(self, work: Work) -> None:
        """Download the data into the staging directory; whoever waits for it asks whether it is still wanted."""
        remote = self._source.open(work)
        try:
            work.stage(remote, remote.size, {**remote.expected, **work.request.expected})
        finally:
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
