# SPDX-License-Identifier: Apache-2.0
"""How the directories of data on its way are looked after (R5)."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'housekeeping'

_OPTS = [
    cfg.IntOpt(
        'staging_interval',
        default=300,
        min=1,
        help="""
Seconds between two looks of a worker for leftovers in the staging directory of its node, and in that of tasks.
""",
    ),
    cfg.IntOpt(
        'staging_grace',
        default=600,
        min=0,
        help="""
Seconds for which a file in these directories is left alone although nobody seems to need it.

Files of deleted images go at once. Data that waits for its import stays for as long as its image does.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
