# SPDX-License-Identifier: Apache-2.0
"""How much a project may have, and how much it has (D-8, P7).

What is limited are the four resources below. Bytes are counted in sums and compared as sums: a limit in MiB is one on
the whole MiB of the sum, so that many small images are not free.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from glance_clone.domain import errors

#: Bytes in stores: every copy of the data of every image, and what is on its way there.
STORED = 'stored'
#: Bytes that wait to be imported, or to be copied into further stores.
STAGED = 'staged'
#: Images that are not deleted.
IMAGES = 'images'
#: Images whose data is on its way.
UPLOADING = 'uploading'

RESOURCES = (STORED, STAGED, IMAGES, UPLOADING)

MIB = 1 << 20
_SIZE = re.compile(r'([0-9]{1,18})(?:([KMGT])?B)?', re.ASCII)
_FACTORS = {None: 1, 'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30, 'T': 1 << 40}


@dataclasses.dataclass(frozen=True, slots=True)
class Limit:
    """How much of a resource a project may have.

    :ivar name: what users and operators call the limit
    :ivar most: bytes, or number of images
    """

    name: str
    most: int


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """A piece of work that is charged: the image that it is done on, and the attempt that names its lease."""

    image_id: str
    attempt: str


#: Limits by resource; what has no limit is not in it.
Limits = Mapping[str, Limit]
#: How much a project has, by resource: bytes, or numbers of images.
Usage = Mapping[str, int]

NO_LIMITS: Limits = {}


def limit_in_mib(name: str, mib: int) -> Limit | None:
    """Return a limit on the whole MiB of a number of bytes; None for any number, which is how -1 is written.

    A limit of 0 allows nothing, not even a part of a MiB.
    """
    if mib < 0:
        return None
    return Limit(name, (mib + 1) * MIB - 1 if mib else 0)


def require_within(limits: Limits, usage: Usage) -> None:
    """Compare what a project would have with what it may have.

    :raises LimitExceeded: too much of something
    """
    for resource, limit in limits.items():
        if usage[resource] > limit.most:
            raise errors.LimitExceeded(f'{_SENTENCES[resource]} ({limit.name}). {_REMEDIES[resource]}')


_SENTENCES = {
    STORED: 'The project may not keep so many bytes of image data',
    STAGED: 'The project may not stage so many bytes of image data',
    IMAGES: 'The project may not have more images',
    UPLOADING: 'The project may not have the data of more images on its way at the same time',
}
_REMEDIES = {
    STORED: 'Delete images that are not needed, or ask for a higher limit.',
    STAGED: 'Import or delete what is staged, or ask for a higher limit.',
    IMAGES: 'Delete images that are not needed, or ask for a higher limit.',
    UPLOADING: 'Wait for the others, or ask for a higher limit.',
}


def parse_size(text: str) -> int:
    """Return the bytes that a text like ``100``, ``100B``, ``20KB`` or ``2TB`` means, with K for 1024.

    :raises ValueError: another text
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a number of bytes; write it as 500, 500B, 20KB, 10MB, 5GB or 2TB.')
    return int(match[1]) * _FACTORS[match[2]]
