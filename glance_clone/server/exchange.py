# SPDX-License-Identifier: Apache-2.0
"""One request and its answer, and the line in the log that tells of both."""

from __future__ import annotations

import dataclasses
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from oslo_log import log as logging

from glance_clone.server.answer import Answer
from glance_clone.server.answer import Sender
from glance_clone.server.answer import refusal
from glance_clone.server.limits import Limits
from glance_clone.server.reader import ClientGone
from glance_clone.server.reader import ClientSlow
from glance_clone.server.reader import FramingError
from glance_clone.server.request_body import Body
from glance_clone.server.request_head import Head

LOG = logging.getLogger(__name__)

#: Bytes of an unread body for whose sake a connection is not given up.
_DRAIN = 65536
_LONGEST_LOGGED = 256
_CONTINUE = b'HTTP/1.1 100 Continue\r\n\r\n'


@dataclasses.dataclass(slots=True)
class Site:
    """What the connections of a process have in common.

    :ivar tls: the context with which connections are encrypted, None for plain ones
    :ivar multiprocess: other processes serve the same application
    :ivar stopping: no further requests are wanted
    """

    app: Callable[..., Iterable[bytes]]
    limits: Limits
    tls: ssl.SSLContext | None = None
    multiprocess: bool = False
    stopping: bool = False


class Exchange:
    """One request and its answer.

    :param peer: address of the client
    :param last: the connection should end after this request
    """

    def __init__(self, site: Site, sender: Sender, head: Head, body: Body, peer: str, last: bool):
        self._site = site
        self._sender = sender
        self._head = head
        self._body = body
        self._peer = peer
        self._last = last
        self._answer = Answer(sender, head, self._may_persist)
        if head.expects_continue:
            body.announce = self._announce

    def run(self, environ: dict[str, Any]) -> bool:
        """Let the application answer; return whether the connection is fit for another request.

        :raises ClientGone: the connection is broken
        """
        begin = time.monotonic()
        try:
            self._respond(environ)
        finally:
            log_access(self._peer, self._head.line, self._answer.status, self._sender.sent, begin)
        return self._answer.persistent and self._drain()

    def _may_persist(self) -> bool:
        wanted = self._head.persistent and not self._last and not self._site.stopping
        return wanted and self._body.drainable(_DRAIN)

    def _announce(self) -> None:
        if not self._answer.begun:
            self._sender.send(_CONTINUE)

    def _respond(self, environ: dict[str, Any]) -> None:
        try:
            self._call(environ)
        except ClientGone:
            raise
        except ClientSlow as error:
            self._fail(408, str(error))
        except FramingError as error:
            self._fail(error.status, str(error))
        except Exception:
            LOG.exception('%s: the answer to "%s" failed.', self._peer, printable(self._head.line))
            self._fail(500, 'the service failed to answer')

    def _call(self, environ: dict[str, Any]) -> None:
        result = self._site.app(environ, self._answer.start_response)
        try:
            self._answer.send(result)
        finally:
            close = getattr(result, 'close', None)
            if close is not None:
                close()

    def _fail(self, status: int, text: str) -> None:
        """End the connection, with an answer if none has begun."""
        if not self._answer.begun:
            self._answer.status = status
            self._sender.send(refusal(status, text))
        self._answer.persistent = False

    def _drain(self) -> bool:
        """Read what the application left of the body, so that the next request begins after it."""
        try:
            self._body.read()
        except (ClientSlow, FramingError):
            return False
        return True


def log_access(peer: str, line: str, status: int, size: int, begin: float) -> None:
    """Log one request.

    :param line: the request line, as it came
    :param status: 0 where there is no answer, because the client was gone
    :param begin: on the monotonic clock
    """
    LOG.info('%s "%s" status: %s len: %d time: %.6f', peer, printable(line), status or '-', size, time.monotonic() - begin)


def printable(text: str) -> str:
    """Return text of a client fit for a log line: no control characters, cut."""
    escaped = ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in text[:_LONGEST_LOGGED])
    return escaped.replace('"', '\\"')
