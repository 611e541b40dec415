# SPDX-License-Identifier: Apache-2.0
"""How long unfinished work of a dead worker is trusted (R3)."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'leases'

_OPTS = [
    cfg.IntOpt(
        'ttl',
        default=60,
        min=1,
        help="""
Seconds for which a worker may go without a sign of life before others finish or undo what it was doing.

All nodes of one database should agree on it. Together with ``sweep_interval`` it bounds how long an image can stay in a
state like ``saving`` after its worker died.
""",
    ),
    cfg.IntOpt(
        'heartbeat_interval',
        default=10,
        min=1,
        help='Seconds between two signs of life of a worker; at most a third of ``ttl``.',
    ),
    cfg.IntOpt(
        'sweep_interval',
        default=30,
        min=1,
        help='Seconds between two looks of a worker for work whose owner died.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
