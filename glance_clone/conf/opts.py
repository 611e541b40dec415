# SPDX-License-Identifier: Apache-2.0
"""Entry points of the sample configuration generator."""

from __future__ import annotations

from typing import Any

from glance_clone import conf


def _listed(modules: Any) -> list[tuple[str | None, list[Any]]]:
    groups: dict[str | None, list[Any]] = {}
    for module in modules:
        for group, opts in module.list_opts().items():
            groups.setdefault(group, []).extend(opts)
    return list(groups.items())


def list_api_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of the API service."""
    return _listed(conf.MODULES)


def list_manage_opts() -> list[tuple[str | None, list[Any]]]:
    """Return (group, options) pairs of ``glance-manage``; the libraries that it uses list theirs themselves."""
    return _listed([conf.catalogue, conf.database])
