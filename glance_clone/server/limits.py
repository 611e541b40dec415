# SPDX-License-Identifier: Apache-2.0
"""How much and how slowly a client may send."""

from __future__ import annotations

import dataclasses

from oslo_config import cfg

#: What an option of 0 means for the length of a line.
_LONGEST_LINE = 65536


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """The limits on every client. Times are in seconds, sizes in bytes.

    :ivar head_time: in which the head of a request must arrive
    :ivar head_line: of the longest line of a head, CR LF included
    :ivar head_size: of all lines of a head
    :ivar head_fields: number of header fields
    :ivar body_idle: that a client may pause in a body
    :ivar min_rate: bytes per second of a body, on average; 0: any
    :ivar rate_free: that we wait for a body before its rate counts
    :ivar write_idle: in which a client must take some byte of an answer
    :ivar idle: for which a connection is kept without a request
    :ivar requests: on one connection
    """

    head_time: float = 10
    head_line: int = 16384
    head_size: int = 32768
    head_fields: int = 100
    body_idle: float = 30
    min_rate: int = 1024
    rate_free: float = 60
    write_idle: float = 60
    idle: float = 15
    requests: int = 1000

    @classmethod
    def of(cls, conf: cfg.ConfigOpts) -> Limits:
        """Return the configured limits."""
        longest = conf.client_socket_timeout or float('inf')
        return cls(
            head_time=min(conf.client_header_timeout, longest),
            head_line=conf.max_header_line or _LONGEST_LINE,
            head_size=conf.max_header_size,
            head_fields=conf.max_header_fields,
            body_idle=min(conf.client_body_timeout, longest),
            min_rate=conf.client_min_rate,
            write_idle=min(conf.client_write_timeout, longest),
            idle=min(conf.http_keepalive_idle, longest),
            requests=conf.http_keepalive_requests if conf.http_keepalive else 1,
        )
