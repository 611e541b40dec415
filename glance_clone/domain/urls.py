# SPDX-License-Identifier: Apache-2.0
"""URLs as users may see them again."""

from __future__ import annotations

import re

_USER_INFORMATION = re.compile(r'([a-z][a-z0-9+.-]*:)?//[^/?#\\]*@', re.IGNORECASE)


def without_user(url: str) -> str:
    """Return a URL, or a text with URLs, without user names and passwords: ``http://user:secret@host/`` has none left."""
    return _USER_INFORMATION.sub(lambda match: f'{match[1] or ""}//', url)
