# SPDX-License-Identifier: Apache-2.0
"""The contracts of locations that users and other services name; see :mod:`glance_clone.domain.ports` for the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Protocol

from glance_clone.domain.image import Image
from glance_clone.domain.importing import Submitter
from glance_clone.domain.location import Location


class ForeignData(Protocol):
    """Data that others put into a store, and that images are to refer to."""

    def locate(self, url: str, metadata: Mapping[str, Any] | None = None) -> Location:
        """Return the location that a URL names, attributed to a store. Nothing is sent to where it leads.

        :raises Invalid: no store has such locations, users may not name it, or the service may not fetch from there
        """

    def measure(self, location: Location) -> int:
        """Return the number of bytes at a location.

        :raises Invalid: there are none
        :raises LocationUnreadable: they cannot be reached
        """

    def look_at(self, image: Image, location: Location) -> None:
        """Look at the begin of the data, where formats have their marks.

        :raises UnsafeContent: it is not what the image says, or could harm whoever opens it
        :raises LocationUnreadable: it cannot be read
        """

    def examine(
        self, image: Image, location: Location, algorithms: Sequence[str], advance: Callable[[int], None]
    ) -> dict[str, str]:
        """Read all of the data; return its hashes, hexadecimal, by algorithm.

        :param algorithms: names that hashlib knows
        :param advance: called with the number of bytes read so far; what it raises ends the reading
        :raises UnsafeContent: it is not what the image says, or could harm whoever opens it
        :raises SizeMismatch: there is more or less of it than ``image.size`` says
        :raises LocationUnreadable: it cannot be read
        """


@dataclasses.dataclass(frozen=True, slots=True)
class NamedLocation:
    """The body of ``POST /v2/images/{id}/locations``, parsed and checked.

    :ivar algorithm: of the hash that the data must have; None if none was named
    :ivar value: that hash, hexadecimal, lower case
    """

    url: str
    algorithm: str | None = None
    value: str | None = None

    @property
    def validation_data(self) -> dict[str, str]:
        """What was named of the hash, as the request said it."""
        return {'os_hash_algo': self.algorithm, 'os_hash_value': self.value or ''} if self.algorithm else {}


class LocationAdder(Protocol):
    """Adds locations to images in the background."""

    def start(self, image: Image, named: NamedLocation, submitter: Submitter) -> None:
        """Lock a queued image and queue the work, which ends with an active image, or a queued one as before.

        :raises ImageLocked: another task works on the image
        :raises StateChanged: somebody else was faster
        """
