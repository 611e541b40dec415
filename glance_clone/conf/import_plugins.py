# SPDX-License-Identifier: Apache-2.0
"""Options of the import plugins, and of the import method ``glance-download``.

Operators may keep them in a file of their own, ``glance-image-import.conf``, beside ``glance-api.conf``.
"""

from __future__ import annotations

from oslo_config import cfg
from oslo_config import types

INJECT_GROUP = 'inject_metadata_properties'
DECOMPRESSION_GROUP = 'image_decompression'
CONVERSION_GROUP = 'image_conversion'
DOWNLOAD_GROUP = 'glance_download_properties'
GROUPS = (INJECT_GROUP, DECOMPRESSION_GROUP, CONVERSION_GROUP, DOWNLOAD_GROUP)

_INJECT_OPTS = [
    cfg.ListOpt(
        'ignore_user_roles',
        default=['admin'],
        help='Roles whose users import without properties being injected by the plugin ``inject_image_metadata``.',
    ),
    cfg.DictOpt(
        'inject',
        default={},
        help="""
Properties that the plugin ``inject_image_metadata`` sets, as ``name:value`` separated by commas.

They replace what users set. Property protections do not hold for the plugin, so that they can keep users from changing the
properties afterwards. Names that begin with ``os_glance`` are left out.
""",
    ),
]

_DECOMPRESSION_OPTS = [
    cfg.IntOpt(
        'max_ratio',
        default=500,
        min=1,
        help="""
How many times as many bytes may come out of an archive as are in it; up to 256 MiB may come out in any case.

Beside it, ``image_size_cap`` and the space in the staging directory bound what is unpacked.
""",
    ),
    cfg.IntOpt('timeout', default=3600, min=1, help='Seconds in which the plugin ``image_decompression`` must be done.'),
]

_CONVERSION_OPTS = [
    cfg.StrOpt(
        'output_format',
        default='raw',
        choices=['qcow2', 'raw', 'vmdk'],
        help='Disk format that the plugin ``image_conversion`` makes of all imported images.',
    ),
    cfg.IntOpt('timeout', default=3600, min=1, help='Seconds in which the plugin ``image_conversion`` must be done.'),
    cfg.IntOpt(
        'max_memory',
        default=1024,
        min=256,
        help='MiB of memory that ``qemu-img`` may use.',
    ),
    cfg.StrOpt(
        'run_as',
        default='nobody',
        help="""
User as whom ``qemu-img``, and what unpacks lha archives, runs where the service itself runs as root.

A service that runs as another user, as it should, starts them as this user.
""",
    ),
]

_DOWNLOAD_OPTS = [
    cfg.ListOpt(
        'extra_properties',
        item_type=types.String(quotes=True),
        bounds=True,
        default=['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
        help="""
How the names of properties begin that the import method ``glance-download`` takes over from the remote image.

A list in the configuration replaces the default one. Properties that begin with ``os_glance`` are never taken over.
""",
    ),
]

_BY_GROUP = {
    INJECT_GROUP: _INJECT_OPTS,
    DECOMPRESSION_GROUP: _DECOMPRESSION_OPTS,
    CONVERSION_GROUP: _CONVERSION_OPTS,
    DOWNLOAD_GROUP: _DOWNLOAD_OPTS,
}


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    for group, opts in _BY_GROUP.items():
        conf.register_opts(opts, group=group)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return dict(_BY_GROUP)
