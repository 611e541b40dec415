# SPDX-License-Identifier: Apache-2.0
"""Where the data of an import comes from, if not from the staging directory."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Protocol

from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.importing import RemoteData

if TYPE_CHECKING:
    from glance_clone.imports.work import Work


class Source(Protocol):
    """One import method that downloads: ``web-download``, ``glance-download``."""

    def check(self, request: ImportRequest) -> None:
        """Look at a request before it is accepted, while its client waits.

        :raises Invalid: it could never succeed: members of ``method`` are missing, or name what is not allowed
        """

    def open(self, work: Work) -> RemoteData:
        """Begin the download.

        May set attributes and properties of ``work.image`` before it returns, such as formats that the other side names;
        they are saved with the staged data.

        :raises ImageServiceError: it cannot be had; the text tells why, without credentials
        """

    def undo(self, work: Work) -> None:
        """Put back what :meth:`open` changed in ``work.image``; it is saved with the end of the import."""
