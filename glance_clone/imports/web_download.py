# SPDX-License-Identifier: Apache-2.0
"""``web-download``: data from a URL that the user names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glance_clone.domain import errors
from glance_clone.domain.importing import ImportRequest
from glance_clone.domain.store_ports import Fetcher
from glance_clone.imports.download import Download

if TYPE_CHECKING:
    from glance_clone.imports.work import Work


class WebDownload:
    """A source of data; see :class:`glance_clone.imports.source.Source`."""

    def __init__(self, fetcher: Fetcher):
        self._fetcher = fetcher

    def check(self, request: ImportRequest) -> None:
        """Look at the URL, and resolve its host; nothing is sent to it.

        :raises Invalid: there is none, or it may not be fetched
        """
        self._fetcher.check(_uri(request))

    def open(self, work: Work) -> Download:
        """Begin the download.

        :raises UrlRefused: the URL, or where it redirects to, may not be fetched
        :raises FetchError: the server does not give the data
        """
        remote = self._fetcher.open(_uri(work.request), alive=work.require_alive)
        return Download(remote, remote.size)

    def undo(self, work: Work) -> None:
        """Do nothing: the image is not changed."""


def _uri(request: ImportRequest) -> str:
    uri = request.options.get('uri')
    if not isinstance(uri, str) or not uri:
        raise errors.Invalid('The import method web-download needs a URL: write it as "uri" into "method".')
    return uri
