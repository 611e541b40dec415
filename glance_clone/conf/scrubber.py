# SPDX-License-Identifier: Apache-2.0
"""Options of delayed deletes, ``[DEFAULT]``, and of the scrubber."""

from __future__ import annotations

from oslo_config import cfg

_OPTS = [
    cfg.BoolOpt(
        'delayed_delete',
        default=False,
        help="""
Keep the data of deleted images until the scrubber removes it.

Users do not see the difference: a deleted image is gone at once. Operators can bring it back until then with
``glance-scrubber --restore``. Run ``glance-scrubber`` regularly, or as a daemon, where this is on; else data piles up.

Related options:
    * scrub_time
""",
    ),
    cfg.IntOpt(
        'scrub_time',
        default=0,
        min=0,
        help="""
Seconds for which the data of a deleted image is kept at least.

Related options:
    * delayed_delete
""",
    ),
    cfg.IntOpt(
        'scrub_pool_size',
        default=1,
        min=1,
        help='How many images the scrubber removes at the same time.',
    ),
]
_PROGRAM_OPTS = [
    cfg.IntOpt(
        'wakeup_time',
        default=300,
        min=0,
        help="""
Seconds between two runs of the scrubber where it stays in memory.

Related options:
    * daemon
""",
    ),
]
_COMMAND_LINE_OPTS = [
    cfg.BoolOpt(
        'daemon',
        short='D',
        default=False,
        help='Stay in memory and run again and again; without it, run once and end.',
    ),
    cfg.StrOpt(
        'restore',
        metavar='<IMAGE_ID>',
        help='Bring back an image that was deleted and whose data is still there.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register what the API and the scrubber have in common."""
    conf.register_opts(_OPTS)


def register_program_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of the scrubber alone."""
    conf.register_opts(_PROGRAM_OPTS)
    conf.register_cli_opts(_COMMAND_LINE_OPTS)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the common options by group."""
    return {None: _OPTS}


def list_program_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return all options of the scrubber by group."""
    return {None: [*_OPTS, *_PROGRAM_OPTS, *_COMMAND_LINE_OPTS]}
