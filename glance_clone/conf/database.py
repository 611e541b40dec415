# SPDX-License-Identifier: Apache-2.0
"""Options of the database; all of them are oslo.db's."""

from __future__ import annotations

from oslo_config import cfg
from oslo_db import options

GROUP = 'database'


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(options.database_opts, group=GROUP)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return nothing: oslo.db lists its options itself."""
    return {}
