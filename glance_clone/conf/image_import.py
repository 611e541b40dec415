# SPDX-License-Identifier: Apache-2.0
"""How images are imported."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'image_import_opts'

_OPTS = [
    cfg.ListOpt(
        'image_import_plugins',
        item_type=cfg.types.String(quotes=True),
        bounds=True,
        default=[],
        sample_default='[no_op]',
        help="""
What is done to imported data before it goes into stores, in this order, written as ``[plugin,plugin]``.

Known are ``no_op``, ``inject_image_metadata``, ``image_decompression`` and ``image_conversion``, and whatever other packages
offer as entry points of ``glance.image_import.plugins``. Decompression belongs before conversion. Copies of images that are
active already see no plugin. A name that is not known stops the service at its start.
""",
    ),
    cfg.IntOpt(
        'max_parallel_stores',
        default=1,
        min=1,
        help='Stores to which one import writes at the same time; with 1 it writes to one after the other.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
