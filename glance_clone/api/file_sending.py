# SPDX-License-Identifier: Apache-2.0
"""Data that lies in a file, sent by the server itself, which need not copy it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from oslo_log import log as logging

from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import FileBlobReader

try:
    import uwsgi
except ImportError:  # every other server, and tests
    uwsgi = None

LOG = logging.getLogger(__name__)

#: True in the environ of a server whose file wrapper begins at the position of the file and ends where the answer does.
SENDS_PARTS = 'glance_clone.sends_parts'
_BLOCK = 1 << 20
#: uWSGI takes no greater numbers.
_UWSGI_MOST = (1 << 31) - 1


def body_of(reader: BlobReader, is_part: bool, environ: dict[str, Any]) -> Any:
    """Return what the server is to send: a file in the server's own way if it has one, anything else block by block.

    The standard file wrapper knows no length, and servers differ in whether it begins at the position of the file, so it
    is for whole files, except with servers that are known to do better.
    """
    fileobj = getattr(reader, 'fileobj', None)
    wrapper = environ.get('wsgi.file_wrapper')
    if fileobj is None or wrapper is None:
        return reader
    if not is_part or environ.get(SENDS_PARTS):
        return wrapper(fileobj, _BLOCK)
    if uwsgi is not None and max(fileobj.tell(), reader.length) <= _UWSGI_MOST:  # type: ignore[attr-defined]
        return UwsgiPart(reader)  # type: ignore[arg-type]
    return reader


class UwsgiPart:
    """Part of a file, which uWSGI sends by the kernel."""

    def __init__(self, reader: FileBlobReader):
        self._reader = reader

    def __iter__(self) -> Iterator[bytes]:
        """Yield nothing, but let uWSGI send the part, in the thread of the request and after the head of the answer."""
        fileobj = self._reader.fileobj
        try:
            # uWSGI closes the descriptor that it is given.
            uwsgi.sendfile(os.dup(fileobj.fileno()), 0, fileobj.tell(), self._reader.length)
        except OSError as error:
            LOG.debug('The client went away: %s', error)
        yield from ()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
