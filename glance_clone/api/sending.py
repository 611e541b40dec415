# SPDX-License-Identifier: Apache-2.0
"""Downloads that are counted on their way, to tell others how many bytes went to whom."""

from __future__ import annotations

from collections.abc import Iterator

import webob

from glance_clone.api.context import RequestContext
from glance_clone.domain import notification as events
from glance_clone.domain.image import Image
from glance_clone.domain.notification import Notifier
from glance_clone.domain.store_ports import BlobReader


class CountedReader:
    """A reader that tells of the bytes that it gave when it is closed.

    It hides that the data may lie in a file: what the server sends by itself nobody can count.

    :param expected: bytes that are to go
    """

    def __init__(self, reader: BlobReader, notifier: Notifier, image: Image, context: RequestContext, expected: int, peer: str):
        self._reader = reader
        self._notifier = notifier
        self._expected = expected
        self._sent = 0
        self._is_told = False
        self._payload = {
            'image_id': image.id,
            'owner_id': image.owner,
            'receiver_tenant_id': context.project_id,
            'receiver_user_id': context.user_id,
            'destination_ip': peer,
        }
        self.size = reader.size

    def __iter__(self) -> Iterator[bytes]:
        for block in self._reader:
            yield block
            self._sent += len(block)

    def close(self) -> None:
        """Let go of the data, and tell."""
        self._reader.close()
        if not self._is_told:
            self._is_told = True
            tell = self._notifier.info if self._sent == self._expected else self._notifier.error
            tell(events.IMAGE_SEND, {**self._payload, 'bytes_sent': self._sent})


def counted(
    reader: BlobReader, notifier: Notifier, image: Image, context: RequestContext, expected: int, request: webob.Request
) -> BlobReader:
    """Return a reader that is counted if anybody wants to know, else the reader itself."""
    if not notifier.wants(events.IMAGE_SEND):
        return reader
    return CountedReader(reader, notifier, image, context, expected, request.remote_addr or '')
