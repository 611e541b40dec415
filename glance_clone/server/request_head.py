# SPDX-License-Identifier: Apache-2.0
"""The head of a request, read so that no two servers can disagree on where it ends and what body follows.

Whatever RFC 9112 calls an error, or leaves to the leniency of servers, is refused.
"""

from __future__ import annotations

import dataclasses
import re

from glance_clone.server.limits import Limits
from glance_clone.server.reader import FramingError
from glance_clone.server.reader import Reader

_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) (/[^\x00-\x20\x7f#]*) HTTP/(\d\.\d)")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]+")
_LENGTH = re.compile(r'[0-9]{1,18}')

#: Methods are short; whatever is longer is not HTTP.
_LONGEST_METHOD = 32


@dataclasses.dataclass(slots=True)
class Head:
    """A request before its body.

    :ivar target: path and query as they were sent
    :ivar version: ``1.0`` or ``1.1``
    :ivar fields: header fields in their order
    :ivar length: bytes of the body; None if it comes in chunks
    :ivar persistent: the client would send another request on the connection
    :ivar expects_continue: the client waits for a word before it sends the body
    """

    method: str
    target: str
    version: str
    fields: list[tuple[str, str]]
    length: int | None = 0
    persistent: bool = True
    expects_continue: bool = False

    @property
    def line(self) -> str:
        """The request line."""
        return f'{self.method} {self.target} HTTP/{self.version}'


def read_head(reader: Reader, limits: Limits, deadline: float) -> Head:
    """Read one head.

    :param deadline: on the monotonic clock
    :raises FramingError: it is not well-formed or too large
    :raises ClientSlow: it did not arrive before the deadline
    :raises ClientGone: the connection ended before
    """
    line = reader.line(limits.head_line, deadline, status=414)
    if not line:  # RFC 9112 2.2: clients of old send one empty line too many
        line = reader.line(limits.head_line, deadline, status=414)
    head = _parse_request_line(line)
    head.fields = _read_fields(reader, limits, deadline)
    _understand(head)
    return head


def _parse_request_line(line: bytes) -> Head:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise FramingError('the request line is malformed')
    method, target, version = (part.decode('latin-1') for part in match.groups())
    if len(method) > _LONGEST_METHOD:
        raise FramingError('the request line is malformed')
    if version not in ('1.0', '1.1'):
        raise FramingError('only HTTP/1.0 and HTTP/1.1 are spoken here', 505)
    return Head(method, target, version, [])


def _read_fields(reader: Reader, limits: Limits, deadline: float) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    left = limits.head_size
    while line := reader.line(limits.head_line, deadline, status=431):
        left -= len(line) + 2
        if left < 0 or len(fields) == limits.head_fields:
            raise FramingError('the header fields are too large or too many', 431)
        fields.append(_parse_field(line))
    return fields


def _parse_field(line: bytes) -> tuple[str, str]:
    match = _FIELD.fullmatch(line)
    if match is None:
        raise FramingError('a header field is malformed')
    name, value = match.groups()
    return name.decode('ascii'), value.decode('latin-1')


def _understand(head: Head) -> None:
    """Set what header fields say about the body and the connection."""
    values: dict[str, list[str]] = {}
    for name, value in head.fields:
        values.setdefault(name.lower(), []).append(value)
    _check_host(head, values.get('host', []))
    head.length = _body_length(head, values.get('content-length'), values.get('transfer-encoding'))
    options = {option.strip().lower() for value in values.get('connection', []) for option in value.split(',')}
    head.persistent = 'close' not in options and (head.version == '1.1' or 'keep-alive' in options)
    head.expects_continue = head.version == '1.1' and _expects(values.get('expect', []))


def _check_host(head: Head, hosts: list[str]) -> None:
    if len(hosts) > 1 or (head.version == '1.1' and not hosts):
        raise FramingError('one Host field is needed')
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise FramingError('the Host field is malformed')


def _body_length(head: Head, lengths: list[str] | None, codings: list[str] | None) -> int | None:
    if codings is not None:
        if lengths is not None or head.version == '1.0' or [coding.lower() for coding in codings] != ['chunked']:
            raise FramingError('Transfer-Encoding must be chunked, and stand alone')
        return None
    if lengths is None:
        return 0
    if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
        raise FramingError('Content-Length must be one number')
    return int(lengths[0])


def _expects(values: list[str]) -> bool:
    if not values:
        return False
    if [value.lower() for value in values] != ['100-continue']:
        raise FramingError('only 100-continue can be expected', 417)
    return True
