# SPDX-License-Identifier: Apache-2.0
"""Which paste pipeline serves requests."""

from __future__ import annotations

from oslo_config import cfg

GROUP = 'paste_deploy'

_OPTS = [
    cfg.StrOpt(
        'flavor',
        help="""
Pipeline to use: the section ``glance-api-<flavor>`` of the paste file, or ``glance-api`` where empty.

``keystone`` is for clouds, ``standalone`` for one machine with HTTP basic auth; an empty flavor has no authentication.
""",
    ),
    cfg.StrOpt(
        'config_file',
        help="""
Paste file; absolute, or relative to the working directory or to a configuration directory.

Without it the name of the last configuration file is taken, ``glance-api.conf`` giving ``glance-api-paste.ini``.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {GROUP: _OPTS}
