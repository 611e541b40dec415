# SPDX-License-Identifier: Apache-2.0
"""Options of notifications, ``[DEFAULT]`` and ``[notifications]``; those of the message bus are oslo.messaging's."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'notifications'

_DEFAULT_OPTS = [
    cfg.StrOpt(
        'default_publisher_id',
        default='image.localhost',
        help='Name under which notifications are published; by convention the service and the host, joined by a dot.',
    ),
    cfg.ListOpt(
        'disabled_notifications',
        default=[],
        help="""
Notifications not to send.

Each entry is an event type, such as ``image.create``, or the beginning of some up to a dot: ``image`` or ``image.member``.
While ``image.send`` is sent, downloads are counted as they go and cannot be left to the web server: disable it where
downloads have to be as fast as can be.
""",
    ),
]
_OPTS = [
    cfg.IntOpt(
        'queue_size',
        default=10_000,
        min=1,
        help="""
How many notifications of a process may wait for the message bus.

Requests never wait for it. When so many wait, because the bus is away, further ones are dropped, and the log says how many.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options."""
    conf.register_opts(_DEFAULT_OPTS)
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {None: _DEFAULT_OPTS, GROUP: _OPTS}
