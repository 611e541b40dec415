# SPDX-License-Identifier: Apache-2.0
"""The version of the installed distribution."""

from __future__ import annotations

import importlib.metadata


def version_string() -> str:
    """Return the version, ``unknown`` where the package runs from a tree that was never installed."""
    try:
        return importlib.metadata.version('glance-clone')
    except importlib.metadata.PackageNotFoundError:
        return 'unknown'
