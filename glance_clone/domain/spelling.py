# SPDX-License-Identifier: Apache-2.0
"""One spelling for all names that look alike, so that no name is reached by another spelling of it (D-11)."""

from __future__ import annotations

import unicodedata


def folded(name: str) -> str:
    """Return a name without what collations overlook: case, accents, width, and blanks at the end."""
    if name.isascii():
        return name.rstrip(' ').lower()
    letters = unicodedata.normalize('NFKD', name.rstrip(' '))
    return ''.join(c for c in letters if not unicodedata.combining(c)).casefold()
