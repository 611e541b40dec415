# SPDX-License-Identifier: Apache-2.0
"""Data that lies in a file, sent by the server itself, which need not copy it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from oslo_log import log as logging

from glance_clone.api import uwsgi_connection
from glance_clone.api.uwsgi_connection import UwsgiConnection
from glance_clone.domain.store_ports import BlobReader
from glance_clone.domain.store_ports import FileBlobReader

LOG = logging.getLogger(__name__)

#: True in the environ of a server whose file wrapper begins at the position of the file and ends where the answer does.
SENDS_PARTS = 'glance_clone.sends_parts'
_BLOCK = 1 << 20
#: Bytes that uWSGI sends together with the head of an answer.
_FIRST = 64 << 10


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
    if uwsgi_connection.is_plain():
        return UwsgiPart(reader)  # type: ignore[arg-type]
    return reader


class UwsgiPart:
    """Part of a file behind uWSGI, which sends only whole files by itself."""

    def __init__(self, reader: FileBlobReader):
        self._reader = reader

    def __iter__(self) -> Iterator[bytes]:
        """Yield the first bytes, with which uWSGI sends the head of the answer; send the others by the kernel."""
        file, length = self._reader.fileobj.fileno(), self._reader.length
        offset = self._reader.fileobj.tell()
        first = os.pread(file, min(length, _FIRST), offset)
        yield first
        try:
            UwsgiConnection().send_file(file, offset + len(first), length - len(first))
        except ConnectionError:
            LOG.info('A download broke off: the client went away.')
        except TimeoutError:
            LOG.info('A download broke off: the client took nothing for too long.')
        except OSError as error:
            LOG.error('A download broke off: a file of the store cannot be read: %s', error)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
