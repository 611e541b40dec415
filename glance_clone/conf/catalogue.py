# SPDX-License-Identifier: Apache-2.0
"""Option of the catalogue of metadata definitions."""

from __future__ import annotations

from oslo_config import cfg

_OPTS = [
    cfg.StrOpt(
        'metadata_source_path',
        default='/etc/glance/metadefs/',
        help="""
Where ``glance-manage db load_metadefs`` finds the catalogue and ``db export_metadefs`` writes it, unless ``--path`` says.

Loading takes a file, or all ``*.json`` files of a directory. Exporting begins the names of its files with this text, so a
directory that does not exist yet ends in a slash.
""",
    ),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Register the options of this module."""
    conf.register_opts(_OPTS)


def list_opts() -> dict[str | None, list[cfg.Opt]]:
    """Return the options by group."""
    return {None: _OPTS}
