# SPDX-License-Identifier: Apache-2.0
"""Which image formats users may declare and what is checked about them."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'image_format'

_OPTS = [
    cfg.ListOpt(
        'container_formats',
        default=['ami', 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'],
        help='Values that ``container_format`` may have.',
    ),
    cfg.ListOpt(
        'disk_formats',
        default=['ami', 'ari', 'aki', 'vhd', 'vhdx', 'vmdk', 'raw', 'qcow2', 'vdi', 'iso', 'ploop'],
        help='Values that ``disk_format`` may have.',
    ),
    cfg.BoolOpt(
        'require_image_format_match',
        default=True,
        help="""
Refuse data of container format ``bare`` whose detected format is not the declared ``disk_format``.

Whatever the value, data is refused that could make a tool which opens it read other files.
""",
    ),
    cfg.ListOpt(
        'gpt_safety_checks_nonfatal',
        default=[],
        help='Names of safety checks of GPT and MBR partition tables whose failure does not refuse the data, e.g. ``mbr``.',
    ),
    cfg.ListOpt(
        'vmdk_allowed_types',
        default=['streamOptimized', 'monolithicSparse'],
        help='VMDK subformats that may be converted at import; empty: none.',
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
