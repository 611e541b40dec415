# SPDX-License-Identifier: Apache-2.0
"""Hashes that data must have because somebody said so before (P6, D-15): a check, never a fact."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

from glance_clone.domain import errors
from glance_clone.transfer.digest import Digest


def further(expected: Mapping[str, str], computed: Sequence[Digest]) -> list[Digest]:
    """Return the digests that have to be computed beside those that are computed anyhow.

    :param expected: algorithm as hashlib names it to hexadecimal digest
    """
    known = {digest.algorithm for digest in computed}
    return [Digest(algorithm) for algorithm in expected if algorithm not in known]


def require(expected: Mapping[str, str], computed: Sequence[Digest]) -> None:
    """Compare what was computed with what was expected.

    :raises HashMismatch: it differs
    """
    for digest in computed:
        wanted = expected.get(digest.algorithm)
        if wanted is not None and wanted.lower() != digest.value:
            raise errors.HashMismatch(
                f'The data has the {digest.algorithm} digest {digest.value}, which is not the one that was announced; '
                'nothing of it was kept. Send it again.'
            )
