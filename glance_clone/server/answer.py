# SPDX-License-Identifier: Apache-2.0
"""The answer to a request: its head, then its body as blocks, chunks, or straight from a file."""

from __future__ import annotations

import email.utils
import http
import os
import re
import select
import socket
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from glance_clone.server.reader import ClientGone
from glance_clone.server.reader import ClientSlow
from glance_clone.server.request_head import Head

#: Bytes that are sent before other clients get their turn.
_TURN = 1 << 20
#: Up to this size, the first block of a body is sent together with the head.
_SMALL = 65536
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TEXT = re.compile(r'[^\x00-\x08\x0a-\x1f\x7f]*')
#: What the connection says; an application has no say in it.
_OURS = frozenset(('connection', 'keep-alive', 'transfer-encoding'))

Headers = list[tuple[str, str]]


class FileWrapper:
    """``wsgi.file_wrapper``: what is left of an open file, sent by the kernel where it can."""

    def __init__(self, fileobj: Any, block_size: int = _SMALL):
        self.fileobj = fileobj
        self._block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        """Yield the file in blocks, for connections through which the kernel cannot send it."""
        while block := self.fileobj.read(self._block_size):
            yield block

    def close(self) -> None:
        """Close the file."""
        if hasattr(self.fileobj, 'close'):
            self.fileobj.close()


class Sender:
    """Sends on a socket; never waits longer than allowed for the client to take something.

    :param idle: seconds
    :ivar sent: bytes so far
    """

    def __init__(self, sock: socket.socket, idle: float):
        self.sent = 0
        self._sock = sock
        self._idle = idle
        self._turn = _TURN

    @property
    def takes_files(self) -> bool:
        """Tell whether the kernel can send files on this connection."""
        return not isinstance(self._sock, ssl.SSLSocket)

    def send(self, data: bytes) -> None:
        """Send all of the data.

        :raises ClientSlow: the client took nothing for too long
        :raises ClientGone: the connection is broken
        """
        rest = memoryview(data)
        try:
            self._sock.settimeout(self._idle)
            while rest:
                count = self._sock.send(rest[:_TURN])
                rest = rest[count:]
                self._account(count)
        except TimeoutError:
            raise ClientSlow('too slow') from None
        except OSError as error:
            raise ClientGone(str(error)) from None

    def send_file(self, fileobj: Any, size: int) -> int:
        """Send up to size bytes of a file from its position on, and return how many there were; raises as send does."""
        descriptor, offset, left = fileobj.fileno(), fileobj.tell(), size
        while left:
            count = self._send_part(descriptor, offset, min(left, _TURN))
            if count == 0:
                break
            offset += count
            left -= count
            self._account(count)
        return size - left

    def _send_part(self, descriptor: int, offset: int, size: int) -> int:
        self._sock.settimeout(self._idle)
        while True:
            try:
                return os.sendfile(self._sock.fileno(), descriptor, offset, size)
            except BlockingIOError:
                self._wait()
            except (BrokenPipeError, ConnectionError) as error:
                raise ClientGone(str(error)) from None

    def _wait(self) -> None:
        if not select.select([], [self._sock], [], self._idle)[1]:
            raise ClientSlow('too slow')

    def _account(self, count: int) -> None:
        """Count what was sent, and let others run: a quick client must not have the process for itself."""
        self.sent += count
        self._turn -= count
        if self._turn <= 0:
            self._turn = _TURN
            time.sleep(0)


class Answer:
    """One answer on its way.

    :param may_persist: asked when the head is sent: whether the connection may serve another request
    :ivar status: HTTP status code; 0 before the application gave one
    :ivar begun: the head is sent
    :ivar persistent: the connection may serve another request, and the client was not told otherwise
    """

    def __init__(self, sender: Sender, head: Head, may_persist: Callable[[], bool]):
        self.status = 0
        self.begun = False
        self.persistent = False
        self._may_persist = may_persist
        self._sender = sender
        self._head = head
        self._line = ''
        self._headers: Headers = []
        self._chunked = False
        self._left: int | None = None

    def start_response(self, status: str, headers: Headers, exc_info: Any = None) -> Any:
        """Take status and headers, as PEP 3333 says.

        :raises ValueError: they cannot be sent
        """
        if exc_info and self.begun:
            raise exc_info[1].with_traceback(exc_info[2])
        _check(status, headers)
        self._line = status
        self.status = int(status[:3])
        self._headers = [(name, value) for name, value in headers if name.lower() not in _OURS]
        return self.write

    def send(self, result: Iterable[bytes]) -> None:
        """Send what the application returned.

        :raises ClientSlow: the client took nothing for too long
        :raises ClientGone: the connection is broken
        """
        if isinstance(result, FileWrapper) and self._sender.takes_files and hasattr(result.fileobj, 'fileno'):
            self._send_file(result)
        else:
            size = len(result[0]) if isinstance(result, list | tuple) and len(result) == 1 else None
            for block in result:
                if block:
                    self.write(block, size)
        if not self.begun:
            self._begin(b'', 0)
        self._finish()

    def write(self, block: bytes, size: int | None = None) -> None:
        """Send a block of the body; the head goes before the first.

        :param size: bytes of the whole body if that is known; else it is said in the headers or not at all
        """
        if not self.begun:
            self._begin(block, size)
        else:
            self._sender.send(self._framed(block))

    def _send_file(self, wrapper: FileWrapper) -> None:
        self._begin(b'', None)
        if self._has_body():
            size = self._left if self._left is not None else os.fstat(wrapper.fileobj.fileno()).st_size
            if self._chunked:
                for block in wrapper:
                    self._sender.send(self._framed(block))
                return
            sent = self._sender.send_file(wrapper.fileobj, size)
            if self._left is not None:
                self._left -= sent

    def _begin(self, block: bytes, size: int | None) -> None:
        if not self._line:
            raise RuntimeError('the application sent a body without calling start_response')
        self.persistent = self._may_persist()
        lines = [f'HTTP/1.1 {self._line}', *(f'{name}: {value}' for name, value in self._headers)]
        lines += self._own_headers(size)
        head = ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')
        self.begun = True
        framed = self._framed(block)
        if len(framed) <= _SMALL:
            self._sender.send(head + framed)
        else:
            self._sender.send(head)
            self._sender.send(framed)

    def _own_headers(self, size: int | None) -> Iterator[str]:
        """Yield the header lines that are ours to say, and learn from the others how the body is delimited."""
        names = {name.lower(): value for name, value in self._headers}
        if 'date' not in names:
            yield f'Date: {email.utils.formatdate(usegmt=True)}'
        if 'content-length' in names:
            self._left = int(names['content-length'])
        elif self._has_body():
            yield from self._delimit(size)
        if not self.persistent:
            yield 'Connection: close'
        elif self._head.version == '1.0':
            yield 'Connection: keep-alive'

    def _delimit(self, size: int | None) -> Iterator[str]:
        if size is not None:
            self._left = size
            yield f'Content-Length: {size}'
        elif self._head.version == '1.1':
            self._chunked = True
            yield 'Transfer-Encoding: chunked'
        else:
            self.persistent = False

    def _has_body(self) -> bool:
        return self._head.method != 'HEAD' and self.status not in (204, 304)

    def _framed(self, block: bytes) -> bytes:
        """Return a block as it is sent: as a chunk, or as it is but not beyond the announced end."""
        if not block or not self._has_body():
            return b''
        if self._chunked:
            return b'%x\r\n%b\r\n' % (len(block), block)
        if self._left is not None:
            block = block[: self._left]
            self._left -= len(block)
        return block

    def _finish(self) -> None:
        if self._chunked:
            self._sender.send(b'0\r\n\r\n')
        elif self._left and self._has_body():
            raise ValueError(f'the application sent {self._left} bytes less than it announced')


def _check(status: str, headers: Headers) -> None:
    """Refuse what would break the framing of the answer."""
    if not re.match(r'[1-9][0-9][0-9] ', status) or not _TEXT.fullmatch(status):
        raise ValueError('malformed status')
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or not _TEXT.fullmatch(value):
            raise ValueError(f'malformed header {name!r}')


def refusal(status: int, text: str) -> bytes:
    """Return a short answer, complete with its head, that ends the connection."""
    body = f'{status} {http.HTTPStatus(status).phrase}: {text}.\n'.encode()
    head = (
        f'HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n'
        f'Content-Type: text/plain; charset=UTF-8\r\nContent-Length: {len(body)}\r\n'
        f'Date: {email.utils.formatdate(usegmt=True)}\r\nConnection: close\r\n\r\n'
    )
    return head.encode() + body
