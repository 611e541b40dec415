# SPDX-License-Identifier: Apache-2.0
"""Entry points of the sample configuration generator."""

from __future__ import annotations

from typing import Any

from glance_clone import conf

_IMPORT_GROUPS = frozenset((*conf.import_plugins.GROUPS, conf.image_import.GROUP, conf.fetching.FILTER_GROUP))


def _listed(modules: Any) -> list[tuple[str | None, list[Any]]]:
    groups: dict[str | None, list[Any]] = {}
    for module in modules:
        for group, opts in module.list_opts().items():
            groups.setdefault(group, []).extend(opts)
    return list(groups.items())


def list_api_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of the API service, without those of imports."""
    return [(group, opts) for group, opts in _listed(conf.MODULES) if group not in _IMPORT_GROUPS]


def list_image_import_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of imports, which may stand in a file of their own."""
    return [(group, opts) for group, opts in _listed(conf.MODULES) if group in _IMPORT_GROUPS]


def list_cache_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of the programs that look after the image cache."""
    return _listed([conf.api, conf.cache, conf.database, conf.image_import, conf.leases, conf.paste, conf.stores])


def list_scrubber_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of ``glance-scrubber``."""
    groups = dict(_listed([conf.database, conf.leases, conf.stores]))
    for group, opts in conf.scrubber.list_program_opts().items():
        groups.setdefault(group, []).extend(opts)
    return list(groups.items())


def list_manage_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of ``glance-manage``; the libraries that it uses list theirs themselves."""
    return _listed([conf.catalogue, conf.database])
