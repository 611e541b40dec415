# SPDX-License-Identifier: Apache-2.0
"""Names that a database takes for one although they are different (D-11)."""

from __future__ import annotations

import collections
from collections.abc import Iterable

from glance_clone.domain.spelling import folded


def alike(names: Iterable[str]) -> list[str]:
    """Return those names that differ only as collations overlook it."""
    spellings = collections.defaultdict(list)
    for name in sorted(names):
        spellings[folded(name)].append(name)
    return [name for group in spellings.values() if len(group) > 1 for name in group]
