# SPDX-License-Identifier: Apache-2.0
"""How much each project may have."""

from __future__ import annotations

from oslo_config import cfg

_OPTS = [
    cfg.StrOpt(
        'user_storage_quota',
        default='0',
        help="""
Most bytes of image data that one project may keep in stores; 0 for any number.

A number with one of the units B, KB, MB, GB and TB, e.g. ``20GB``, where a KB is 1024 bytes; without unit it is bytes.
Every copy of an image in a further store counts, and so does data that is on its way; the project that owns the image is
charged, whoever sends the data. What is staged does not count, nor does an image that is being deleted. Does not apply
with ``use_keystone_limits``.
""",
    ),
    cfg.BoolOpt(
        'use_keystone_limits',
        default=False,
        help="""
Limit what projects have by the unified limits of Keystone.

The limits are ``image_size_total`` and ``image_stage_total`` in MiB, ``image_count_total`` and ``image_count_uploading``.
Register all four for the image service in Keystone before you switch this on: a limit that is not registered counts as 0,
so that nothing is allowed. How the service finds Keystone and its own endpoint there is said in ``[oslo_limit]``.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {None: _OPTS}
