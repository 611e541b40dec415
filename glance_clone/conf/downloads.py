# SPDX-License-Identifier: Apache-2.0
"""How the data of images is read from stores."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'downloads'

_OPTS = [
    cfg.BoolOpt(
        'verify',
        default=False,
        help="""
Compute the hash of whole images while they are downloaded, and break off before the last block where it does not fit.

Damage in a store is then an error for its reader, at the price of processor time: files cannot be handed to the kernel to
send. Ranges are not verified. Without it, only the size of a copy is compared with that of the image.
""",
    ),
    cfg.IntOpt(
        'open_timeout',
        default=30,
        min=1,
        help='Seconds for which a store may keep a download waiting for its begin, before another copy is tried.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
