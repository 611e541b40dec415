# SPDX-License-Identifier: Apache-2.0
"""Options of the database, those of oslo.db and how locations are sealed in it."""

from __future__ import annotations

from oslo_config import cfg
from oslo_db import options

GROUP = 'database'

_SEALING = [
    cfg.StrOpt(
        'metadata_encryption_key',
        secret=True,
        help="""
Key with which the locations of images are sealed in the database: 16, 24 or 32 characters, for AES.

Whoever reads the database then does not learn where data lies. Without a key locations are stored in the clear, and those
that are stay readable when a key is set. All programs that use the database need the same key. To change it, see
``glance-manage db reseal_locations``.

Related options: ``metadata_encryption_form``, ``metadata_encryption_further_keys``
""",
    ),
    cfg.StrOpt(
        'metadata_encryption_form',
        default='compatible',
        choices=[
            ('compatible', 'AES-CBC, as other software with the same key reads and writes it'),
            ('authenticated', 'AES-GCM, bound to the image: nobody can change a location unnoticed'),
        ],
        help="""
Form in which locations are sealed from now on. Both forms can always be read; ``glance-manage db reseal_locations`` brings
those that are there into the form and under the key of the configuration.
""",
    ),
    cfg.ListOpt(
        'metadata_encryption_further_keys',
        item_type=cfg.types.String(quotes=True),
        default=[],
        secret=True,
        help="""
Further keys with which locations may have been sealed: the former ones, and the next one, while the key changes. They are
separated by commas; one with a comma in it is written in double quotes.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(options.database_opts, group=GROUP)
    conf.register_opts(_SEALING)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group; oslo.db lists its own itself."""
    return {None: _SEALING}
