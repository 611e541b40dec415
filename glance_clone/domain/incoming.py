# SPDX-License-Identifier: Apache-2.0
"""Data on its way to an image, and what goes with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from glance_clone.domain.importing import Submitter
from glance_clone.domain.store_ports import ByteSource


@dataclasses.dataclass(frozen=True, slots=True)
class Incoming:
    """The data of an upload, or of what is staged.

    :ivar size: announced bytes, None if unknown
    :ivar store_id: where to put it, None for the default store; nothing to data that is staged
    :ivar expected: hashes that the data must have: algorithm as hashlib names it to hexadecimal digest
    :ivar submitter: who sends it; with these rights the certificate of a signed image is fetched
    :ivar attempt: name of this try, by which others can undo it; chosen by the layer that holds the lease
    """

    source: ByteSource
    size: int | None = None
    store_id: str | None = None
    expected: Mapping[str, str] = dataclasses.field(default_factory=dict)
    submitter: Submitter | None = None
    attempt: str | None = None


def read_into(source: ByteSource, buffer: memoryview) -> int:
    """Put what a source has next into a buffer, by the means of the source if it has some; return how many bytes, 0 at the end.

    Raises what the source raises.
    """
    readinto = getattr(source, 'readinto', None)
    if readinto is not None:
        return int(readinto(buffer))
    block = source.read(len(buffer))
    buffer[: len(block)] = block
    return len(block)
