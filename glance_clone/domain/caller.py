# SPDX-License-Identifier: Apache-2.0
"""On whose behalf something is done, as far as the domain needs to know."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """The identity that decides which rows are visible.

    :ivar project_id: the caller's project, None for anonymous and unscoped callers
    :ivar is_admin: sees the images of every project
    """

    project_id: str | None
    is_admin: bool = False


#: The service itself, when it cleans up or finishes work of its own.
SERVICE = Caller(project_id=None, is_admin=True)
