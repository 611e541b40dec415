# SPDX-License-Identifier: Apache-2.0
"""The connection of a request under uWSGI, used without uWSGI's buffers in between.

uWSGI made it one on which nothing waits; what waits here waits as long as uWSGI would.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable

try:
    import uwsgi
except ImportError:  # every other server, and tests
    uwsgi = None

#: Seconds that uWSGI waits for a client where ``socket-timeout`` does not say.
_TIMEOUT = 4
#: Bytes that are sent at once: what fits into caches is taken from there by a client on this machine.
_PIECE = 1 << 20
#: Options of uWSGI with which something else passes on the connection than bodies as they are, or nothing any more.
_NOT_PLAIN = frozenset(
    f'{kind}-socket' for kind in ('https', 'suwsgi', 'ssl', 'http11', 'puwsgi', 'fastcgi', 'fastcgi-nph', 'scgi-nph', 'raw')
) | {'post-buffering', 'protocol', 'route', 'route-run', 'response-route', 'response-route-run', 'final-route'}


class UwsgiConnection:
    """The connection of the request that the calling thread deals with.

    :ivar buffered: bytes of a body that uWSGI may have taken from it already
    """

    def __init__(self) -> None:
        self.buffered = int(uwsgi.buffer_size)
        self._descriptor = int(uwsgi.connection_fd())
        self._timeout = int(uwsgi.opt.get('socket-timeout', _TIMEOUT))

    def receive_into(self, buffer: memoryview) -> int:
        """Put at least one byte into a buffer, which has room, and return how many; 0 at the end of the connection.

        :raises TimeoutError: none came for too long
        :raises OSError: the connection is broken
        """
        return self._patiently(lambda: os.readv(self._descriptor, [buffer]), select.POLLIN)

    def send_file(self, descriptor: int, offset: int, length: int) -> None:
        """Send part of a file by the kernel.

        :raises TimeoutError: the client took nothing for too long
        :raises OSError: the connection is broken
        """
        end = offset + length
        while offset < end:
            rest = min(end - offset, _PIECE)
            count = self._patiently(
                lambda offset=offset, rest=rest: os.sendfile(self._descriptor, descriptor, offset, rest),  # type: ignore[misc]
                select.POLLOUT,
            )
            if not count:
                raise OSError('the file became shorter')
            offset += count

    def _patiently(self, work: Callable[[], int], event: int) -> int:
        """Return what the work returns, as soon as it need not wait."""
        while True:
            try:
                return work()
            except BlockingIOError:
                poll = select.poll()
                poll.register(self._descriptor, event)
                if not poll.poll(self._timeout * 1000):
                    raise TimeoutError from None


def is_plain() -> bool:
    """Tell whether uWSGI runs this, and passes on bodies and answers as they are."""
    return uwsgi is not None and _NOT_PLAIN.isdisjoint(uwsgi.opt)
